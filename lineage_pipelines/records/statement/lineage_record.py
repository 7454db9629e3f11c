"""The lineage record: an in-toto Statement v1 that binds a model file to everything that made it.

Its identity is the SHA-256 of its exact bytes. `decode(encode(r)) == r`, and encoding again gives the same bytes.
The normative description is docs/reference/record-format.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.code import CodeVersion, Environment
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageRun
from lineage_pipelines.records.statement.training_run import Candidate, Evaluation, ModelFile, TrainingRun
from lineage_pipelines.records.values import canonical
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import Value, from_json, to_json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.model_name import check_model_name

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:lineage-pipelines:record:v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity(Value):
    """Which model this is a version of."""

    name: str
    asset_key: str
    """The Dagster asset, parts joined by `/`."""
    run_key: str
    """SHA-256 (hex) of asset, partition and root run: the same for every retry of one run."""
    previous: Digest | None = None
    """The record of the version before it."""
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
    code: CodeVersion
    environment: Environment
    run: TrainingRun
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """Effective values, defaults included."""
    evaluation: Evaluation | None = None
    candidates: tuple[Candidate, ...] = ()
    artifact: ModelFile
    completeness: Completeness = Completeness()


def encode(record: LineageRecord) -> bytes:
    """Return the record's exact bytes, the ones that are stored, hashed and signed.

    Raises:
        RecordError: a value has no exact form, as NaN has none.
    """
    return canonical.canonical_bytes(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {
                    "name": record.model.name,
                    "digest": {record.artifact.digest.algorithm: record.artifact.digest.hex},
                }
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate(record),
        }
    )


def predicate(record: LineageRecord) -> Json:
    """Return the predicate as JSON values, tags included."""
    return to_json(record, "record")


def decode(data: bytes) -> LineageRecord:
    """Read a record from its bytes.

    Raises:
        RecordError: the bytes are not a record of a schema version that this release reads.
    """
    statement = _statement(data)
    record: LineageRecord = from_json(LineageRecord, statement.get("predicate"), "record")
    _check_subject(statement, record.model, record.artifact)
    return record


def decode_identity(data: bytes) -> tuple[ModelIdentity, ModelFile]:
    """Read only what a record is about, ten times as fast: for those who walk a whole log.

    Raises:
        RecordError: as `decode`, as far as it looks.
    """
    statement = _statement(data)
    said = statement.get("predicate")
    plain = said if isinstance(said, dict) else {}
    model: ModelIdentity = from_json(ModelIdentity, plain.get("model"), "record.model")
    artifact: ModelFile = from_json(ModelFile, plain.get("artifact"), "record.artifact")
    _check_subject(statement, model, artifact)
    return model, artifact


def _statement(data: bytes) -> dict[str, Any]:
    statement = canonical.parse_bytes(data)
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT_TYPE:
        raise RecordError("not an in-toto Statement v1")
    kind = statement.get("predicateType")
    if kind != PREDICATE_TYPE:
        raise RecordError(
            f"the record's schema is {kind!r}",
            fix=f"this release reads {PREDICATE_TYPE}; upgrade it",
        )
    return statement


def _check_subject(statement: dict[str, Any], model: ModelIdentity, artifact: ModelFile) -> None:
    digest = artifact.digest
    expected = [{"name": model.name, "digest": {digest.algorithm: digest.hex}}]
    if statement.get("subject") != expected:
        raise RecordError("the statement's subject is not the record's model file")


def record_digest(data: bytes) -> Digest:
    """Return the identity of a record from its exact bytes."""
    return Digest.of(data)
