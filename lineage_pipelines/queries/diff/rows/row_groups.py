"""Row groups: the smallest group of rows, described by one column, that holds nearly all rows that were touched."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.column_arrays import is_bytes, is_text, seconds, ticks
from lineage_pipelines.queries.diff.rows.cell_values import MICROSECONDS, is_number, shown_text, shown_time
from lineage_pipelines.queries.diff.rows.row_change import GroupKind, RowGroup

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

_COVERS = 0.95
"""Of the touched rows, that a group has to hold."""
_NEARLY_ALL = 0.9
"""Of all rows: with more that are touched, a group says nothing."""
_LIFT = 1.5
"""How much more often rows in the group are touched than all rows are."""
_MAX_VALUES = 1000
_MAX_NAMED = 3
_FEW = 100
_ALIKE = 0.8
"""Of the share that is touched of the group: a value beside it with as much belongs to it."""
_CLOSE = 0.02
_CLOSE_BITS = 3.0
"""Of groups that explain as much, within this margin (a share, or bits), the simplest is chosen."""
_BITS = 10.0
"""By how much a group has to be shorter than a list of the rows, to be no coincidence."""
_FEWEST = 5
"""Groups with fewer rows are not named."""
_OPEN = -1


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to tell rows apart: the values of a column in their order, or months, or places."""

    column: str
    place: int
    """Of the column: of equally good ones the first is taken."""
    codes: "Array"
    """Of each row the rank of its value; -1 where it is missing."""
    show: "Callable[[Any], str] | None"
    """How a value is shown; None where there are too many values to show, or they are places of rows."""
    values: "Array"
    """By rank, in their order."""
    ordered: bool
    """Whether a range of values is a group as well."""
    open: bool
    """Whether a range to the least or the greatest value is described by one end."""
    plainness: int = 0
    """Of equally small groups the one of least is taken: a time before a number."""
    months: bool = False
    parsed: bool = False
    """Whether its times are texts in the table."""

    @property
    def count(self) -> int:
        """Return how many ranks there are."""
        return int(self.values.size)


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """A group among the rows that were looked at."""

    grouping: Grouping
    kind: GroupKind
    codes: tuple[int, ...]
    """Ranks of its values; of a range the first and the last."""
    inside: float
    """Touched rows in it."""
    of: float
    length: int
    """How long it takes to tell it."""

    @property
    def share(self) -> float:
        """Of its rows, that were touched."""
        return self.inside / self.of

    def holds(self) -> "Array":
        """Which of the rows that were looked at are in it, as a mask."""
        import numpy as np

        codes = self.grouping.codes
        if self.kind is GroupKind.MISSING:
            return np.asarray(codes == _OPEN)
        if self.kind in (GroupKind.VALUE, GroupKind.VALUES):
            return np.isin(codes, self.codes)
        return np.asarray((codes >= self.codes[0]) & (codes <= self.codes[1]))

    def holds_of(self, other: Grouping) -> "Array":
        """Which of other rows are in it, as a mask: `other` tells them apart in the same way."""
        import numpy as np

        values = self.grouping.values
        if self.kind is GroupKind.MISSING:
            return np.asarray(other.codes == _OPEN)
        if self.kind in (GroupKind.VALUE, GroupKind.VALUES):
            chosen = np.isin(other.values, values[list(self.codes)])
        else:
            low, high = self.codes
            chosen = np.ones(other.count, bool)
            if low > 0 or not self.grouping.open:
                chosen &= other.values >= values[low]
            if high < self.grouping.count - 1 or not self.grouping.open:
                chosen &= other.values <= values[high]
        return np.append(chosen, False)[other.codes]  # of what is missing

    def group(self, rows: int, of: int, touched: int) -> RowGroup:
        """Return it as it is reported, with exact counts."""
        show = self.grouping.show if of >= _FEWEST else None
        values = tuple(show(self.grouping.values[code]) for code in self.codes) if show else ()
        if values and self.kind is GroupKind.RANGE and self.grouping.open:
            low, high = self.codes
            values = ("" if low == 0 else values[0], "" if high == self.grouping.count - 1 else values[1])
        name = "" if self.kind in (GroupKind.FIRST, GroupKind.LAST) else self.grouping.column
        return RowGroup(column=name, kind=self.kind, values=values, rows=rows, of=of, touched=touched)


def column_groupings(columns: "Mapping[str, pa.ChunkedArray]") -> Iterator[Grouping]:
    """Yield the ways in which columns tell rows apart; none of columns of nested values."""
    for place, (name, column) in enumerate(columns.items()):
        yield from _groupings(name, place, column)


def _groupings(name: str, place: int, column: "pa.ChunkedArray") -> Iterator[Grouping]:
    import numpy as np
    import pyarrow as pa
    from pyarrow import types

    parsed = _times(column)
    column = column if parsed is None else parsed
    kind = column.type
    if types.is_timestamp(kind) or types.is_date(kind):
        times, per_second = seconds(kind)
        moments = ticks(column)
        codes, values = _coded(moments)
        exact = np.array(values.to_pylist(), dtype=object) * (times * MICROSECONDS) // per_second
        months = np.array([], "int64")
        if exact.size:
            months = (exact // MICROSECONDS).astype("int64").astype("M8[s]").astype("M8[M]").astype("int64")
        different, ranks = np.unique(months, return_inverse=True)
        of_month = np.append(ranks, _OPEN)[codes]
        text = parsed is not None
        yield Grouping(name, place, of_month, _month, different, ordered=True, open=False, months=True, parsed=text)
        yield Grouping(name, place, codes, _minute, exact, ordered=True, open=True, plainness=1, parsed=text)
    elif types.is_boolean(kind) or is_number(kind):
        column = column.cast(pa.float64()) if types.is_decimal(kind) else column
        codes, values = _coded(column)
        plainness = 0 if len(values) <= _FEW else 2
        yield Grouping(name, place, codes, shown_text, _array(values), ordered=True, open=True, plainness=plainness)
    elif is_text(kind) or is_bytes(kind):
        codes, values = _coded(column.cast(pa.large_binary()))
        few = len(values) <= _MAX_VALUES
        yield Grouping(name, place, codes, shown_text if few else None, _array(values), ordered=few, open=False)


def _times(column: "pa.ChunkedArray") -> "pa.ChunkedArray | None":
    """The times that a column of texts holds, as in a CSV file; None where it holds others, or few different ones."""
    import pyarrow as pa
    from pyarrow import compute

    if not is_text(column.type) or not len(column):
        return None
    try:
        return compute.cast(column.cast(pa.large_string()), pa.timestamp("us"))
    except pa.ArrowException:
        return None


def _array(values: "pa.Array") -> "Array":
    import numpy as np

    return np.asarray(values.to_numpy(zero_copy_only=False))


def _month(month: int) -> str:
    import numpy as np

    return str(np.datetime64(int(month), "M"))


def _minute(moment: int) -> str:
    return shown_time(int(moment) - int(moment) % (60 * MICROSECONDS))


def _coded(column: "pa.ChunkedArray") -> "tuple[Array, pa.Array]":
    """The rank of each value, -1 where it is missing, and the values by rank."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_floating(column.type):
        column = compute.if_else(compute.is_nan(column), pa.scalar(None, column.type), column)
    one = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = one.dictionary_encode()
    order = compute.sort_indices(encoded.dictionary).to_numpy()
    ranks = np.empty(order.size + 1, "int64")
    ranks[order] = np.arange(order.size)
    ranks[-1] = _OPEN
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype("int64")
    return ranks[codes], encoded.dictionary.take(pa.array(order))


def place_grouping(rows: "Array") -> Grouping:
    """Return how rows are distinguished by their places in the table."""
    import numpy as np

    ranks = np.empty(rows.size, "int64")
    ranks[np.argsort(rows, kind="stable")] = np.arange(rows.size)
    return Grouping("", 0, ranks, None, np.sort(rows), ordered=True, open=True)


def find_group(groupings: Sequence[Grouping], touched: "Array", weights: "Array") -> FoundGroup | None:
    """Return the smallest group that holds nearly all rows that were touched; None where they are anywhere.

    Args:
        groupings: the ways to tell rows apart, all of the same rows.
        touched: which rows were touched, as a mask.
        weights: how many rows each row stands for.
    """
    inside, rows = float(weights[touched].sum()), float(weights.sum())
    if not inside or inside > _NEARLY_ALL * rows:
        return None
    found = []
    for grouping in groupings:
        tally = _Tally(grouping, touched, weights)
        for group, cost in tally.candidates():
            gained = tally.gain(group.inside, group.of) - cost - math.log2(len(groupings))
            if group.share >= _LIFT * inside / rows and gained >= _BITS:
                found.append((gained, group))
    most = max((gained for gained, _ in found), default=0.0)
    close = [group for gained, group in found if gained >= most - max(_CLOSE_BITS, _CLOSE * most)]
    return min(close, key=lambda g: (g.length, g.grouping.plainness, g.grouping.place), default=None)


class _Tally:
    """How many rows have each value, and how many of those were touched."""

    def __init__(self, grouping: Grouping, touched: "Array", weights: "Array") -> None:
        import numpy as np

        self.grouping = grouping
        codes = grouping.codes + 1
        there = np.bincount(codes, weights, grouping.count + 1)
        hit = np.bincount(codes[touched], weights[touched], grouping.count + 1)
        self.missing = float(hit[0]), float(there[0])
        self.hit, self.there = hit[1:], there[1:]
        self.inside, self.rows = float(hit.sum()), float(there.sum())

    def gain(self, hit: "Array | float", there: "Array | float") -> Any:  # noqa: ANN401  # an array or a number
        """How many bits shorter the description of the touched rows is when a group is known."""
        within = _bits(hit, there) + _bits(self.inside - hit, self.rows - there)
        return _bits(self.inside, self.rows) - within

    def candidates(self) -> Iterator[tuple[FoundGroup, float]]:
        """Yield groups that hold nearly all touched rows, each with the bits that it takes to choose it."""
        least = _COVERS * self.inside
        if not self.grouping.column:
            yield from self._ends(least)
            return
        if self.missing[0] >= least:
            yield FoundGroup(self.grouping, GroupKind.MISSING, (), *self.missing, length=1), 0.0
        if self.grouping.show and self.grouping.count <= _MAX_VALUES:
            yield from self._named(least)
        if self.grouping.ordered and self.hit.sum() >= least and self.grouping.count > 1:
            yield from self._ranges(least)

    def _named(self, least: float) -> Iterator[tuple[FoundGroup, float]]:
        import numpy as np

        order = np.argsort(-self.hit, kind="stable")[: _MAX_NAMED + 1]
        sums = np.cumsum(self.hit[order])
        many = int(np.searchsorted(sums, least)) + 1
        if many > min(_MAX_NAMED, order.size) or sums[many - 1] < least:
            return
        share = sums[many - 1] / self.there[order[:many]].sum()
        while many < min(_MAX_NAMED, order.size) and self.hit[order[many]] >= _ALIKE * share * self.there[order[many]]:
            many += 1
        codes = tuple(sorted(int(code) for code in order[:many]))
        kind = GroupKind.VALUE if many == 1 else GroupKind.VALUES
        counts = float(self.hit[list(codes)].sum()), float(self.there[list(codes)].sum())
        yield (
            FoundGroup(self.grouping, kind, codes, *counts, length=many),
            math.log2(math.comb(self.grouping.count, many)),
        )

    def _ranges(self, least: float) -> Iterator[tuple[FoundGroup, float]]:
        import numpy as np

        bits = math.log2(self.grouping.count)
        if self.grouping.open:
            for low, high in ((None, self.grouping.count), (0, None)):
                yield self._range(*self._best(low, high, least), length=2), bits + 1
        hit, there = self._sums()
        ends = np.searchsorted(hit, hit[:-1] + least - 1e-6)
        fits = np.flatnonzero(ends < hit.size)
        if not fits.size:
            return
        start = int(fits[np.argmin(there[ends[fits]] - there[fits])])
        low, high = start, int(ends[start])
        for _ in range(2):
            low, high = self._best(None, high, least)
            low, high = self._best(low, None, least)
        yield self._range(low, high, length=3), 2 * bits

    def _ends(self, least: float) -> Iterator[tuple[FoundGroup, float]]:
        bits = math.log2(self.grouping.count)
        for kind, low, high in ((GroupKind.LAST, None, self.grouping.count), (GroupKind.FIRST, 0, None)):
            yield self._range(*self._best(low, high, least), length=4, kind=kind), bits + 1

    def _sums(self) -> "tuple[Array, Array]":
        import numpy as np

        return np.append(0.0, np.cumsum(self.hit)), np.append(0.0, np.cumsum(self.there))

    def _best(self, low: int | None, high: int | None, least: float) -> tuple[int, int]:
        """The range with one end given that tells most; the upper end is not in it."""
        import numpy as np

        hit, there = self._sums()
        inside = hit[high] - hit if low is None else hit - hit[low]
        rows = there[high] - there if low is None else there - there[low]
        gain = np.where(inside >= least - 1e-6, self.gain(inside, rows), -np.inf)
        end = int(np.argmax(gain))
        return (end, int(high or 0)) if low is None else (low, end)

    def _range(self, low: int, high: int, *, length: int, kind: GroupKind = GroupKind.RANGE) -> FoundGroup:
        counts = float(self.hit[low:high].sum()), float(self.there[low:high].sum())
        return FoundGroup(self.grouping, kind, (low, high - 1), *counts, length=length)


def _bits(hit: "Array | float", there: "Array | float") -> Any:  # noqa: ANN401  # an array or a number
    """How many bits it takes to tell which of some rows were touched."""
    import numpy as np

    hit, rest = np.maximum(hit, 0.0), np.maximum(np.subtract(there, hit), 0.0)
    total = hit + rest
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(part > 0, -part * np.log2(part / total), 0.0) for part in (hit, rest)]
    return parts[0] + parts[1]
