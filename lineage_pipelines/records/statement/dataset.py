"""Dataset: what a record says about data: the snapshots that were read and the steps that prepared them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import Value
from lineage_pipelines.records.values.digest import Digest, DigestSet


class Grade(StrEnum):
    """How a fact is known."""

    CAPTURED = "captured"
    """We saw it."""
    DECLARED = "declared"
    """Stated by a person."""
    INFERRED = "inferred"
    """Derived from other systems."""
    MISSING = "missing"
    """Not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Value):
    """One column of a table."""

    name: str
    type: str
    """As Arrow names it: `int64`, `double`, `string`, `timestamp[us, tz=UTC]`, …"""
    nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSnapshot(Value):
    """A named dataset at one content (OpenLineage Dataset + version; PROV Entity)."""

    name: str
    """The name of the input in the training function."""
    role: str
    """`train`, `test`, `validation`, `reference` or another word of the author's."""
    path: str
    """In the project, with forward slashes, relative to the DVC root."""
    asset_key: str | None = None
    """The Dagster asset, parts joined by `/`."""
    digest: DigestSet
    size: int
    """Bytes, of all files together."""
    files: int
    rows: int | None = None
    """None when it is not a table."""
    schema: tuple[Column, ...] = ()
    profile: Digest | None = None
    """A blob: the table's profile."""
    grade: Grade = Grade.CAPTURED
    produced_by: str | None = None
    """The address of the stage run that made it; None for a tracked source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInput(Value):
    """Something a stage read (PROV used)."""

    path: str
    """Relative to the DVC root, or a URL for an external dependency."""
    digest: DigestSet
    size: int | None = None
    files: int | None = None
    origin: str
    """Where it comes from: `stage:<address>`, `tracked:<.dvc file>`, `superseded:<either>` when its maker has recorded
    something else since, `git`, `external` or `untracked`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOutput(Value):
    """Something a stage wrote (PROV generated)."""

    path: str
    digest: DigestSet
    size: int | None = None
    files: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRun(Value):
    """One run of a preparation step, as DVC's lock file recorded it (PROV Activity)."""

    name: str
    """The stage's address, as `dvc dag` prints it: `clean`, `prepare/dvc.yaml:clean@nyc`."""
    command: str
    """Several commands are joined by new lines."""
    deps: tuple[StageInput, ...] = ()
    params: Mapping[str, Json] = field(default_factory=dict)
    """File name to the values that it gave."""
    outs: tuple[StageOutput, ...] = ()
    lock: Digest
    """SHA-256 of the canonical JSON of the stage's entry in dvc.lock."""
