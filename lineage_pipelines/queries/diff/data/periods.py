"""Periods: does a dataset continue in time, or cover another time? Then growth and seasons are expected."""

from dataclasses import dataclass

from lineage_pipelines.queries.diff.changes import ColumnChange, DatasetChange
from lineage_pipelines.records.values.canonical import Json

_ROUNDING = 1.02
_MAX_OF = 0.8


@dataclass(frozen=True, slots=True)
class Period:
    """What is known about the time that a dataset covers, from its time columns."""

    columns: frozenset[str] = frozenset()
    """Columns that only say which time it is: there is nothing else to say about them."""
    spans: "tuple[Span, ...]" = ()
    """What each of them says."""
    new_share: float | None = None
    """Of all rows, how many are new, where rows came and none went; None otherwise."""

    gone_share: float | None = None
    """Of the rows before, how many are gone, where there are fewer; None otherwise."""
    new_files: bool = False
    """Whether the rows that came are those of new files in a folder whose other files are as they were."""

    @property
    def moved(self) -> bool:
        """Whether it covers another time at all."""
        return bool(self.columns) or self.new_files

    def explains(self, column: ColumnChange) -> bool:
        """Whether more rows, or another time, can have moved a column that far.

        Rows that came or went move no distribution further than their own share of all rows, and where they only came
        no value is gone.
        """
        if self.gone_share is not None:
            return not column.appeared and (column.distance or 0.0) <= self.gone_share * _ROUNDING
        if not self.moved:
            return False
        if self.new_share is None:
            return True
        return not column.vanished and (column.distance or 0.0) <= self.new_share * _ROUNDING


def find_period(change: DatasetChange) -> Period:
    """Look for columns by which rows that came stand behind all others, or rows that went stood before or behind.

    Such are times, and text that holds digits and sorts behind (or before) every other value: months, years, batches.
    They must have moved by about the share of the rows that came or went: a last hour of the day that happens to be
    among rows that went for another reason is not a period that is over.
    Where the number of rows is the same, nothing came or went, and every column is looked at for itself.
    """
    before, after = change.rows
    if before is None or after is None or before == after:
        return Period()
    least = _MAX_OF * abs(after - before) / max(after, before)
    moved = [column for column in change.columns if (column.distance or 0.0) >= least]
    spans = {column.column: found for column in moved if (found := _span(column))}
    new_files = bool(change.changed_files) and all(name.startswith("+") for name in change.changed_files)
    goes_on = after > before and (new_files or (spans and all(found.only_new for found in spans.values())))
    return Period(
        columns=frozenset(spans),
        spans=tuple(spans.values()),
        new_share=(after - before) / after if goes_on else None,
        gone_share=(before - after) / before if after < before else None,
        new_files=new_files and after > before,
    )


@dataclass(frozen=True, slots=True)
class Span:
    """The time that one column covers, by its ends or by names in order, such as months."""

    column: str
    only_new: bool
    """Whether it only goes on, and has lost nothing."""
    begin: tuple[Json, Json] | None = None
    """Before and after, in seconds since 1970, where they differ."""
    end: tuple[Json, Json] | None = None
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


def _span(column: ColumnChange) -> Span | None:
    if column.kind == "time" and column.ratio is None:
        return _ends(column)
    if column.kind == "text" and (column.appeared or column.vanished):
        return _names(column)
    return None


def _ends(column: ColumnChange) -> Span | None:
    low, high = column.facts.get("min"), column.facts.get("max")
    only_new = bool(high) and not low and _less(*(high or (0, 0)))
    return Span(column.column, only_new=only_new, begin=low, end=high) if low or high else None


def _less(one: object, other: object) -> bool:
    return isinstance(one, int | float) and isinstance(other, int | float) and one < other


def _names(column: ColumnChange) -> Span | None:
    new, gone = sorted(column.appeared), sorted(column.vanished)
    kept = sorted({value for value, _, _ in column.values} - {*new, *gone})
    if not all(any(letter.isdigit() for letter in value) for value in (*new, *gone, *kept)):
        return None
    behind = not new or all(value < new[0] for value in (*kept, *gone))
    outside = not gone or not kept or gone[-1] < kept[0] or gone[0] > kept[-1]
    if not (behind and outside and (kept or new)):
        return None
    return Span(column.column, only_new=not gone, gone=tuple(gone), new=tuple(new))
