"""Result of training: what the function returned, checked before anything is stored.

A committed version cannot be withdrawn, so everything that the event, the record or the asset's page could not hold is
refused here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from lineage_pipelines.capture.evaluation import defined_metrics
from lineage_pipelines.capture.gaps import Gaps
from lineage_pipelines.capture.scalars import describe_type, plain_scalar
from lineage_pipelines.capture.secrets import find_secrets
from lineage_pipelines.capture.trained_model import TrainedModel
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.statement.training_run import Candidate, SliceMetrics
from lineage_pipelines.records.values.phrase import some_of

_PNG = b"\x89PNG\r\n\x1a\n"
_Part = TypeVar("_Part", SliceMetrics, Candidate)


def check_result(result: object, *, model: str, inputs: Collection[str]) -> TrainedModel:
    """Return the result, its lists as tuples and its seed as a plain number.

    Raises:
        CaptureError: it is not a `TrainedModel`, or a field has another type than declared.
    """
    if not isinstance(result, TrainedModel):
        fix = "return lineage_pipelines.TrainedModel(estimator=…, metrics={…})"
        raise CaptureError(f"the training function returned a {type(result).__name__}", where=model, fix=fix)
    if isinstance(result.estimator, type):
        raise _refused(model, "estimator", result.estimator, "give the trained instance, not its class")
    if result.evaluated_on is not None and result.evaluated_on not in inputs:
        what = f"it was evaluated on {result.evaluated_on!r}, which is not an input"
        raise CaptureError(what, where=f"{model}: evaluated_on", fix=f"use one of: {', '.join(inputs)}")
    _check_page(result, model)
    checked = replace(
        result,
        seed=_seed(result.seed, model),
        slices=_several(result.slices, SliceMetrics, model, "slices"),
        candidates=_several(result.candidates, Candidate, model, "candidates"),
    )
    _check_words(checked, model)
    return checked


def leave_out_undefined(trained: TrainedModel, *, model: str) -> tuple[TrainedModel, Gaps]:
    """Return the result with its finite metrics, and a gap for each metric that has no value: the model is kept.

    Raises:
        CaptureError: a metric is not a number at all.
    """
    metrics, undefined = defined_metrics(trained.metrics, where=f"{model}: metrics")
    gaps = [f"evaluation.metrics.{name}: left out, it is {word}" for name, word in undefined.items()]
    slices, of_slices = _finite(trained.slices, "slice", lambda part: f"{part.name}={part.value}")
    candidates, of_candidates = _finite(trained.candidates, "candidate", lambda each: each.name)
    gaps += [f"evaluation.slices: {gap}" for gap in of_slices] + [f"candidates: {gap}" for gap in of_candidates]
    return replace(trained, metrics=metrics, slices=slices, candidates=candidates), tuple(gaps)


def _finite(
    parts: Iterable[_Part], kind: str, title: Callable[[_Part], str]
) -> tuple[tuple[_Part, ...], Iterable[str]]:
    """Parts with their finite metrics, and in words which metric of which parts is left out."""
    kept: list[_Part] = []
    undefined: dict[str, list[str]] = {}
    for part in parts:
        metrics, words = defined_metrics(part.metrics, where=f"{kind} {title(part)}: metrics")
        kept.append(replace(part, metrics=metrics))
        for name in words:
            undefined.setdefault(name, []).append(title(part))
    return tuple(kept), [f"{name} is not finite and left out of {some_of(of)}" for name, of in undefined.items()]


def _check_page(result: TrainedModel, model: str) -> None:
    # Whatever their annotations say.
    plot: object = result.plot
    notes: object = result.notes
    if notes is not None and not isinstance(notes, str):
        raise _refused(model, "notes", notes, "give plain text")
    if plot is not None and not (isinstance(plot, bytes | bytearray) and plot.startswith(_PNG)):
        fix = 'give the bytes of a PNG: figure.savefig(buffer, format="png"), then buffer.getvalue()'
        raise _refused(model, "plot", plot, fix)


def _seed(seed: object, model: str) -> int | None:
    plain = plain_scalar(seed)
    if plain is None or (isinstance(plain, int) and not isinstance(plain, bool)):
        return plain
    raise _refused(model, "seed", seed, "give a whole number, or None")


def _several(values: object, kind: type[_Part], model: str, field: str) -> tuple[_Part, ...]:
    fix = f"give a list of {kind.__name__}(…)"
    if not isinstance(values, Iterable) or isinstance(values, Mapping | str):
        raise _refused(model, field, values, fix)
    parts = tuple(values)
    for number, part in enumerate(parts):
        if not isinstance(part, kind):
            raise _refused(model, f"{field}[{number}]", part, fix)
        if not isinstance(part.name, str):
            raise _refused(model, f"{field}[{number}].name", part.name, "name it by text")
    return parts


def _check_words(result: TrainedModel, model: str) -> None:
    found = find_secrets({"notes": result.notes or "", "reasons": [c.reason or "" for c in result.candidates]})
    if found:
        raise CaptureError("a text looks like it holds a secret", where=f"{model}: {found[0]}", fix="leave it out")


def _refused(model: str, field: str, value: object, fix: str) -> CaptureError:
    what = describe_type(value)
    if isinstance(value, type):
        what = f"the class {value.__name__}"
    elif field == "plot" and isinstance(value, bytes | bytearray):
        what = "bytes that are not a PNG"
    return CaptureError(f"TrainedModel.{field} is {what}", where=f"{model}: {field}", fix=fix)
