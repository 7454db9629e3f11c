"""Level check: is the new model the same? Inputs by digest, metrics within a tolerance, predictions exactly."""

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.artifacts.model_file import content_digest
from lineage_pipelines.capture.probe import HOW_TO_PROBE
from lineage_pipelines.capture.variable_references import referred_variables
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines.queries.diff.run.noise_band import band_name
from lineage_pipelines.records.decisions.reproduction import MetricAgain
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import Evaluation
from lineage_pipelines.records.values.phrase import some_of
from lineage_pipelines.replay.environments import differences, in_words

_NAMED = 5
"""So many variables or files are named in a hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How far a metric may be from the recorded one and still count as the same."""

    declared: Mapping[str, float] = field(default_factory=dict)
    """By metric; of all its slices, too."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """By band: `roc_auc`, `roc_auc of origin=LGA`."""
    origin: str = "none is declared, and no spread over seeds is known"
    """Where they come from, in words."""

    def of(self, metric: str, band: str) -> float | None:
        """Return the larger of what is declared and what was measured; None where neither is known."""
        known = [each for each in (self.declared.get(metric), self.measured.get(band)) if each is not None]
        return max(known, default=None)


def compare_metrics(
    recorded: Evaluation | None, again: Evaluation | None, tolerances: Tolerances
) -> tuple[int, tuple[MetricAgain, ...], tuple[str, ...]]:
    """Return how many metrics were compared, those that are not equal, and which were not measured again."""
    before, after = dict(_measured(recorded)), dict(_measured(again))
    moved = tuple(
        MetricAgain(name=band, recorded=value, again=after[band][1], tolerance=tolerance, within=within)
        for band, (metric, value) in before.items()
        if band in after and after[band][1] != value
        for tolerance in [tolerances.of(metric, band)]
        for within in [tolerance is not None and abs(after[band][1] - value) <= tolerance]
    )
    return len(before), moved, tuple(band for band in before if band not in after)


def _measured(evaluation: Evaluation | None) -> Iterator[tuple[str, tuple[str, float]]]:
    if evaluation is None:
        return
    for name, value in evaluation.metrics.items():
        yield band_name(name), (name, value)
    for part in evaluation.slices:
        for name, value in part.metrics.items():
            yield band_name(name, f"{part.name}={part.value}"), (name, value)


def compare_inputs(
    recorded: LineageRecord, again: LineageRecord, artifacts: ArtifactStore, packages: str | None
) -> Iterator[str]:
    """Yield how the two trainings differ before any metric, in the order in which a model is made.

    Args:
        recorded: the record.
        again: what the training in the sandbox recorded.
        artifacts: the project's store, for the recorded list of libraries.
        packages: the sandbox's list of libraries.
    """
    yield from _other_data(recorded, again)
    before, after = recorded.code.source, again.code.source
    if before is None or after is None or before.digest != after.digest:
        yield f"code: {in_words(tuple(_other_files(recorded, again)) or ('the source files cannot be compared',))}"
    was, now = recorded.environment, again.environment
    if (was.packages, was.python) != (now.packages, now.python):
        yield f"environment: {in_words(differences(was, artifacts, packages))}"
    yield from _other_settings(recorded, again)


def _other_data(recorded: LineageRecord, again: LineageRecord) -> Iterator[str]:
    now = {data.name: data.digest for data in again.data}
    for data in recorded.data:
        other = now.get(data.name)
        if other is None or (other.sha256 or other.md5) != (data.digest.sha256 or data.digest.md5):
            yield f"data: {data.name} ({data.path}) is not what was recorded"


def _other_settings(recorded: LineageRecord, again: LineageRecord) -> Iterator[str]:
    for name in sorted(recorded.parameters.keys() & again.parameters.keys()):
        if recorded.parameters[name] != again.parameters[name]:
            yield f"parameters: {name} is {again.parameters[name]!r} instead of {recorded.parameters[name]!r}"


def unrecorded_influences(record: LineageRecord, passed: Collection[str]) -> Iterator[str]:
    """Yield what may make a model differ and is not in its record: variables, files, the order of sets.

    Args:
        record: of the version that is made again.
        passed: the environment variables that the training gets now.
    """
    read = record.run.undeclared
    asked = {*(read.environment if read else ()), *referred_variables(record.parameters)}
    lost = sorted(asked - set(passed))
    if lost:
        options = " ".join(f"--pass-env {name}" for name in lost[:_NAMED])
        names = some_of(lost, most=_NAMED)
        yield f"the training reads environment variables that it did not get now: {names} ({options})"
    other = sorted(asked & set(passed))
    if other:
        yield f"environment variables may have had other values, which are not recorded: {some_of(other, most=_NAMED)}"
    if read and read.files:
        files, fix = some_of(read.files, most=_NAMED), "make them inputs, or name them in extra_sources"
        yield f"the training reads files that are not recorded: {files} ({fix})"
    if "PYTHONHASHSEED" not in asked:
        yield "sets of text have another order in each process, unless PYTHONHASHSEED is set for every training"


def compare_hosts(recorded: LineageRecord, again: LineageRecord) -> Iterator[str]:
    """Yield how threads and machines differ, which is reported and is not a failure."""
    threads, now_threads = recorded.environment.threads, again.environment.threads
    for name in sorted(threads.keys() & now_threads.keys()):
        if threads[name] != now_threads[name]:
            yield f"threads: {name} {now_threads[name]} instead of {threads[name]}"
    for name in ("cpu", "platform"):
        was, now = getattr(recorded.environment, name), getattr(again.environment, name)
        if was != now:
            yield f"machine: {now} instead of {was}"


def _other_files(recorded: LineageRecord, again: LineageRecord) -> Iterator[str]:
    before = {file.path: file.sha256 for file in recorded.code.source.files} if recorded.code.source else {}
    after = {file.path: file.sha256 for file in again.code.source.files} if again.code.source else {}
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            words = "was not used" if path not in after else "is used as well" if path not in before else "differs"
            yield f"{path} {words}"


def compare_predictions(
    recorded: LineageRecord, again: LineageRecord, artifacts: ArtifactStore, sandbox: ArtifactStore
) -> tuple[bool | None, str]:
    """Return whether both models predict the same for the rows of the probe, None if unknown, and how that is known."""
    before = recorded.evaluation.probe if recorded.evaluation else None
    after = again.evaluation.probe if again.evaluation else None
    if before is None:
        return None, f"no predictions were recorded ({HOW_TO_PROBE})"
    if after is None or (before.rows, before.method) != (after.rows, after.method):
        return None, "the model was not asked the same questions again"
    rows = f"{before.rows:,} rows by {before.method}"
    if before.predictions == after.predictions:
        return True, f"equal on {rows}"
    try:
        gap = _widest(artifacts.read(before.predictions), sandbox.read(after.predictions))
    except (ArtifactError, ValueError, TypeError):
        return False, f"not equal on {rows}"
    return False, f"not equal on {rows}: up to {gap:.3g} apart"


def _widest(before: bytes, after: bytes) -> float:
    pairs = zip(json.loads(before), json.loads(after), strict=True)
    return max((abs(float(x) - float(y)) for one, other in pairs for x, y in zip(one, other, strict=True)), default=0.0)


def compare_models(
    recorded: LineageRecord, again: LineageRecord, artifacts: ArtifactStore, sandbox: ArtifactStore
) -> tuple[bool, str, str]:
    """Return whether the models are the same, how that is known, and what was compared: `file` or `content`."""
    before, after = recorded.artifact, again.artifact
    if before.digest == after.digest:
        return True, "the file is the same, byte for byte", "file"
    if before.format != after.format:
        return False, f"the format is {after.format} instead of {before.format}", "file"
    try:
        with tempfile.TemporaryDirectory(prefix="lineage-") as name:
            one = content_digest(artifacts.fetch(before.digest, Path(name) / "before"), before.format)
            other = content_digest(sandbox.fetch(after.digest, Path(name) / "after"), after.format)
    except ArtifactError as error:
        return False, f"the files differ, and their content cannot be compared: {error.what}", "file"
    if one == other:
        words = f"all that the file holds is equal (a {before.format} file is not the same twice, byte for byte)"
        return True, words, "content"
    return False, "the content of the files is not equal", "content"
