"""Row patterns: values or months in which changed rows gather (`origin=LGA`), and columns that moved along the rows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lineage_pipelines.queries.diff.rows.row_side import Side

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Words = np.ndarray[Any, np.dtype[np.uint64]]

_MAX_VALUES = 366
_MAX_COLUMNS = 100
_MAX_SHOWN = 5
_MAX_TEXT = 64
_MIN_SHARE = 0.5
"""Of the changed rows, that are in one value, to say that they gather there."""
_MIN_LIFT = 1.5
"""How much greater that share is than that of all rows."""

Tally = dict[str, list[int]]
"""By value: changed rows, all rows."""


def gather(
    sides: tuple[Side, Side], key: tuple[str, ...], names: Sequence[str], changed: "Words"
) -> Mapping[str, tuple[int, int]]:
    """Return the values of the column in which the changed rows gather most; empty when they are all over.

    Args:
        sides: before and after.
        key: the columns of the key.
        names: columns that differ in no changed row.
        changed: the words of the keys of the changed rows, sorted.
    """
    tallies = [_tally(side, key, names, changed) for side in sides]
    found = {name: _joined(tallies[0][name], tallies[1][name]) for name in tallies[0] if name in tallies[1]}
    best = max(((_gain(tally), name) for name, tally in sorted(found.items())), default=(0.0, ""), key=lambda e: e[0])
    if best[0] <= 0:
        return {}
    largest = sorted(found[best[1]].items(), key=lambda pair: (-pair[1][0], pair[1][1], pair[0]))
    return {f"{best[1]}={value}": (touched, there) for value, (touched, there) in largest[:_MAX_SHOWN] if touched}


def _gain(tally: Tally) -> float:
    """How much more of the changed rows than of all are in the value with most of them; 0 where that says nothing."""
    touched, there = (sum(pair[place] for pair in tally.values()) for place in (0, 1))
    if not touched or not there:
        return 0.0
    most = max(tally.values(), key=lambda pair: pair[0])
    share, base = most[0] / touched, most[1] / there
    return share - base if share > _MIN_SHARE and share >= _MIN_LIFT * base else 0.0


def _joined(first: Tally, second: Tally) -> Tally:
    """Both sides as one: the changed rows are in both, of all rows the more count."""
    none = [0, 0]
    return {
        value: [max(first.get(value, none)[place], second.get(value, none)[place]) for place in (0, 1)]
        for value in {*first, *second}
    }


def _tally(side: Side, key: tuple[str, ...], names: Sequence[str], changed: "Words") -> dict[str, Tally]:
    import numpy as np

    tallies: dict[str, Tally] = {name: {} for name in names if _divides(side.type_of(name))}
    tallies = dict(list(tallies.items())[:_MAX_COLUMNS])
    for batch in side.batches():
        keys = side.combined(batch, key)
        places = np.minimum(np.searchsorted(changed, keys), changed.size - 1)
        touched = changed[places] == keys
        for name in list(tallies):
            _add(tallies[name], batch.column(side.places[name]), touched)
            if len(tallies[name]) > _MAX_VALUES:
                del tallies[name]  # it names rows, not groups of them
    return tallies


def _divides(kind: "pa.DataType") -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _divides(kind.value_type)
    plain = types.is_boolean(kind) or types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind)
    return plain or _is_time(kind)


def _is_time(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return bool(types.is_timestamp(kind) or types.is_date(kind))


def _add(tally: Tally, column: "pa.Array", touched: "np.ndarray[Any, Any]") -> None:
    import numpy as np

    encoded = _grouped(column).dictionary_encode()
    if len(encoded.dictionary) > _MAX_VALUES:
        tally.update({str(number): [0, 0] for number in range(_MAX_VALUES + 1)})  # too many to be groups
        return
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype("int64") + 1
    months = _is_time(column.type)
    values = ["missing", *(_shown(value, months=months) for value in encoded.dictionary.to_pylist())]
    there = np.bincount(codes, minlength=len(values))
    changed = np.bincount(codes[touched], minlength=len(values))
    for value, one, other in zip(values, changed.tolist(), there.tolist(), strict=True):
        if other:
            counts = tally.setdefault(value, [0, 0])
            counts[0] += one
            counts[1] += other


def _grouped(column: "pa.Array") -> "pa.Array":
    """Times by month; text as bytes, which need not be UTF-8; the rest as it is."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if _is_time(kind):
        days = column.cast(pa.date32(), safe=False)
        return pa.array(days.to_numpy(zero_copy_only=False).astype("M8[M]").astype("int64"), mask=_nulls(days))
    return column.cast(pa.large_binary()) if types.is_string(kind) or types.is_large_string(kind) else column


def _nulls(column: "pa.Array") -> "np.ndarray[Any, Any]":
    import numpy as np

    return np.array(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)


def _shown(value: Any, *, months: bool) -> str:  # noqa: ANN401  # any value of a column
    import numpy as np

    if months:
        return str(np.datetime64(0, "M") + value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")[:_MAX_TEXT]
    return str(value).lower() if isinstance(value, bool) else str(value)


_FARTHEST = 3
_MAX_ROWS = 1_000_000
"""From the beginning: what moved along all rows did so there, too."""
_MAX_SHIFTED = 40
_MIN_ROWS = 20
_LEAST = 0.5
"""How much better than chance the moved column must fit; rows that were left out since tear it apart."""
_CLEARLY = 2


def find_shifts(before: Side, after: Side, key: tuple[str, ...], names: Sequence[str]) -> Mapping[str, int]:
    """Return by how many rows each of some columns moved, where it did: 1 where a row holds what the one above held.

    Rows are in the order of the table before; those of the other table are found by the key, or by their place where
    there is none.

    Args:
        before: the table before.
        after: the table after.
        key: the columns of the key; empty where there is none.
        names: the columns to look at.
    """
    columns = [name for name in names if name not in key][:_MAX_SHIFTED]
    if not columns:
        return {}
    heads = [_head(side, key, columns) for side in (before, after)]
    places = _places(heads[0].pop(""), heads[1].pop(""), by_key=bool(key))
    if places[0].size < _MIN_ROWS:
        return {}
    moved = {name: _moved(heads[0][name][places[0]], heads[1][name][places[1]]) for name in columns}
    return {name: rows for name, rows in moved.items() if rows}


def _head(side: Side, key: tuple[str, ...], names: Sequence[str]) -> "dict[str, Words]":
    """The words of the first rows, column by column; those of the key under the empty name."""
    import numpy as np

    most = max(_MIN_ROWS, _MAX_ROWS // len(names))
    parts: dict[str, list[Words]] = {name: [] for name in ("", *names)}
    seen = 0
    for batch in side.batches():
        few = batch.slice(0, most - seen)
        parts[""].append(side.combined(few, key))
        for name in names:
            parts[name].append(side.words(few, name))
        seen += few.num_rows
        if seen >= most:
            break
    return {name: np.concatenate([np.zeros(0, np.uint64), *found]) for name, found in parts.items()}


def _places(before: "Words", after: "Words", *, by_key: bool) -> "tuple[Words, Words]":
    """The places of the same rows on both sides, in the order before."""
    import numpy as np

    if not by_key or not after.size:
        both = np.arange(min(before.size, after.size))
        return both, both  # type: ignore[return-value]  # places, not words
    order = np.argsort(after, kind="stable")
    found = np.minimum(np.searchsorted(after, before, sorter=order), after.size - 1)
    met = np.flatnonzero(after[order[found]] == before)
    return met, order[found[met]]  # type: ignore[return-value]


def _moved(before: "Words", after: "Words") -> int:
    import numpy as np

    _, counts = np.unique(before, return_counts=True)
    chance = float(((counts / before.size) ** 2).sum())
    if chance > 1 - _LEAST / 10:
        return 0

    def fits(rows: int) -> float:
        same = after[rows:] == before[: before.size - rows] if rows >= 0 else after[:rows] == before[-rows:]
        return (float(same.mean()) - chance) / (1 - chance)

    steps = [step for rows in range(1, _FARTHEST + 1) for step in (rows, -rows)]
    best = max(steps, key=fits)
    return best if fits(best) >= _LEAST and fits(best) > _CLEARLY * fits(0) else 0
