"""Column changes: which columns came, went or changed type, and how the content of one moved, from both profiles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lineage_pipelines.queries.diff.changes import Bins, ColumnChange, Kind, SchemaChange
from lineage_pipelines.queries.diff.data.distances import (
    Distance,
    has_distribution,
    number_distance,
    value_distance,
)
from lineage_pipelines.queries.diff.data.profile import same_content
from lineage_pipelines.queries.diff.units import linear_map
from lineage_pipelines.records.statement.dataset import Column
from lineage_pipelines.records.statement.profile import ColumnKind, ColumnProfile, Profile
from lineage_pipelines.records.values.canonical import Json

Columns = tuple[ColumnProfile, ColumnProfile]
"""One column, before and after."""
_NUMBERS = {ColumnKind.NUMBER, ColumnKind.TIME}
_MISSING, _UNLISTED = "\0missing", "\0unlisted"
"""Values of no column: a name that no text has."""
_MAX_SHOWN = 10
_MAX_FORMATS = 3
_MIN_MOVED = 0.0005
_SAME = 1e-9
_TWO = 2
_FEW_ROWS = 20
"""Below, a number that differs in every row names nothing."""


def compare_columns(first: Profile, second: Profile, names: Mapping[str, str]) -> tuple[ColumnChange, ...]:
    """Return the columns that moved, the one that moved most first.

    Args:
        first: the profile before.
        second: the profile after.
        names: of the columns that are in both: name after to name before.
    """
    found = []
    old, new = columns_by_name(first), columns_by_name(second)
    for name, before in names.items():
        sides = old.get(before), new.get(name)
        if sides[0] is None or sides[1] is None or same_content(sides[0], sides[1]):
            continue
        change = _compare(name, (sides[0], sides[1]), (first.seen, second.seen))
        if change is not None:
            found.append(change)
    return tuple(sorted(found, key=lambda change: (-change.weight, change.column)))


def columns_by_name(profile: Profile) -> dict[str, ColumnProfile]:
    """Return the columns by name; of columns of one name the first."""
    return {column.name: column for column in reversed(profile.columns)}


def _compare(name: str, sides: Columns, seen: tuple[int, int]) -> ColumnChange | None:
    counts = _values(sides[0]), _values(sides[1])
    distance = _distance(sides, counts, seen)
    facts = {fact: pair for fact, pair in _facts(sides, counts, seen).items() if not _equal(*pair)}
    differs = same_content(*sides) is False or bool(facts) or bool(distance.distance)
    if not differs:
        return None
    # Where as many rows are there, what names them can have been multiplied as well as any other number.
    named = seen[0] != seen[1] and any(identifies(column, rows) for column, rows in zip(sides, seen, strict=True))
    mapped = (
        None if named else linear_map(*sides, same_count=_present(sides[0], seen[0]) == _present(sides[1], seen[1]))
    )
    return ColumnChange(
        column=name,
        kind=str(sides[1].kind or ""),
        facts=facts,
        psi=distance.psi,
        distance=distance.distance,
        values=_moved(*counts),
        appeared=_come(*counts),
        vanished=_come(counts[1], counts[0]),
        ratio=mapped[0] if mapped else None,
        offset=mapped[1] if mapped else None,
        exact=not (sides[1].type or "").startswith(("double", "float", "halffloat")),
        identifies=named,
        exchanged=_exchanged(*counts) if seen[0] == seen[1] else None,
        bins=(_bins(sides[0]), _bins(sides[1])),
    )


def identifies(column: ColumnProfile, rows: int) -> bool:
    """Return whether a column names rows: a whole number, or text, that is another one in each row."""
    whole = column.kind is ColumnKind.TEXT or (column.kind is ColumnKind.NUMBER and "int" in (column.type or ""))
    return whole and rows > _FEW_ROWS and column.nulls == 0 and column.distinct == rows


def _exchanged(before: "Counts | None", after: "Counts | None") -> tuple[str, str] | None:
    """Two values of which each has the rows of the other now, while all other values have theirs."""
    if before is None or after is None or before.other or after.other or before.keys() != after.keys():
        return None
    moved = sorted(value for value in before if before[value] != after[value])
    if len(moved) != _TWO or before[moved[0]] != after[moved[1]] or before[moved[1]] != after[moved[0]]:
        return None
    return moved[0], moved[1]


def _bins(column: ColumnProfile) -> Bins | None:
    counts, low, high = column.histogram, column.min, column.max
    return (
        Bins(low=float(low), high=float(high), counts=counts)
        if counts and low is not None and high is not None and low != high
        else None
    )


# Distributions


def _distance(sides: Columns, counts: "tuple[Counts | None, Counts | None]", seen: tuple[int, int]) -> Distance:
    kinds = {column.kind for column in sides}
    if kinds <= _NUMBERS:
        if len(kinds) > 1 or not all(has_distribution(column) for column in sides) or 0 in seen:
            return Distance()
        return number_distance(*sides, _apart(sides, seen))
    if counts[0] is None or counts[1] is None:
        return Distance()
    return value_distance(*_aligned(counts[0], counts[1], sides))


def _apart(sides: Columns, seen: tuple[int, int]) -> Sequence[tuple[float, float]]:
    counts = [[column.nulls for column in sides], [column.infinite or 0 for column in sides]]
    return [(before / seen[0], after / seen[1]) for before, after in counts if before or after]


def _present(column: ColumnProfile, seen: int) -> int:
    return seen - column.nulls - (column.infinite or 0)


class Counts(dict[str, int]):
    """Counts by value, as text, and how many have values that are not listed."""

    other: int = 0

    def share(self, value: str) -> float:
        """Return the share of the rows that have a value."""
        total = sum(self.values()) + self.other
        return self.get(value, 0) / total if total else 0.0


def _values(column: ColumnProfile) -> Counts | None:
    if column.values is None:
        return None
    counts = Counts()
    for value, count in column.values:
        shown = _shown(value)
        counts[shown] = counts.get(shown, 0) + count
    counts.other = column.other or 0
    return counts


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:.10g}" if isinstance(value, float) else str(value)


def _aligned(before: Counts, after: Counts, sides: Columns) -> tuple[dict[str, int], dict[str, int]]:
    """Counts of what both sides know; a value that the other side may have and does not list goes to the rest."""
    known = {
        value
        for value in {*before, *after}
        if (value in before or not before.other) and (value in after or not after.other)
    }
    aligned = []
    for counts, column in zip((before, after), sides, strict=True):
        kept = {value: count for value, count in counts.items() if value in known}
        rest = counts.other + sum(count for value, count in counts.items() if value not in known)
        aligned.append({**kept, _UNLISTED: rest, _MISSING: column.nulls})
    return aligned[0], aligned[1]


def _moved(before: Counts | None, after: Counts | None) -> tuple[tuple[str, float, float], ...]:
    if before is None or after is None:
        return ()
    known = {
        value
        for value in {*before, *after}
        if (value in before or not before.other) and (value in after or not after.other)
    }
    shares = [(value, before.share(value), after.share(value)) for value in known]
    largest = sorted(
        (each for each in shares if abs(each[2] - each[1]) >= _MIN_MOVED), key=lambda e: (-abs(e[2] - e[1]), e[0])
    )
    return tuple(largest[:_MAX_SHOWN])


def _come(before: Counts | None, after: Counts | None) -> tuple[str, ...]:
    """Return the values that one side lists and the other has not, the most frequent first."""
    if before is None or after is None or before.other:
        return ()
    return tuple(sorted((value for value in after if value not in before), key=lambda value: (-after[value], value)))


# Facts


def _facts(
    sides: Columns, counts: tuple[Counts | None, Counts | None], seen: tuple[int, int]
) -> dict[str, tuple[Json, Json]]:
    before, after = sides
    return {
        "rate": _rates(*counts),
        "nulls": _shares(before.nulls, after.nulls, seen),
        "empty": _shares(before.empty, after.empty, seen),
        "infinite": _shares(before.infinite, after.infinite, seen),
        "mean": (before.mean, after.mean),
        "std": (before.std, after.std),
        "min": (before.min, after.min),
        "max": (before.max, after.max),
        "distinct": (before.distinct, after.distinct),
        "mean_bytes": (before.mean_bytes, after.mean_bytes),
        "format": (_format(before), _format(after)),
        "hole": (_length(before), _length(after)),
    }


def _format(column: ColumnProfile) -> Json:
    """The formats of the texts, the most frequent first: `A-9999 or 9999`."""
    return " or ".join(str(shape) for shape, _ in (column.formats or ())[:_MAX_FORMATS]) or None


def _length(column: ColumnProfile) -> Json:
    """The length in seconds of the longest time without a row, where it is longer than usual."""
    return column.hole[1] - column.hole[0] if column.hole is not None else None


def _shares(before: int | None, after: int | None, seen: tuple[int, int]) -> tuple[Json, Json]:
    if before is None and after is None:
        return None, None
    shares = [(count or 0) / rows if rows else 0.0 for count, rows in zip((before, after), seen, strict=True)]
    return shares[0], shares[1]


def _rates(before: Counts | None, after: Counts | None) -> tuple[Json, Json]:
    """Return the share of true, of one, or of the rarer of two values: what a label has for a rate."""
    if before is None or after is None or before.other or after.other:
        return None, None
    both = sorted({*before, *after})
    if len(both) != _TWO:
        return None, None
    named = next((name for name in ("true", "1") if name in both and set(both) <= {"true", "false", "0", "1"}), None)
    rarer = named or min(both, key=lambda value: (before.share(value) + after.share(value), value))
    return before.share(rarer), after.share(rarer)


def _equal(before: Json, after: Json) -> bool:
    if isinstance(before, int | float) and isinstance(after, int | float):
        return abs(before - after) <= _SAME * max(abs(before), abs(after))
    return before == after


_DISTINCTIVE = 5
"""Distinct values from which equal facts of two columns are no chance, where `content` was not recorded."""
_WHOLE = 16
"""Digits of `content` that tell one column among thousands."""


def compare_schemas(
    before: Sequence[Column], after: Sequence[Column], profiles: tuple[Profile | None, Profile | None]
) -> tuple[tuple[SchemaChange, ...], Mapping[str, str]]:
    """Return what differs, and of the columns that are in both: name after to name before."""
    old, new = ({column.name: column for column in reversed(columns)} for columns in (before, after))
    dropped, added = [name for name in old if name not in new], [name for name in new if name not in old]
    renamed = _renamed(sorted(dropped), sorted(added), profiles)
    changes = [
        *(
            SchemaChange(kind=Kind.REMOVED, column=name, before=old[name])
            for name in dropped
            if name not in renamed.values()
        ),
        *(SchemaChange(kind=Kind.ADDED, column=name, after=new[name]) for name in added if name not in renamed),
        *(
            SchemaChange(kind=Kind.CHANGED, column=name, before=old[was], after=new[name], renamed_from=was)
            for name, was in renamed.items()
        ),
        *(
            SchemaChange(kind=Kind.CHANGED, column=name, before=old[name], after=column)
            for name, column in new.items()
            if name in old and old[name].type != column.type
        ),
    ]
    same = {name: name for name in new if name in old}
    return tuple(sorted(changes, key=lambda change: (change.kind.value, change.column))), {**same, **renamed}


def _renamed(
    dropped: Sequence[str], added: Sequence[str], profiles: tuple[Profile | None, Profile | None]
) -> dict[str, str]:
    """Pair a column that went with the one that came with the same content, where there is one of each."""
    if profiles[0] is None or profiles[1] is None or not dropped or not added:
        return {}
    went, came = _by_content(dropped, profiles[0]), _by_content(added, profiles[1])
    return {
        names[0]: went[content][0]
        for content, names in came.items()
        if len(names) == 1 and len(went.get(content, ())) == 1
    }


def _by_content(names: Sequence[str], profile: Profile) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    columns = columns_by_name(profile)
    for name in names:
        content = _content(columns.get(name), profile.rows)
        if content is not None:
            found.setdefault(content, []).append(name)
    return found


def _content(column: ColumnProfile | None, rows: int) -> str | None:
    """What identifies a column's values: their digest, or everything that a profile of version 1 says of them."""
    if column is None or not column.distinct:
        return None  # a column without values is like any other
    if column.content and len(column.content) >= _WHOLE:
        return column.content[:_WHOLE]
    distinctive = column.distinct >= _DISTINCTIVE and (column.quantiles is not None or column.values is not None)
    return f"{rows} {replace(column, name='', type=None, content=None)}" if distinctive else None
