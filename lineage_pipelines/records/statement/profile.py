"""Profile of a table: what is known of its rows and columns later, without the data.

A blob beside the record, in a released format (docs/reference/record-format.md): canonical JSON that loses detail, step
by step, until it fits.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, NamedTuple

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.canonical import Json, canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import Value, from_json

VERSION = 2
"""What is written. Version 1 had neither `rows_digest` nor `content`."""
MIN_PROFILE_BYTES = 64_000
"""What any profile may take."""
BYTES_A_COLUMN = 1_200
"""What it may take for each column, where those are more; no column takes as much."""
MAX_PROFILE_BYTES = 1_000_000

NO_DISTRIBUTIONS, COUNTS, UNNAMED, NO_COLUMNS = 3, 4, 5, 6
"""The value of `detail` from which on there are no quantiles and values; only counts of named columns; no names;
no columns."""
_COUNTS_DIGITS, _UNNAMED_DIGITS = 8, 6
"""Digits of `content` a column at `COUNTS` and at `UNNAMED`."""
_MIN_BYTES = 40
"""A column takes no less up to `NO_DISTRIBUTIONS`, so that a table of thousands is not encoded in vain."""


class ProfileVersionError(RecordError):
    """The profile is of a version that this release does not know."""


class ColumnKind(StrEnum):
    """What the values of a column are."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    TIME = "time"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile(Value):
    """What is known of one column. Counts are of rows; None where a fact does not apply or was left out."""

    name: str = ""
    """Cut when it is long; empty at `UNNAMED`, where the record's schema has the names."""
    type: str | None = None
    """As Arrow prints it."""
    kind: ColumnKind | None = None
    nulls: int = 0
    distinct: int | None = None
    """Different values."""
    infinite: int | None = None
    """Numbers that are not finite; no other number counts them."""
    min: int | float | None = None
    """Exact; times in seconds since 1970, since midnight, or of length."""
    max: int | float | None = None
    mean: int | float | None = None
    std: int | float | None = None
    quantiles: tuple[float, ...] | None = None
    """At equal steps from the least to the greatest value."""
    histogram: tuple[int, ...] | None = None
    """Counts in bins of equal width from `min` to `max`."""
    content: str | None = None
    """Hex digits: a digest of the values in any order."""
    empty: int | None = None
    """Texts of length 0."""
    min_bytes: int | None = None
    """Of the texts in UTF-8."""
    max_bytes: int | None = None
    mean_bytes: int | float | None = None
    values: tuple[tuple[bool | int | float | str, int], ...] | None = None
    """Values and their counts, the most frequent first."""
    other: int | None = None
    """Rows whose values are not among `values`."""
    formats: tuple[tuple[int | str, int], ...] | None = None
    """What texts look like, `A-9999` for `B-1234`, and how many rows do, the most frequent first; None where `values`
    holds every value, or texts have no format in common."""
    step: int | float | None = None
    """Seconds from a moment to the next, the median; of dates and moments only, as `hole`."""
    hole: tuple[float, ...] | None = None
    """The two neighbouring moments that are farthest apart."""

    @property
    def lists_all(self) -> bool:
        """Whether `values` holds every value of the column."""
        return bool(self.values) and not self.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Value):
    """What is known of a table's content."""

    version: int = VERSION
    rows: int
    detail: int = 0
    """How much was left out to fit: 0 for nothing, at most `NO_COLUMNS`."""
    sampled: int | None = None
    """How many rows were looked at, when not all; counts are of those."""
    duplicates: int | None = None
    """Rows equal to an earlier one; None when sampled, or when a column is nested."""
    rows_digest: str | None = None
    """Hex digits: a digest of the rows in any order; None where `duplicates` is."""
    columns: tuple[ColumnProfile, ...] = ()
    """In the order of the schema."""

    @property
    def seen(self) -> int:
        """How many rows the counts are of."""
        return self.sampled or self.rows

    def repeated(self, column: ColumnProfile) -> int | None:
        """Return how many rows hold a value that an earlier row holds: doubled keys or moments; None if not known."""
        if self.sampled or column.distinct is None:
            return None
        return self.rows - column.nulls - column.distinct


def encode_profile(profile: Profile) -> bytes:
    """Return the canonical JSON of a whole profile, with as much detail as fits into what so many columns may take."""
    data, most = b"", profile_budget(len(profile.columns))
    for reduced in _reductions(profile, most):
        data = canonical_bytes(_plain(reduced))
        if len(data) <= most:
            break
    return data


def profile_budget(columns: int) -> int:
    """Return how many bytes the profile of a table of so many columns may take."""
    return min(max(MIN_PROFILE_BYTES, columns * BYTES_A_COLUMN), MAX_PROFILE_BYTES)


def decode_profile(data: bytes, names: Sequence[str] = ()) -> Profile:
    """Read a profile of any version and detail.

    Args:
        data: the blob.
        names: of the table's columns in order, from the record's schema; a profile has long ones cut, or none at all.

    Raises:
        ProfileVersionError: this release does not know its version.
        RecordError: it is not a valid profile.
    """
    plain = parse_bytes(data)
    version = plain.get("version") if isinstance(plain, dict) else None
    if not isinstance(plain, dict) or version not in range(1, VERSION + 1):
        raise ProfileVersionError(f"profile is of version {version}, which this release does not read")
    columns = plain.get("columns", [])
    if isinstance(columns, dict):
        columns = _unnamed_columns(columns)
    profile: Profile = from_json(Profile, {**plain, "columns": columns}, "profile")
    named = zip(profile.columns, names, strict=False)
    return replace(profile, columns=tuple(replace(column, name=name) for column, name in named)) if names else profile


# Reductions


class _Level(NamedTuple):
    """What a `detail` up to `NO_DISTRIBUTIONS` leaves of a column."""

    nth: int
    """Every n-th quantile; 0 for none."""
    histogram: bool
    values: int
    digits: int
    """Of `content`."""


_LEVELS = (
    _Level(nth=1, histogram=True, values=50, digits=32),
    _Level(nth=2, histogram=True, values=20, digits=16),
    _Level(nth=4, histogram=False, values=10, digits=16),
    _Level(nth=0, histogram=False, values=0, digits=16),
)


def _reductions(profile: Profile, most: int) -> Iterator[Profile]:
    """Yield the profile with less and less detail; of thousands of columns only a little of each."""
    columns = profile.columns
    if len(columns) * _MIN_BYTES <= most:
        for detail, level in enumerate(_LEVELS):
            yield replace(profile, detail=detail, columns=tuple(_reduce(column, level) for column in columns))
    counts = tuple(ColumnProfile(name=each.name, nulls=each.nulls, distinct=each.distinct) for each in columns)
    yield replace(profile, detail=COUNTS, columns=_with_content(counts, columns, _COUNTS_DIGITS))
    if all(each.content for each in columns):
        yield replace(profile, detail=UNNAMED, columns=_with_content(counts, columns, _UNNAMED_DIGITS))
    yield replace(profile, detail=COUNTS, columns=counts)  # names are in the record, too; content is not
    yield replace(profile, detail=UNNAMED, columns=counts)
    yield replace(profile, detail=NO_COLUMNS, columns=())


def _with_content(
    counts: Sequence[ColumnProfile], whole: Sequence[ColumnProfile], digits: int
) -> tuple[ColumnProfile, ...]:
    pairs = zip(counts, whole, strict=True)
    return tuple(replace(column, content=each.content and each.content[:digits]) for column, each in pairs)


def _reduce(column: ColumnProfile, level: _Level) -> ColumnProfile:
    listed, other = column.values or (), column.other
    if other is not None:
        other += sum(count for _, count in listed[level.values :])
    return replace(
        column,
        content=column.content and column.content[: level.digits],
        quantiles=column.quantiles[:: level.nth] if level.nth and column.quantiles else None,
        histogram=column.histogram if level.histogram else None,
        formats=column.formats if level.histogram else None,
        values=listed[: level.values] if level.values and column.values is not None else None,
        other=other if level.values else None,
    )


# JSON


def _plain(profile: Profile) -> dict[str, Json]:
    plain = _facts(profile)
    columns = profile.columns
    if profile.detail == NO_COLUMNS:
        del plain["columns"]
    elif profile.detail == UNNAMED:
        content = "".join(column.content or "" for column in columns)
        counts = {"nulls": [each.nulls for each in columns], "distinct": [each.distinct for each in columns]}
        plain["columns"] = {**counts, **({"content": content} if content else {})}
    else:
        plain["columns"] = [_facts(column) for column in columns]
    return plain


def _facts(value: Profile | ColumnProfile) -> dict[str, Any]:
    """The fields that are known. Not by the codec: it tags whole floats, and this format has no tags."""
    facts = {name: fact for name in _FIELDS[type(value)] if (fact := getattr(value, name)) is not None}
    return {name: _list(fact) if isinstance(fact, tuple) else fact for name, fact in facts.items()}


def _list(items: tuple[Any, ...]) -> list[Any]:
    return [list(item) if isinstance(item, tuple) else item for item in items]


_FIELDS = {kind: [field.name for field in fields(kind) if field.name != "extra"] for kind in (Profile, ColumnProfile)}


def _unnamed_columns(plain: Mapping[str, Any]) -> list[Json]:
    try:
        content = str(plain.get("content", ""))
        starts = range(0, len(plain["nulls"]) * _UNNAMED_DIGITS, _UNNAMED_DIGITS)
        rows = zip(plain["nulls"], plain["distinct"], starts, strict=True)
        facts = [
            {"nulls": nulls, "distinct": distinct, "content": content[start : start + _UNNAMED_DIGITS] or None}
            for nulls, distinct, start in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError("the lists of counts in a profile are damaged") from error
    return [{name: fact for name, fact in each.items() if fact is not None} for each in facts]
