"""Dataset: what a record says about data: the snapshots that were read and the steps that prepared them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import SINCE_2, Value
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


TRAINED_ON = ("train", "training")
"""Roles, and names, of data that is trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOverlap(Value):
    """Rows of data that is not trained on which are rows of data that is."""

    trained: str
    """The name of the input that was trained on."""
    rows: int
    """Of this data; one that occurs twice counts twice."""
    columns: int
    """How many columns were compared: those that both have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Value):
    """How a table was read: what its rows, schema and profile depend on besides its bytes."""

    format: str
    """`csv`, `tsv`, `jsonl`, `parquet` or `feather`."""
    reader: str
    """`pandas` for CSV and TSV, else `pyarrow`; the list of packages has its version."""
    delimiter: str | None = None
    """Of CSV and TSV, as what follows."""
    decimal: str | None = None
    """Between a number's whole part and its fraction."""
    null_values: tuple[str, ...] = ()
    """The texts that stand for a missing value."""
    grade: Grade = Grade.CAPTURED
    """`captured` where training got the table from this reading; `inferred` where it got a path, and these are the
    options by default."""


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
    listing: Digest | None = field(default=None, metadata=SINCE_2)
    """A blob: the files of a folder."""
    kinds: Mapping[str, int] | None = field(default=None, metadata=SINCE_2)
    """How many files of each suffix a folder holds; None for a file, and where it is not known."""
    overlaps: tuple[RowOverlap, ...] = field(default=(), metadata=SINCE_2)
    """With each input that was trained on, where the rows could be compared; empty for such an input itself."""
    reading: Reading | None = field(default=None, metadata=SINCE_2)
    """None when it is not a table, and where it is not known."""

    @property
    def is_trained_on(self) -> bool:
        """Whether its role or its name says that it is trained on."""
        return self.role in TRAINED_ON or self.name in TRAINED_ON


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrigin(Value):
    """Where `dvc import` or `dvc import-url` took data from, as its `.dvc` file says."""

    kind: str
    """`import` (from a DVC or Git repository) or `import-url`."""
    url: str | None = None
    """Of the repository, or of the file or folder itself, without credentials; a path where the `.dvc` file has one."""
    path: str | None = None
    """In the repository."""
    rev: str | None = None
    """The branch, tag or commit that was asked for."""
    revision: str | None = None
    """The commit that was imported."""
    md5: str | None = None
    """DVC's name of what lay at the URL."""
    etag: str | None = None
    checksum: str | None = None
    """Of storage that has neither MD5 nor etag, as HDFS."""
    version_id: str | None = None
    """Of an object in a versioned bucket."""

    @property
    def place(self) -> str:
        """Where that is, in a line: the address, the path in a repository, the commit."""
        inside = f": {self.path}" if self.path else ""
        commit = f" at {self.revision}" if self.revision else ""
        return f"{self.url or 'an address that is not recorded'}{inside}{commit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Value):
    """The commit by which a `.dvc` file came to name the data that it names."""

    revision: str
    author: str
    """As Git names the person, without the address."""
    date: datetime
    """When it was written, as `git log` shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedSource(Value):
    """A file or folder that a `.dvc` file tracks, at which the recorded preparation, or the training itself, begins."""

    file: str
    """The `.dvc` file, relative to the DVC root: `tracked:<file>` is the origin of what stages read of it."""
    path: str
    """What it tracks, relative to the DVC root."""
    digest: DigestSet
    size: int | None = None
    """Bytes, of all files together."""
    files: int | None = None
    """Of a folder."""
    imported_from: ImportOrigin | None = None
    """None where it was not imported."""
    delivery: Delivery | None = None
    """None where it is not committed as it is, or the history does not tell."""
    rows: int | None = None
    """None when it is not a table, or was not read."""
    schema: tuple[Column, ...] = ()
    profile: Digest | None = None
    """A blob: the table's profile."""
    listing: Digest | None = None
    """A blob: the files of a folder."""
    kinds: Mapping[str, int] | None = None
    """How many files of each suffix a folder holds."""

    @property
    def summary(self) -> str:
        """Who tracks it, where it came from and who delivered it, in a line."""
        imported = f", imported from {self.imported_from.place}" if self.imported_from else ""
        by = self.delivery
        delivered = f", delivered by {by.author} on {by.date:%Y-%m-%d} ({by.revision[:12]})" if by else ""
        return f"tracked by {self.file}{imported}{delivered}"


SUPERSEDED = "superseded:"
"""Begins the origin of an input whose maker has recorded something else since the step was run."""


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

    @property
    def is_superseded(self) -> bool:
        """Whether its maker has recorded something else since the step was run."""
        return self.origin.startswith(SUPERSEDED)

    @property
    def maker(self) -> str:
        """Its origin, whether or not its maker has recorded something else since."""
        return self.origin.removeprefix(SUPERSEDED)

    @property
    def is_tracked(self) -> bool:
        """Whether a `.dvc` file tracks it, or did when the step was run."""
        return self.maker.startswith("tracked:")


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


def hash_name(content: DatasetSnapshot | StageInput | StageOutput) -> str:
    """Return how DVC computed the MD5 of some content: `md5`, or what an extra field names (`md5-dos2unix`)."""
    return str(content.extra.get("hash", "md5"))
