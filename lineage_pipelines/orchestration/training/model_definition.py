"""Model definition: what an author declares of a model, checked where it is written, before a run starts."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.scalars import describe_type
from lineage_pipelines.capture.sources.source_reader import SourceMemory
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.orchestration.dvc.argument_checks import check_type
from lineage_pipelines.orchestration.retraining.retraining_policy import RetrainingPolicy
from lineage_pipelines.orchestration.training.function_signature import TrainingSignature
from lineage_pipelines.orchestration.training.gates import Gate
from lineage_pipelines.records.statement.dataset import Grade
from lineage_pipelines.records.statement.metric import MetricSpec, declare_direction, direction_by_name

if TYPE_CHECKING:
    from lineage_pipelines.orchestration.training.evaluator import Evaluator

LOADED_SOURCES = SourceMemory()
"""The sources that this process loaded for its definitions: all of them are run by one interpreter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """One input of a model: a path of the DVC project, and what part it plays.

    Write a plain path where the argument's name says it all: `inputs={"train": "data/train.parquet"}`.
    """

    path: str
    """Relative to the DVC root; `{partition}` in it stands for the key of the partition."""
    role: str | None = None
    """`train`, `test`, `validation`, `reference`, …; the argument's name by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefinition:
    """What the author declared of a model."""

    name: str
    asset_key: str
    """Parts joined by `/`."""
    function: Callable[..., object]
    signature: TrainingSignature
    project: DvcProject
    inputs: Mapping[str, ModelInput]
    input_keys: Mapping[str, str]
    """The asset key of each input, parts joined by `/`."""
    partition_keys: Mapping[str, str] = field(default_factory=dict)
    """The asset key of each output that an input of some partition lies in, by its path."""
    gates: Sequence[Gate] = ()
    metrics: tuple[MetricSpec, ...] = ()
    """Metrics whose direction is declared."""
    evaluator: "Evaluator | None" = None
    description: str | None = None
    owners: tuple[str, ...] = ()
    trusted_types: tuple[str, ...] = ()
    verify: bool = True
    """Whether the model file is read back."""
    extra_sources: tuple[Path, ...] = ()
    """Absolute."""
    retraining: RetrainingPolicy | None = None
    """When it is trained again by itself."""
    memory: SourceMemory = field(default=LOADED_SOURCES, repr=False, compare=False)


def check_texts(name: str, values: object) -> tuple[str, ...]:
    """Return a list of texts; a single text is refused, since it would count as a list of its letters.

    Raises:
        CaptureError: it is not a list of texts.
    """
    fix = f'write a list of texts: {name}=["…"]'
    check_type(values, list | tuple | set | frozenset, name, fix)
    for value in values:  # type: ignore[attr-defined]
        check_type(value, str, f"a member of {name}", fix)
    return tuple(values)  # type: ignore[arg-type]


def check_function(function: Any, name: object) -> str:  # noqa: ANN401  # whatever was decorated
    """Return a model's name: `name`, or that of its training function.

    Raises:
        CaptureError: it is a class, an object or a `functools.partial`, whose bound values the record
            would not show.
    """
    if callable(function) and hasattr(function, "__name__") and not isinstance(function, type):
        check_type(name, str | None, "name", 'write name="churn", or leave it out')
        return str(name or function.__name__)
    fix = "decorate a function; what it is configured with goes into its parameter class"
    raise CaptureError(f"@model_asset is given {describe_type(function)}, not a function", fix=fix)


def check_gates(gates: object, inputs: Mapping[str, ModelInput], model: str) -> tuple[Gate, ...]:
    """Return the gates.

    Raises:
        CaptureError: it is not a list of gates, or one is about an input that the model does not have.
    """
    fix = "write a list of gates: checks=[threshold(min_roc_auc=0.7)]"
    check_type(gates, list | tuple, "checks", fix)
    for gate in gates:  # type: ignore[attr-defined]
        check_type(gate, Gate, "a member of checks", fix)
        check_type(
            gate.judge,
            Callable,
            f"the judge of {gate.name}",
            "give a function from facts to (passed, detail)",
        )
        for name in gate.inputs:
            if name not in inputs:
                what = f"the gate {gate.name!r} is about {name!r}, which is not an input of {model}"
                raise CaptureError(what, fix=f"use one of: {', '.join(inputs) or 'nothing, there are no inputs'}")
    return tuple(gates)  # type: ignore[arg-type]


def check_retraining(policy: object, condition: object, partitions: object) -> RetrainingPolicy | None:
    """Return the retraining policy.

    Raises:
        CaptureError: it is none, the asset has an automation condition of its own as well, or partitions.
    """
    check_type(policy, RetrainingPolicy | None, "retraining", "write retraining=RetrainingPolicy(on_new_data=True)")
    if not isinstance(policy, RetrainingPolicy) or not policy.is_automatic:
        return policy  # type: ignore[return-value]  # checked above
    if condition is not None:
        what = "the model has a retraining policy and an automation condition, and would be trained by both"
        raise CaptureError(what, where="model_asset", fix="leave automation_condition out")
    if partitions is not None:
        what = "a retraining policy does not say which partition to train"
        fix = "launch partitions by a schedule or a backfill; RetrainingPolicy(on_new_data=False, max_age=…) is allowed"
        raise CaptureError(what, where="model_asset", fix=fix)
    return policy


def check_metric_specs(specs: object, gates: Sequence[Gate]) -> tuple[MetricSpec, ...]:
    """Return the metrics whose direction is declared: by themselves, or by a gate that needs it.

    Raises:
        CaptureError: they are not a list of `MetricSpec`, one has no name or a grade of its own, one metric is
            declared in two ways, or a gate needs a direction that is neither declared nor known by the metric's name.
    """
    fix = 'write a list of metrics: metrics=[MetricSpec("word_error_rate", greater_is_better=False)]'
    check_type(specs, list | tuple, "metrics", fix)
    for spec in specs:  # type: ignore[attr-defined]
        check_type(spec, MetricSpec, "a member of metrics", fix)
        check_type(spec.name, str, "the name of a metric", fix)
        check_type(spec.greater_is_better, bool | None, f"greater_is_better of {spec.name}", fix)
        if not spec.name:
            raise CaptureError("a MetricSpec has no name", where="metrics", fix=fix)
        if spec.grade is not Grade.DECLARED:
            what = f"the grade of {spec.name} is {spec.grade!s}; what model_asset is given is declared"
            raise CaptureError(what, where="metrics", fix="leave grade out")
    needed = [gate.metric for gate in gates if gate.metric is not None]
    found: dict[str, MetricSpec] = {}
    for spec in (*specs, *(spec for spec in needed if spec.greater_is_better is not None)):  # type: ignore[misc]
        if found.setdefault(spec.name, spec).greater_is_better != spec.greater_is_better:
            raise CaptureError(f"the direction of {spec.name} is declared in two ways", fix="declare it once")
    for spec in needed:
        known = found[spec.name].greater_is_better if spec.name in found else direction_by_name(spec.name)
        if known is None:
            what = f"no_worse() compares {spec.name}, and it is not known whether a greater value is better"
            raise CaptureError(what, fix=declare_direction(spec.name))
    return tuple(found.values())


def check_inputs(inputs: object, project: DvcProject) -> dict[str, ModelInput]:
    """Return the inputs by argument name, every path as DVC writes it.

    Raises:
        CaptureError: it is not a mapping from names to paths.
    """
    fix = 'write inputs={"train": "data/train.parquet"}'
    check_type(inputs, Mapping, "inputs", fix)
    return {name: _input(name, value, project.root, fix) for name, value in inputs.items()}  # type: ignore[attr-defined]


def _input(name: str, value: object, root: Path, fix: str) -> ModelInput:
    declared = value if isinstance(value, ModelInput) else ModelInput(path=value)  # type: ignore[arg-type]
    check_type(declared.path, str | os.PathLike, f"the input {name!r}", fix)
    check_type(declared.role, str | None, f"the role of the input {name!r}", 'write role="train"')
    # By its text alone: a link is an input of its own, and the file may not exist yet.
    path = os.path.relpath(os.path.normpath(root / declared.path), root)
    return replace(declared, path=Path(path).as_posix())
