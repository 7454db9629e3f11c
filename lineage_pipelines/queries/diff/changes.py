"""Changes: what a comparison of two versions finds, part by part. Values only: nothing here reads, compares or prints.

Every part knows whether it is identical, and how well that is known: from the recorded digests alone, from recorded
profiles, or from the data itself. Pairs are of the version on the left and the one on the right.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lineage_pipelines.queries.diff.rows.row_change import RowChange, RowGroup
from lineage_pipelines.records.statement.dataset import Column, Delivery
from lineage_pipelines.records.statement.training_run import CheckKind
from lineage_pipelines.records.values.canonical import Json

_LAST_DIGITS = 1e-11


class Kind(StrEnum):
    """What became of a thing from the first version to the second."""

    IDENTICAL = "identical"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


class Evidence(StrEnum):
    """What a change rests on."""

    RECORD = "record"
    """Plain facts of both records: parameters, commands, versions of libraries."""
    GIT = "git"
    """The repository's history, which may have been rewritten since."""
    DIGESTS = "digests"
    """Only that the bytes differ is known."""
    PROFILES = "profiles"
    """The profiles that were recorded with both versions."""
    DATA = "data"
    """Both snapshots, read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChange:
    """One column that came, went, or has another type or name."""

    kind: Kind
    """Changed: another type, or another name when `renamed_from` is given."""
    column: str
    before: Column | None = None
    after: Column | None = None
    renamed_from: str | None = None
    """The name that the same content had in the first version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """A recorded histogram: counts in bins of equal width."""

    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChange:
    """How the content of one column moved."""

    column: str
    kind: str = ""
    """What the profile calls it: `number`, `time`, `boolean`, `text`, `other`; empty when unknown."""
    facts: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    """What differs, before and after: `nulls` (share), `mean`, `std`, `min`, `max`, `distinct`, `rate` (of true, or of
    the rarer of two values), `empty`."""
    psi: float | None = None
    """Population stability index over ten bins, or over values; None when it cannot be known."""
    distance: float | None = None
    """Kolmogorov–Smirnov distance of numbers and times; for values half the sum of the differences of their shares."""
    values: tuple[tuple[str, float, float], ...] = ()
    """Values whose share moved most: value, share before, share after."""
    appeared: tuple[str, ...] = ()
    """Values that were not there before, as far as they are listed."""
    vanished: tuple[str, ...] = ()
    ratio: float | None = None
    """After to before, where one number explains the column: 0.5556 for Fahrenheit to Celsius, with `offset`."""
    offset: float | None = None
    exact: bool = True
    """Whether its values are no floating-point numbers, in whose last digits a computation may differ."""
    identifies: bool = False
    """Whether it is a number or name of the row, another one in each, and there are more or fewer rows now."""
    exchanged: tuple[str, str] | None = None
    """Two values of which each has exactly the rows that the other one had."""
    bins: tuple[Bins | None, Bins | None] = (None, None)
    """The recorded histograms of numbers and times, each with its own range, for a picture."""

    @property
    def weight(self) -> float:
        """How far it moved, for ranking: PSI where it is known, else the distance."""
        return self.psi if self.psi is not None else (self.distance or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One source file that the training function reaches."""

    path: str
    kind: Kind
    patch: str = ""
    """The unified diff; empty when a side is not kept."""
    lines: tuple[int, int] = (0, 0)
    """Added and removed."""
    only_layout: bool = False
    """Whether the code is the same but for comments and layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetChange:
    """One dataset of the two versions."""

    name: str
    kind: Kind
    evidence: Evidence = Evidence.DIGESTS
    path: str = ""
    role: tuple[str | None, str | None] = (None, None)
    digest: tuple[str | None, str | None] = (None, None)
    rows: tuple[int | None, int | None] = (None, None)
    files: tuple[int | None, int | None] = (None, None)
    duplicates: tuple[int | None, int | None] = (None, None)
    schema: tuple[SchemaChange, ...] = ()
    columns: tuple[ColumnChange, ...] = ()
    """Columns that moved, the one that moved most first."""
    row_change: RowChange | None = None
    changed_files: tuple[str, ...] = ()
    """Of a directory: files that were added, removed or changed, as `+ path`, `- path`, `~ path`."""
    moved_files: tuple[tuple[str, str], ...] = ()
    """Those among them that are gone and are there under another path, with the same content."""
    copied_files: tuple[tuple[str, str], ...] = ()
    """Changed files that hold what another file holds: `("b.png", "a.png")`."""
    file_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Bytes before and after of changed files of another size, as far as they are recorded."""
    same_rows: bool | None = None
    """Whether the rows are the same, so that only their order or the encoding differs; None where unknown."""
    weaker: str = ""
    """What could not be known, and why: the data is gone, the profile is of an older schema, it was sampled."""
    differing: tuple[str, ...] | None = None
    """The columns in both whose content differs; None where the profiles do not tell of every column."""
    shared_columns: int = 0
    """How many columns are in both."""
    reordered: bool = False
    """Whether the columns stand in another order."""
    repeated_keys: tuple[str, ...] = ()
    """Columns that had another value in every row, and have no more."""
    added_group: RowGroup | None = None
    """Which rows came, from the counts of values; a comparison of rows may know more."""
    removed_group: RowGroup | None = None
    origin: tuple[str | None, str | None] = (None, None)
    """Where `dvc import` or `dvc import-url` took it from: address, path and commit."""
    prepared: bool = False
    """Whether a recorded step made it."""
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapChange:
    """Rows of the data that was measured on that were trained on as well."""

    measured: str
    """The dataset that was measured on."""
    trained: str
    """The dataset that was trained on."""
    shared: tuple[int | None, int | None]
    """Rows of `measured` that are rows of `trained`, too; None where it is not known."""
    rows: tuple[int | None, int | None]
    """Rows of `measured` in all."""
    files: bool = False
    """Whether it is files that are counted, of folders that are no tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChange:
    """One preparation step."""

    name: str
    kind: Kind
    command: tuple[str | None, str | None] = (None, None)
    params: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    """`params.yaml:split.every` → before, after; None where it was not there."""
    inputs: tuple[str, ...] = ()
    """Inputs whose content differs, as `~ path`, `+ path`, `- path`; the first cause of a change is a source."""
    code: tuple[str, ...] = ()
    """Inputs that are code, which Git keeps, marked likewise; they are not among `inputs`."""
    outputs: tuple[str, ...] = ()
    """Outputs whose content differs, marked likewise."""
    origin: bool = False
    """Whether the change begins here, and is not only passed on by a step before."""
    sources: tuple[FileChange, ...] = ()
    """The code that differs, with its lines where Git has them."""
    stale: tuple[str, ...] = ()
    """Inputs that had changed when the second version was trained, and with which the step had not been run."""

    @property
    def differs_itself(self) -> bool:
        """Whether its command, parameters or code differ: what it was given may differ as well."""
        layout = bool(self.sources) and all(file.only_layout for file in self.sources)
        moved = self.params or (self.code and not layout) or self.command[0] != self.command[1]
        return self.kind in (Kind.ADDED, Kind.REMOVED) or bool(moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeChange:
    """What changed in code."""

    identical: bool
    revision: tuple[str | None, str | None] = (None, None)
    dirty: tuple[bool, bool] = (False, False)
    entry: tuple[str | None, str | None] = (None, None)
    """The training function, `package.module:function`."""
    patched: bool = False
    """Whether the uncommitted work differs."""
    commits: tuple[str, ...] = ()
    """Between the two, newest first: `1a2b3c4d5e6f Ada: message`, with `- ` before those that only the first version
    has; as far as Git has them."""
    commit_count: int = 0
    files: tuple[FileChange, ...] = ()
    unchanged: int = 0
    """Source files that are the same."""
    same: tuple[str, ...] = ()
    """Their paths."""
    others: tuple[FileChange, ...] = ()
    """Files that changed between the two commits, and that neither the training code nor a recorded step reaches; no
    documents and no metafiles of data."""
    opened: tuple[str, ...] = ()
    """Paths of those among them that training was seen to open, though nothing declares them."""
    weaker: str = ""
    """What could not be known, and why: sources of one side that are kept neither in the store nor in Git."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageChange:
    """One library."""

    name: str
    kind: Kind
    before: str | None = None
    after: str | None = None
    imported: bool | None = False
    """Whether the training process of either version had imported it, or the model file needs it; None where that is
    not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentChange:
    """What changed in the environment."""

    identical: bool
    packages: tuple[PackageChange, ...] = ()
    """Imported ones first."""
    unchanged: int = 0
    same: Mapping[str, str] = field(default_factory=dict)
    """The libraries that are the same: name → version."""
    facts: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    """`python`, `platform`, `cpu`, `threads.openmp`, `lock`: before, after."""
    weaker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChange:
    """One effective parameter, by its dotted name."""

    name: str
    kind: Kind
    before: Json = None
    after: Json = None
    default_moved: bool | None = False
    """Whether both values are the defaults, so that it was not set; None where the defaults are not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """One metric, overall or of a slice."""

    name: str
    before: float | None
    after: float | None
    slice: str = ""
    """`origin=LGA`; empty for overall."""
    rows: tuple[int | None, int | None] = (None, None)
    contribution: float | None = None
    """Of a slice: its share of the rows times its difference."""
    noise: float | None = None
    """Two standard deviations over repeats, where there are any: a smaller difference says nothing."""
    greater_is_better: bool | None = None
    """None where neither version says so."""

    @property
    def difference(self) -> float | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def moved(self) -> bool:
        """Whether it differs by more than the last digits of a computation, or is on one side only."""
        if self.before is None or self.after is None:
            return self.before != self.after
        return not math.isclose(self.before, self.after, rel_tol=_LAST_DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationChange:
    """Whether the two were measured alike, and what was measured."""

    same_data: bool | None
    """None when one of them does not say on what it was measured."""
    same_code: bool | None
    snapshot: tuple[str | None, str | None] = (None, None)
    metrics: tuple[MetricChange, ...] = ()
    slices: tuple[MetricChange, ...] = ()
    """By contribution, the greatest first."""
    checks: Mapping[str, tuple[bool | None, bool | None]] = field(default_factory=dict)
    """Checks with another verdict: passed before, after."""
    unchanged_checks: int = 0
    details: Mapping[str, str] = field(default_factory=dict)
    """What the second version says of each check with another verdict, or the first of one that is gone."""
    same_checks: Mapping[str, bool] = field(default_factory=dict)
    """Checks with the same verdict: passed."""
    check_kinds: Mapping[str, CheckKind] = field(default_factory=dict)
    """What each check asks."""
