"""The lineage record: an in-toto Statement v1 that binds a model file to everything that made it.

Its identity is the SHA-256 of its exact bytes. `decode(encode(r)) == r`, and encoding again gives the same bytes.
The normative description is docs/reference/record-format.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.code import CodeVersion
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageInput, StageRun, TrackedSource
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.statement.metric import MetricSpec, metric_specs
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.statement.training_run import Candidate, Evaluation, ModelFile, TrainingRun
from lineage_pipelines.records.values import canonical
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import NOT_ENCODED, SINCE_2, Value, from_json, to_json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.model_name import check_model_name

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPES = {1: "urn:lineage-pipelines:record:v1", 2: "urn:lineage-pipelines:record:v2"}
"""Schema version to predicate type."""
SCHEMA_VERSION = 2
"""What new records are written in. Schema 2 is open: it may still change until it is released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity(Value):
    """Which model this is a version of."""

    name: str
    asset_key: str
    """The Dagster asset, parts joined by `/`."""
    run_key: str
    """SHA-256 (hex) of asset, partition and root run: the same for every retry of one run."""
    partition: Partition | None = field(default=None, metadata=SINCE_2)
    """None where the asset has no partitions, and in a record of schema 1, which does not say."""
    previous: Digest | None = None
    """The record of the version before it in the log, whatever its partition."""
    description: str | None = None
    owners: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_model_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness(Value):
    """What is not captured fact, by the path of the fact: `code.revision: no Git repository`."""

    missing: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()

    def lacks(self, path: str) -> bool:
        """Return whether a fact, or a part of it, is missing: `data`, `code.dirty`."""
        paths = (line.partition(":")[0] for line in self.missing)
        return any(each == path or each.startswith(f"{path}.") for each in paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRecord(Value):
    """The immutable statement; the predicate of the in-toto Statement, field by field."""

    model: ModelIdentity
    data: tuple[DatasetSnapshot, ...] = ()
    stages: tuple[StageRun, ...] = ()
    """Every preparation step behind `data`, sources first."""
    sources: tuple[TrackedSource, ...] = field(default=(), metadata=SINCE_2)
    """The tracked files and folders behind `data`, sorted by path; empty in a record of schema 1."""
    code: CodeVersion
    environment: Environment
    run: TrainingRun
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """Effective values, defaults included."""
    parameter_defaults: Mapping[str, Json] | None = field(default=None, metadata=SINCE_2)
    """The values that the parameters have where they are not set, of those that have a default. None where they are
    not known, as in a record of schema 1."""
    evaluation: Evaluation | None = None
    candidates: tuple[Candidate, ...] = ()
    artifact: ModelFile
    completeness: Completeness = Completeness()
    schema_version: int = field(default=SCHEMA_VERSION, metadata=NOT_ENCODED)
    """The predicate type tells it. A record of an earlier schema encodes again in that schema."""

    def greater_is_better(self, metric: str) -> bool | None:
        """Return whether a greater value of a metric is better; None where that is not known, or neither is."""
        spec = self.direction(metric)
        return spec.greater_is_better if spec else None

    def direction(self, metric: str) -> MetricSpec | None:
        """Return the direction of a metric, which may be that neither way is better; None where it is not recorded.

        Schema 1 has no field for it: there it is inferred from the name.
        """
        recorded = self.evaluation.directions if self.evaluation else ()
        specs = metric_specs([metric]) if self.schema_version == 1 else recorded
        return next((spec for spec in specs if spec.name == metric), None)

    def source_of(self, read: DatasetSnapshot | StageInput) -> TrackedSource | None:
        """Return the tracked source that an input is, or is a part of; None where it is not recorded."""
        if isinstance(read, StageInput):
            found = [source for source in self.sources if read.origin == f"tracked:{source.file}"]
        else:
            found = [] if read.produced_by else list(self.sources)
        return next((source for source in found if _overlap(source.path, read.path)), None)

    @property
    def measured_on(self) -> DatasetSnapshot | None:
        """The input that the evaluation was measured on; None where the record does not name exactly one."""
        return find_measured(self.data, self.evaluation.snapshot if self.evaluation else None)


def _overlap(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def find_measured(data: Sequence[DatasetSnapshot], name: str | None) -> DatasetSnapshot | None:
    """Return the input of that name; None where the data does not hold exactly one."""
    found = [snapshot for snapshot in data if snapshot.name == name]
    return found[0] if len(found) == 1 else None


def same_data(first: DatasetSnapshot | None, second: DatasetSnapshot | None) -> bool | None:
    """Return whether two snapshots hold the same bytes; None where one of them or its SHA-256 is not recorded."""
    before, after = (snapshot.digest.sha256 if snapshot else None for snapshot in (first, second))
    return None if before is None or after is None else before == after


def encode(record: LineageRecord) -> bytes:
    """Return the record's exact bytes, the ones that are stored, hashed and signed.

    Raises:
        RecordError: a value has no exact form, as NaN has none, or the record's schema has no field for it.
    """
    schema = record.schema_version
    return canonical.canonical_bytes(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {
                    "name": record.model.name,
                    "digest": {record.artifact.digest.algorithm: record.artifact.digest.hex},
                }
            ],
            "predicateType": PREDICATE_TYPES[schema],
            "predicate": to_json(record, "record", schema=schema),
        }
    )


def predicate(record: LineageRecord, *, schema: int | None = None) -> Json:
    """Return the predicate as JSON values, tags included.

    Args:
        record: the record.
        schema: an earlier schema version, to leave out the facts that it has no field for; None for the record's own.
    """
    return to_json(record, "record", schema=schema or record.schema_version, drop=True)


def decode(data: bytes) -> LineageRecord:
    """Read a record from its bytes.

    Raises:
        RecordError: the bytes are not a record of a schema version that this release reads.
    """
    statement, schema = _statement(data)
    record: LineageRecord = from_json(LineageRecord, statement.get("predicate"), "record", schema=schema)
    _check_subject(statement, record.model, record.artifact)
    return record if schema == SCHEMA_VERSION else replace(record, schema_version=schema)


def decode_identity(data: bytes) -> tuple[ModelIdentity, ModelFile]:
    """Read only which model and which file a record is about: ten times as fast, for walks over a whole log.

    Raises:
        RecordError: as `decode`, as far as it looks.
    """
    statement, schema = _statement(data)
    predicate = statement.get("predicate")
    plain = predicate if isinstance(predicate, dict) else {}
    model: ModelIdentity = from_json(ModelIdentity, plain.get("model"), "record.model", schema=schema)
    artifact: ModelFile = from_json(ModelFile, plain.get("artifact"), "record.artifact", schema=schema)
    _check_subject(statement, model, artifact)
    return model, artifact


def _statement(data: bytes) -> tuple[dict[str, Any], int]:
    """Return the statement and the version of its schema."""
    statement = canonical.parse_bytes(data)
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT_TYPE:
        raise RecordError("not an in-toto Statement v1")
    predicate_type = statement.get("predicateType")
    for schema, known in PREDICATE_TYPES.items():
        if known == predicate_type:
            return statement, schema
    raise RecordError(
        f"the record's schema is {predicate_type!r}",
        fix=f"this release reads {' and '.join(PREDICATE_TYPES.values())}; upgrade it",
    )


def _check_subject(statement: dict[str, Any], model: ModelIdentity, artifact: ModelFile) -> None:
    digest = artifact.digest
    expected = [{"name": model.name, "digest": {digest.algorithm: digest.hex}}]
    if statement.get("subject") != expected:
        raise RecordError("the statement's subject is not the record's model file")


def record_digest(data: bytes) -> Digest:
    """Return the identity of a record from its exact bytes."""
    return Digest.of(data)
