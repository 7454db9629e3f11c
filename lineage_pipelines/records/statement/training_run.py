"""Training run in a record: the run, its evaluation, the alternatives, and the file that came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lineage_pipelines.records.statement.metric import MetricSpec
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import SINCE_2, Value
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.identity_proof import IdentityProof


@dataclass(frozen=True, slots=True, kw_only=True)
class DagsterRun(Value):
    """The Dagster run that trained the model."""

    run_id: str
    root_run_id: str
    """The first run of a chain of retries; equal to `run_id` without one."""
    job: str
    step: str
    partition: str | None = None
    retry: int = 0
    launched_by: str
    """`schedule:NAME`, `sensor:NAME`, `automation`, `backfill:ID`, `user:NAME` or `unknown`."""
    known_by: IdentityProof | None = field(default=None, metadata=SINCE_2)
    """How it is known who launched it; None where it is not known, as in a record of schema 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowRun(Value):
    """The MLflow run in which the training tracked itself, and the registered version that was imported from there."""

    run_id: str | None = None
    """None for a version that was registered without a run."""
    server: str | None = None
    """The tracking server or store, without a password."""
    experiment: str | None = None
    """The experiment's name."""
    model: str | None = None
    """The registered model's name there; of imported versions only."""
    version: str | None = None
    """The version there; of imported versions only."""
    source: Digest | None = None
    """A blob: canonical JSON of everything that MLflow returned; of imported versions only."""

    @property
    def is_imported(self) -> bool:
        """Whether the version was brought over from there, and is not one that tracked itself there."""
        return self.model is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeclaredReads(Value):
    """What training was seen to read beside its inputs, its sources and installed libraries; names only, no values."""

    environment: tuple[str, ...] = ()
    """Names of environment variables, sorted."""
    files: tuple[str, ...] = ()
    """Paths, sorted: relative to the repository's root, `~/…` within the home folder, else absolute. A folder, with
    `/` at its end, stands for files that are too many to name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun(Value):
    """Who trained, when and where (OpenLineage Run; MLMD Execution)."""

    dagster: DagsterRun | None = None
    mlflow: MlflowRun | None = None
    started: datetime
    finished: datetime
    host: str
    user: str | None = None
    seed: int | None = None
    undeclared: UndeclaredReads | None = field(default=None, metadata=SINCE_2)
    """None where it was not observed, as in a record of schema 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceMetrics(Value):
    """Metrics on the part of the evaluation data where a column has one value."""

    name: str
    """The column, `origin`."""
    value: str
    rows: int
    metrics: Mapping[str, float] = field(default_factory=dict)


class CheckKind(StrEnum):
    """What a check asks of a version."""

    THRESHOLD = "threshold"
    """A metric reaches a limit."""
    NO_WORSE = "no_worse"
    """A metric is no worse than in production."""
    SLICES = "slices"
    """Every part of the data has metrics of its own."""
    DISJOINT = "disjoint"
    """Two inputs share no row."""
    UNIQUE = "unique"
    """No row is repeated."""
    CUSTOM = "custom"
    """Written by the project."""


class CheckSeverity(StrEnum):
    """What a failed check does."""

    ERROR = "error"
    """It blocks everything downstream."""
    WARN = "warn"
    """It blocks nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult(Value):
    """One gate that the version passed or failed (in-toto test-result)."""

    name: str
    passed: bool
    severity: CheckSeverity
    detail: str
    kind: CheckKind | None = field(default=None, metadata=SINCE_2)
    """None in a record of schema 1."""
    figures: Mapping[str, float] = field(default_factory=dict, metadata=SINCE_2)
    """The numbers that the verdict rests on, by what they are: `value`, `minimum`, `baseline` and the like. Without
    `baseline` a check against an earlier version had nothing to compare with."""

    @property
    def is_blocking(self) -> bool:
        """Whether it blocks everything downstream if it fails."""
        return self.severity is CheckSeverity.ERROR


def check_kind(check: CheckResult) -> CheckKind:
    """Return what a check asks; in a record of schema 1, which does not say, as inferred from its name."""
    if check.kind is not None:
        return check.kind
    name = check.name
    if name.startswith("no_worse_"):
        return CheckKind.NO_WORSE
    if name.startswith(("min_", "max_")):
        return CheckKind.THRESHOLD
    if name.endswith("_disjoint"):
        return CheckKind.DISJOINT
    return {"slices_evaluated": CheckKind.SLICES, "unique_rows": CheckKind.UNIQUE}.get(name, CheckKind.CUSTOM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Value):
    """The model's predictions for a few rows, to compare a reproduced model with. No row is stored."""

    rows: int
    method: str
    """`predict_proba`, `decision_function` or `predict`: the first that the estimator has."""
    predictions: Digest
    """A blob: canonical JSON, a list for each output column (one without columns), of `rows` values each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Value):
    """Metrics on one snapshot, overall and by slice."""

    snapshot: str | None = None
    """The name of the input that it was measured on."""
    metrics: Mapping[str, float]
    slices: tuple[SliceMetrics, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    probe: Probe | None = None
    """None where the model could not be asked from outside."""
    directions: tuple[MetricSpec, ...] = field(default=(), metadata=SINCE_2)
    """Of the metrics whose direction is known, sorted by name; of `metrics` and of those of slices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Value):
    """An alternative that was trained or considered, and why it lost or won."""

    name: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    selected: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack(Value):
    """That the file was loaded in another process, and came back as the model that had been trained."""

    state: Digest
    """Of the model's state: types by name, numbers by their bits, containers and arrays in order."""
    walk: int
    """The version of the walk over the state that the digest is of; two of different versions are not comparable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile(Value):
    """The stored model (in-toto subject, described)."""

    format: str
    """`skops`; of imported versions `mlflow`, a list of files, or `mlflow-reference`, a note on where they were."""
    size: int
    """Bytes."""
    estimator: str
    """The estimator's qualified class name."""
    trusted_types: tuple[str, ...] = ()
    """Types outside the format's own list that loading needs: the allow-list."""
    requirements: tuple[str, ...] = ()
    """`name==version` of the distributions that define those types and the estimator."""
    read_back: ReadBack | None = field(default=None, metadata=SINCE_2)
    """None where the file was not read back."""
    digest: Digest
