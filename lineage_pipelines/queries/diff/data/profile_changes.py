"""Profile changes: what two profiles say of a table beyond its single columns."""

from collections.abc import Mapping

from lineage_pipelines.queries.diff.data.column_changes import columns_by_name, identifies
from lineage_pipelines.queries.diff.data.profile import same_content
from lineage_pipelines.queries.diff.rows.row_change import GroupKind, RowGroup
from lineage_pipelines.records.statement.profile import ColumnProfile, Profile

_NEARLY_ALL = 0.95
_MAX_VALUES = 3
_MAX_BASE = 0.66
"""Of all rows: where more have the values, that rows with them came or went says little."""
_FEW_ROWS = 5
"""A group of fewer rows is described without its values."""


def differing_columns(before: Profile, after: Profile, names: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the columns whose content differs, by the digests of columns; None where one has none.

    Args:
        before: the profile before.
        after: the profile after.
        names: of the columns that are in both: name after to name before.
    """
    old, new = columns_by_name(before), columns_by_name(after)
    pairs = {name: (old.get(was), new.get(name)) for name, was in names.items()}
    same = {name: same_content(*pair) if pair[0] and pair[1] else None for name, pair in pairs.items()}  # type: ignore[arg-type]
    if any(each is None for each in same.values()):
        return None
    return tuple(name for name, each in same.items() if not each)


def repeated_keys(before: Profile, after: Profile, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns that had another value in every row before, and have no more."""
    if before.sampled is not None or after.sampled is not None:
        return ()
    old, new = columns_by_name(before), columns_by_name(after)
    return tuple(
        name
        for name, was in names.items()
        if was in old and name in new
        if identifies(old[was], before.rows)
        if (new[name].distinct or 0) < after.rows - new[name].nulls
    )


def moved_group(before: Profile, after: Profile, names: Mapping[str, str]) -> RowGroup | None:
    """Return the values that nearly all of the rows have that came, where all other values have the rows they had.

    Rows that went are those that came when the two are exchanged.
    """
    came = after.rows - before.rows
    if came <= 0 or before.sampled is not None or after.sampled is not None:
        return None
    old, new = columns_by_name(before), columns_by_name(after)
    found = [
        group
        for name, was in names.items()
        if was in old and name in new and (group := _group(old[was], new[name], came, after.rows)) is not None
    ]
    return min(found, key=lambda group: (len(group.values), group.of, group.column), default=None)


def _group(before: ColumnProfile, after: ColumnProfile, came: int, rows: int) -> RowGroup | None:
    if not before.lists_all or not after.lists_all or before.nulls != after.nulls:
        return None
    counts = dict(before.values or ())
    more = {value: count - counts.get(value, 0) for value, count in after.values or ()}
    fewer = sum(count for value, count in counts.items() if value not in more)
    values = sorted((value for value, count in more.items() if count > 0), key=lambda value: (-more[value], str(value)))
    covered = sum(more[value] for value in values[:_MAX_VALUES])
    shrunk = fewer - sum(count for count in more.values() if count < 0)
    held = [value for place, value in enumerate(values[:_MAX_VALUES]) if place == 0 or more[value] > came * 0.02]
    of = sum(count for value, count in after.values or () if value in held)
    if not held or shrunk or covered < _NEARLY_ALL * came or of > _MAX_BASE * rows:
        return None
    kind = GroupKind.VALUE if len(held) == 1 else GroupKind.VALUES
    shown = tuple(_shown(value) for value in held) if of >= _FEW_ROWS else ()
    return RowGroup(column=after.name, kind=kind, values=shown, rows=covered, of=of, touched=came)


def _shown(value: bool | float | str) -> str:  # noqa: FBT001  # a value of a column
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
