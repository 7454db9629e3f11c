"""Profile of a table: enough to compare two snapshots later without their data, and no row of them."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.secrets import token_shape
from lineage_pipelines.capture.tables.column_arrays import (
    Scale,
    arrays,
    encode,
    is_bytes,
    is_text,
    seconds,
    ticks,
)
from lineage_pipelines.capture.tables.row_digests import (
    RowWords,
    column_factors,
    digest_words,
    null_words,
    number_words,
    text_words,
    time_words,
)
from lineage_pipelines.capture.tables.table_files import TableFiles, TableShape, read_batches
from lineage_pipelines.records.values.canonical import canonical_bytes

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lineage_pipelines.capture.tables.row_digests import Words

    Array = np.ndarray[Any, Any]

_STEPS = 40
_BINS = 20
_MAX_VALUES = 50
_MAX_GROUPS = 1000
_PER_VALUE = 2
_PER_GROUP = 20
_MAX_TEXT = 64
_MAX_NAME = 128
_DIGITS = 10
"""Significant digits of what is computed: fewer than what the order of a summation or another CPU can change."""
_EXACT = 2**53
_PLAIN: Scale = (1, 1)


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What is said of a column."""

    facts: dict[str, Any]
    words: "Words | None" = None
    """One word a row, equal for equal values; None when values cannot be compared."""


def profile_column(field: "pa.Field", column: "pa.ChunkedArray") -> ColumnProfile:
    """Return the profile of a column."""
    from pyarrow import types

    kind = field.type
    base: dict[str, Any] = {"name": _shorten(field.name, _MAX_NAME), "type": _shorten(str(kind), _MAX_TEXT)}
    if types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    if types.is_boolean(kind):
        return _boolean({**base, "kind": "boolean"}, column)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return _number({**base, "kind": "number"}, column, _PLAIN)
    if types.is_temporal(kind) and not types.is_interval(kind):
        return _number({**base, "kind": "time"}, ticks(column), seconds(kind))
    if is_text(kind):
        return _text({**base, "kind": "text"}, column)
    return _other({**base, "kind": "other", "nulls": column.null_count}, column)


def _boolean(facts: dict[str, Any], column: "pa.ChunkedArray") -> ColumnProfile:
    import pyarrow as pa

    values, missing = arrays(column.cast(pa.int8()))
    true = int(values[~missing].sum())
    false = len(values) - int(missing.sum()) - true
    counts = [[value, count] for value, count in ((False, false), (True, true)) if count]
    listed = sorted(counts, key=lambda pair: -pair[1])
    facts |= {"nulls": int(missing.sum()), "distinct": len(counts), "values": listed, "other": 0}
    return ColumnProfile(facts, number_words(values, missing))


def _number(facts: dict[str, Any], column: "pa.ChunkedArray", scale: Scale) -> ColumnProfile:
    import numpy as np
    from pyarrow import types

    values, missing = arrays(column)
    present = values[~missing]
    finite = np.sort(present[np.isfinite(present)])
    strange = present[~np.isfinite(present)]
    uniques, counts = _count(finite)
    distinct = len(uniques) + len(np.unique(strange))
    if types.is_decimal(column.type):  # as floats, numbers of many digits would be equal that are not
        codes, dictionary = encode(column)
        distinct = len(dictionary)
        words = text_words(codes, dictionary)
    else:
        words = time_words(values, missing, scale) if facts["kind"] == "time" else number_words(values, missing)
    facts |= {"nulls": int(missing.sum()), "distinct": distinct}
    if strange.size:
        facts["infinite"] = int(strange.size)
    if finite.size:
        facts |= _distribution(finite, scale)
    if _names_groups(len(uniques), finite.size):
        pairs = sorted(zip(counts.tolist(), uniques.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
        facts |= {"values": [[_exact(value, scale), count] for count, value in pairs], "other": 0}
    return ColumnProfile(facts, words)


def _count(ordered: "Array") -> "tuple[Array, Array]":
    """The different values of a sorted array, and how often each occurs."""
    import numpy as np

    starts = np.flatnonzero(np.concatenate([np.ones(min(1, ordered.size), bool), ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(np.append(starts, ordered.size))


def _distribution(ordered: "Array", scale: Scale) -> dict[str, Any]:
    import numpy as np

    n = ordered.size
    places = [(step * (n - 1) + _STEPS // 2) // _STEPS for step in range(_STEPS + 1)]
    numbers = ordered.astype("float64") * scale[0] / scale[1]
    with np.errstate(all="ignore"):  # sums of huge numbers overflow; then there is no mean to tell
        mean, std = float(numbers.mean()), float(numbers.std())
    facts = {
        "min": _exact(ordered[0].item(), scale),
        "max": _exact(ordered[-1].item(), scale),
        "mean": _rounded(mean),
        "std": _rounded(std),
        "quantiles": [_rounded(number) for number in numbers[places].tolist()],
        "histogram": _histogram(numbers),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _histogram(ordered: "Array") -> list[int] | None:
    import numpy as np

    low, high = float(ordered[0]), float(ordered[-1])
    width = high - low
    if width == 0 or not math.isfinite(width * _BINS):
        return None
    edges = low + width * np.arange(1, _BINS) / _BINS
    cuts = [0, *np.searchsorted(ordered, edges).tolist(), ordered.size]
    return [after - before for before, after in pairwise(cuts)]


def _exact(value: float, scale: Scale) -> float:
    if scale != _PLAIN:
        return value * scale[0] / scale[1]
    return value if abs(value) < _EXACT else float(value)


def _rounded(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{_DIGITS}g}")
    return rounded if math.isfinite(rounded) else value  # the greatest numbers have nothing to be rounded up to


def _text(facts: dict[str, Any], column: "pa.ChunkedArray") -> ColumnProfile:
    import numpy as np
    from pyarrow import compute

    codes, dictionary = encode(column)
    missing = codes < 0
    counts = np.bincount(codes[~missing], minlength=len(dictionary))
    facts |= {"nulls": int(missing.sum()), "distinct": len(dictionary)}
    if len(dictionary):
        lengths = np.asarray(compute.binary_length(dictionary)).astype("int64")
        facts |= {
            "empty": int(counts[lengths == 0].sum()),
            "min_bytes": int(lengths.min()),
            "max_bytes": int(lengths.max()),
            "mean_bytes": _rounded(int((lengths * counts).sum()) / int(counts.sum())),
        }
    if _names_groups(len(dictionary), int(counts.sum()), text=True):
        facts |= _groups(dictionary, counts.tolist())
    return ColumnProfile(facts, text_words(codes, dictionary))


def _names_groups(distinct: int, rows: int, *, text: bool = False) -> bool:
    few = distinct <= _MAX_VALUES and rows >= _PER_VALUE * distinct
    return distinct > 0 and (few or (text and distinct <= _MAX_GROUPS and rows >= _PER_GROUP * distinct))


def _groups(dictionary: "pa.Array", counts: list[int]) -> dict[str, Any]:
    pairs = sorted(zip(counts, dictionary.to_pylist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
    listed: dict[str, int] = {}
    for count, value in pairs[:_MAX_VALUES]:
        text = value.decode("utf-8", "replace")
        shown = _shorten(text, _MAX_TEXT) if token_shape(text) is None else "<withheld>"
        listed[shown] = listed.get(shown, 0) + count
    values = sorted(listed.items(), key=lambda pair: (-pair[1], pair[0]))
    return {"values": [list(pair) for pair in values], "other": sum(count for count, _ in pairs[_MAX_VALUES:])}


def _other(facts: dict[str, Any], column: "pa.ChunkedArray") -> ColumnProfile:
    from pyarrow import types

    if types.is_null(column.type):
        return ColumnProfile(facts, null_words(len(column)))
    if is_bytes(column.type):
        codes, dictionary = encode(column)
        return ColumnProfile({**facts, "distinct": len(dictionary)}, text_words(codes, dictionary))
    return ColumnProfile(facts)


def _shorten(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most - 9]}~{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


PROFILE_VERSION = 2
MAX_PROFILE_BYTES = 64_000
_MAX_CELLS = 25_000_000
# Of each level of detail: every n-th quantile (0 for none), histograms, values.
_LEVELS = ((1, True, 50), (2, True, 20), (4, False, 10), (0, False, 0))
_MIN_BYTES = 40
"""Of a column at these levels, so that a table of thousands is not written down in vain."""
_BARE = ("name", "nulls", "distinct")


def profile_table_files(table: TableFiles, shape: TableShape) -> bytes:
    """Return the profile of a table.

    Raises:
        pyarrow.ArrowException, OSError, ValueError: a file cannot be read.
    """
    stride = max(1, -(-shape.rows * len(shape.schema) // _MAX_CELLS))
    data = _read_every(table, shape.schema, stride)
    profile: dict[str, Any] = {"version": PROFILE_VERSION, "rows": shape.rows}
    if stride > 1:
        columns = [profile_column(field, data.column(i)).facts for i, field in enumerate(shape.schema)]
        return _fit({**profile, "sampled": data.num_rows}, columns)
    columns, rows = _profile_whole(data)
    known = {"duplicates": rows.duplicates(), "rows_digest": rows.digest()}
    return _fit({**profile, **{name: value for name, value in known.items() if value is not None}}, columns)


def _profile_whole(data: "pa.Table") -> tuple[list[dict[str, Any]], RowWords]:
    columns, rows = [], RowWords(data.num_rows)
    for i, factor in enumerate(column_factors(data.schema.names)):
        column = profile_column(data.schema.field(i), data.column(i))
        rows.add(column.words, factor)
        content = {"content": digest_words(column.words)} if column.words is not None else {}
        columns.append({**column.facts, **content})
    return columns, rows


def _read_every(table: TableFiles, schema: "pa.Schema", stride: int) -> "pa.Table":
    import pyarrow as pa

    batches = []
    seen = 0
    for batch in read_batches(table, schema):
        first = -seen % stride
        seen += batch.num_rows
        batches.append(batch if stride == 1 else batch.take(pa.array(range(first, batch.num_rows, stride), pa.int64())))
    return pa.Table.from_batches(batches, schema)


def _fit(profile: dict[str, Any], columns: list[dict[str, Any]]) -> bytes:
    for detail, level in enumerate(_LEVELS if len(columns) * _MIN_BYTES <= MAX_PROFILE_BYTES else ()):
        reduced = [_reduce(column, *level) for column in columns]
        data = canonical_bytes({**profile, "detail": detail, "columns": reduced})
        if len(data) <= MAX_PROFILE_BYTES:
            return data
    for data in _bare(profile, columns):
        if len(data) <= MAX_PROFILE_BYTES:
            return data
    return canonical_bytes({**profile, "detail": 6})


def _bare(profile: dict[str, Any], columns: list[dict[str, Any]]) -> Iterator[bytes]:
    """Yield what little can be said of thousands of columns, less and less."""
    content = [str(column.get("content", "")) for column in columns]
    bare = [{name: column[name] for name in _BARE if name in column} for column in columns]
    short = [{**facts, "content": each[:8]} if each else facts for facts, each in zip(bare, content, strict=True)]
    yield canonical_bytes({**profile, "detail": 4, "columns": short})
    counts: dict[str, Any] = {name: [column.get(name) for column in columns] for name in _BARE[1:]}
    if all(content):
        yield canonical_bytes(
            {**profile, "detail": 5, "columns": {**counts, "content": "".join(c[:6] for c in content)}}
        )
    yield canonical_bytes({**profile, "detail": 4, "columns": bare})  # names are in the record, too; content is not
    yield canonical_bytes({**profile, "detail": 5, "columns": counts})


def _reduce(column: dict[str, Any], nth: int, histogram: bool, values: int) -> dict[str, Any]:  # noqa: FBT001  # a row of _LEVELS
    reduced = dict(column)
    if nth != 1 and "content" in reduced:
        reduced["content"] = reduced["content"][:16]
    if nth and "quantiles" in reduced:
        reduced["quantiles"] = reduced["quantiles"][::nth]
    elif not nth:
        reduced.pop("quantiles", None)
    if not histogram:
        reduced.pop("histogram", None)
    if not values:
        reduced.pop("values", None)
        reduced.pop("other", None)
    elif "values" in reduced:
        reduced["other"] += sum(count for _, count in reduced["values"][values:])
        reduced["values"] = reduced["values"][:values]
    return reduced
