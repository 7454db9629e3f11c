"""Periods: does a dataset continue in time, or cover another time? Then growth and seasons are expected."""

from dataclasses import dataclass

from lineage_pipelines.capture.gaps import some_of
from lineage_pipelines.queries.diff.changes import ColumnChange, DatasetChange
from lineage_pipelines.queries.diff.wording import moment

_ROUNDING = 1.02
_MAX_OF = 0.8
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Period:
    """What is known about the time that a dataset covers, from its time columns."""

    columns: frozenset[str] = frozenset()
    """Columns that only say which time it is: there is nothing else to say about them."""
    words: tuple[str, ...] = ()
    """`opened goes on to 2024-06-28`, `month 2013-06 is new`."""
    new_share: float | None = None
    """Of all rows, how many are new, where rows came and none went; None otherwise."""

    @property
    def moved(self) -> bool:
        """Whether it covers another time at all."""
        return bool(self.columns)

    def explains(self, column: ColumnChange) -> bool:
        """Whether more rows, or another time, can have moved a column that far.

        Rows that are added move no distribution further than their own share of all rows, and no value is gone.
        """
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
    goes_on = after > before and spans and all(found.only_new for found in spans.values())
    return Period(
        frozenset(spans),
        tuple(f"{name} {found.words}" for name, found in spans.items()),
        (after - before) / after if goes_on else None,
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """The time that one column covers."""

    words: str
    only_new: bool
    """Whether it only goes on, and has lost nothing."""


def _span(column: ColumnChange) -> _Span | None:
    if column.kind == "time" and column.ratio is None:
        return _ends(column)
    if column.kind == "text" and (column.appeared or column.vanished):
        return _names(column)
    return None


def _ends(column: ColumnChange) -> _Span | None:
    low, high = column.facts.get("min"), column.facts.get("max")
    words = [f"begins {moment(low[1])} and began {moment(low[0])}"] if low else []
    if high:
        verb = "goes on to" if _less(*high) and not low else "ends"
        words.append(f"{verb} {moment(high[1])} and ended {moment(high[0])}")
    only_new = bool(high) and not low and _less(*(high or (0, 0)))
    return _Span(", ".join(words), only_new=only_new) if words else None


def _less(one: object, other: object) -> bool:
    return isinstance(one, int | float) and isinstance(other, int | float) and one < other


def _names(column: ColumnChange) -> _Span | None:
    new, gone = sorted(column.appeared), sorted(column.vanished)
    kept = sorted({value for value, _, _ in column.values} - {*new, *gone})
    if not all(any(letter.isdigit() for letter in value) for value in (*new, *gone, *kept)):
        return None
    behind = not new or all(value < new[0] for value in (*kept, *gone))
    outside = not gone or not kept or gone[-1] < kept[0] or gone[0] > kept[-1]
    if not (behind and outside and (kept or new)):
        return None
    parts = [(some_of(gone, most=_MAX_NAMED), "gone", len(gone)), (some_of(new, most=_MAX_NAMED), "new", len(new))]
    words = [f"{names} {'is' if count == 1 else 'are'} {what}" for names, what, count in parts if count]
    return _Span(", ".join(words), only_new=not gone)
