"""Row change: which rows came, went or changed, what was done to their cells, and in which group of rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lineage_pipelines.records.values.canonical import Json

MAX_MAPPING = 10


class Alignment(StrEnum):
    """By what a row of one table is recognized in the other."""

    KEY = "key"
    """By the columns of the key."""
    POSITION = "position"
    """By its place: the order of the rows was kept."""
    UNCHANGED_COLUMNS = "unchanged_columns"
    """By the columns that hold the same values in both tables, in whichever order."""
    NONE = "none"
    """By nothing: rows were compared whole, so that no cell of a row is known to have changed."""


class EffectKind(StrEnum):
    """What was done to the cells of a column."""

    SCALED = "scaled"
    """After = before × `ratio` + `offset`: another unit, another sign."""
    DELAYED = "delayed"
    """Times that are later by `offset` seconds, or earlier: another time zone."""
    DAY_MONTH = "day_month"
    """Times whose day and month took each other's place."""
    EXCHANGED = "exchanged"
    """Two values took each other's place; `mapping` has both pairs."""
    SET = "set"
    """All hold one `value` now."""
    MISSING = "missing"
    """They are missing now."""
    FILLED = "filled"
    """They were missing; `value` where all hold the same."""
    MAPPED = "mapped"
    """Each old value became one new one: categories that are written otherwise, or were merged."""
    CASE = "case"
    """Only upper and lower case differ."""
    BLANKS = "blanks"
    """Only white space differs."""
    MOJIBAKE = "mojibake"
    """UTF-8 that was read as Latin-1 or Windows-1252, once."""
    ZEROS = "zeros"
    """Only leading zeros differ."""
    ESCAPED = "escaped"
    """Texts with entities of HTML instead of signs, or the reverse."""
    ACCENTS = "accents"
    """Letters without their accents, or with them."""
    AFFIXED = "affixed"
    """Texts with `value` before (`C…`) or behind them (`… kg`)."""
    CUT = "cut"
    """Texts of which the first `digits` characters are left."""
    REWRITTEN = "rewritten"
    """The same numbers or times, written otherwise: `value` is `decimal comma`, `DD.MM.YYYY`, `number` or `time`; None
    where they are of another type, or have more or fewer digits."""
    CLIPPED = "clipped"
    """What was beyond a bound, `value`, is the bound now."""
    ROUNDED = "rounded"
    """Rounded to `digits`; or cut, see `way`."""
    NOISE = "noise"
    """They differ by less than 1e-11 of the value."""
    SHUFFLED = "shuffled"
    """The same values, in other rows."""
    SWAPPED = "swapped"
    """They hold what the column `other` held in the same rows, which holds what they held."""
    SHIFTED = "shifted"
    """They moved along the rows, by `value` rows."""
    OTHER = "other"
    """Nothing of these."""


class Way(StrEnum):
    """Which variant of an effect it is."""

    UPPER = "upper"
    LOWER = "lower"
    TITLE = "title"
    LOST = "lost"
    """Zeros or blanks that are gone."""
    ADDED = "added"
    ABOVE = "above"
    """Clipped: what was above the bound."""
    BELOW = "below"
    BOTH = "both"
    """Clipped at both ends: `value` is the list of the two bounds."""
    FLOOR = "floor"
    """Rounded: cut, not rounded to the nearest. Of times, `value` is the unit: `day`, `hour`, `minute`, `second`."""
    ABOUT = "about"
    """Scaled: every ratio is within half a per cent of `ratio`, as where a rounded number was computed with."""
    SINGLE = "single"
    """Rounded to what a number of 32 bits holds."""
    REPAIRED = "repaired"
    """Mojibake that was undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One operation that explains the changed cells of a column."""

    kind: EffectKind
    ratio: float | None = None
    offset: float | None = None
    """Of times in seconds."""
    value: Json = None
    """Numbers as they are, times as ISO text, texts up to 64 characters."""
    mapping: tuple[tuple[Json, Json], ...] = ()
    """Up to `MAX_MAPPING` pairs of old and new value, the most frequent first."""
    digits: int | None = None
    """Decimal places that are left; negative where tens or hundreds are."""
    other: str = ""
    """The other column of the two that were swapped."""
    way: Way | None = None
    means: tuple[float | None, float | None] = (None, None)
    """Of numbers that changed in no way that is known: the mean of the changed cells, before and after."""


class GroupKind(StrEnum):
    """How a group of rows is described."""

    VALUE = "value"
    """A column has one value."""
    VALUES = "values"
    """A column has one of two or three values."""
    RANGE = "range"
    """A column has a value between two ends, both included."""
    MISSING = "missing"
    """A column has no value."""
    FIRST = "first"
    """The first rows of the table."""
    LAST = "last"
    """The last rows of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """The smallest group of rows that holds nearly all that was touched."""

    column: str
    """Empty for the first and the last rows."""
    kind: GroupKind
    values: tuple[str, ...] = ()
    """Up to three values, or the two ends of a range: an empty end is open. Months as `2013-07`, times as ISO day or
    minute. Empty where the group has fewer than 5 rows: it would tell of single people."""
    rows: int
    """Touched rows in the group."""
    of: int
    """Rows in the group in all: for cells of those in both tables, for added and removed rows of those of one."""
    touched: int
    """Touched rows in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """What was done to the cells of a column, or of several columns alike."""

    columns: tuple[str, ...]
    """More than one where the same was done to them in the same rows."""
    rows: int
    """Rows in which the cell changed."""
    effect: Effect
    group: RowGroup | None = None
    """None where the rows are no group, or nearly all rows changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """Which rows came, went or changed, when both snapshots were at hand."""

    key: tuple[str, ...]
    """The columns that tell rows apart; empty when rows were not aligned by a key."""
    added: int
    removed: int
    changed: int
    same: int
    aligned: Alignment = Alignment.NONE
    compared: int = 0
    """Columns that were compared."""
    repeated: tuple[int, int] = (0, 0)
    """Rows whose key an earlier row has, before and after; those that the other table has not are added or removed."""
    columns: Mapping[str, int] = field(default_factory=dict)
    """In how many of the changed rows a column differs."""
    cells: tuple[CellChange, ...] = ()
    """What was done to the cells of rows that are in both tables, the column with the most changed rows first."""
    added_group: RowGroup | None = None
    removed_group: RowGroup | None = None
    shifted: Mapping[str, int] = field(default_factory=dict)
    """Columns that moved along the rows, by how many: with 1 each row holds what the row above it held before."""
