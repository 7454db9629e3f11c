"""Profile of a table: enough to compare two snapshots later without their data, and no row of them."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.secrets import token_shape
from lineage_pipelines.capture.tables.column_arrays import (
    Scale,
    arrays,
    column_words,
    encode,
    is_bytes,
    is_text,
    plain_column,
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
from lineage_pipelines.capture.tables.table_reader import TableShape
from lineage_pipelines.records.statement.profile import ColumnKind, ColumnProfile, Profile, encode_profile

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lineage_pipelines.capture.tables.row_digests import Words

    Array = np.ndarray[Any, Any]
    Measured = tuple[ColumnProfile, Words]

_STEPS = 40
_BINS = 20
_MAX_VALUES = 50
_MAX_GROUPS = 1000
_PER_VALUE = 2
_PER_GROUP = 20
_MAX_FORMATS = 20
_MAX_TEXT = 64
_MAX_NAME = 128
_DIGITS = 10
"""Significant digits of what is computed: fewer than what the order of a summation or another CPU can change."""
_EXACT = 2**53
"""From it on JSON has one number for several integers, and values are not listed."""
_PLAIN: Scale = (1, 1)


def profile_column(field: "pa.Field", column: "pa.ChunkedArray") -> "Measured":
    """Return the profile of a column, and a word a row, equal for equal values."""
    from pyarrow import types

    base = ColumnProfile(name=_shorten(field.name, _MAX_NAME), type=_shorten(str(field.type), _MAX_TEXT))
    column = plain_column(column)
    arrow = column.type
    if types.is_boolean(arrow):
        return _boolean(replace(base, kind=ColumnKind.BOOLEAN), column)
    if types.is_integer(arrow) or types.is_floating(arrow) or types.is_decimal(arrow):
        return _number(replace(base, kind=ColumnKind.NUMBER), column, _PLAIN)
    if types.is_temporal(arrow) and not types.is_interval(arrow):
        return _number(replace(base, kind=ColumnKind.TIME), ticks(column), seconds(arrow))
    if is_text(arrow):
        return _text(replace(base, kind=ColumnKind.TEXT), column)
    return _other(replace(base, kind=ColumnKind.OTHER, nulls=column.null_count), column)


def _boolean(base: ColumnProfile, column: "pa.ChunkedArray") -> "Measured":
    import pyarrow as pa

    values, missing = arrays(column.cast(pa.int8()))
    nulls, true = int(missing.sum()), int(values[~missing].sum())
    counts = [(value, count) for value, count in ((False, len(values) - nulls - true), (True, true)) if count]
    listed = tuple(sorted(counts, key=lambda pair: -pair[1]))
    return replace(base, nulls=nulls, distinct=len(counts), values=listed, other=0), number_words(values, missing)


def _number(base: ColumnProfile, column: "pa.ChunkedArray", scale: Scale) -> "Measured":
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
    elif base.kind is ColumnKind.TIME:
        words = time_words(values, missing, scale)
    else:
        words = number_words(values, missing)
    profile = replace(base, nulls=int(missing.sum()), distinct=distinct, infinite=int(strange.size) or None)
    if finite.size:
        profile = _with_distribution(profile, finite, scale)
    if len(uniques) > 1 and str(base.type).startswith(_MOMENTS):
        profile = _with_steps(profile, uniques, scale)
    inexact = base.kind is ColumnKind.NUMBER and uniques.dtype.kind in "iu" and _is_large(uniques)
    if _names_groups(len(uniques), finite.size) and not inexact:
        pairs = sorted(zip(counts.tolist(), uniques.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
        profile = replace(profile, values=tuple((_exact(value, scale), count) for count, value in pairs), other=0)
    return profile, words


_MOMENTS = ("timestamp", "date")


def _with_steps(profile: ColumnProfile, moments: "Array", scale: Scale) -> ColumnProfile:
    import numpy as np

    steps = np.diff(moments.astype("float64")) * scale[0] / scale[1]
    after = int(steps.argmax())
    hole = tuple(_exact(moment, scale) for moment in moments[after : after + 2].tolist())
    return replace(profile, step=_rounded(float(np.median(steps))), hole=hole)


def _count(ordered: "Array") -> "tuple[Array, Array]":
    """The different values of a sorted array, and how often each occurs."""
    import numpy as np

    starts = np.flatnonzero(np.concatenate([np.ones(min(1, ordered.size), bool), ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(np.append(starts, ordered.size))


def _with_distribution(profile: ColumnProfile, ordered: "Array", scale: Scale) -> ColumnProfile:
    import numpy as np

    n = ordered.size
    places = [(step * (n - 1) + _STEPS // 2) // _STEPS for step in range(_STEPS + 1)]
    numbers = ordered.astype("float64") * scale[0] / scale[1]
    with np.errstate(all="ignore"):  # sums of huge numbers overflow; then there is no mean to tell
        mean, std = float(numbers.mean()), float(numbers.std())
    return replace(
        profile,
        min=_exact(ordered[0].item(), scale),
        max=_exact(ordered[-1].item(), scale),
        mean=_rounded(mean) if math.isfinite(mean) else None,
        std=_rounded(std) if math.isfinite(std) else None,
        quantiles=tuple(_rounded(number) for number in numbers[places].tolist()),
        histogram=_histogram(numbers),
    )


def _histogram(ordered: "Array") -> tuple[int, ...] | None:
    import numpy as np

    low, high = float(ordered[0]), float(ordered[-1])
    width = high - low
    if width == 0 or not math.isfinite(width * _BINS):
        return None
    edges = low + width * np.arange(1, _BINS) / _BINS
    cuts = [0, *np.searchsorted(ordered, edges).tolist(), ordered.size]
    return tuple(after - before for before, after in pairwise(cuts))


def _is_large(ordered: "Array") -> bool:
    return bool(ordered.size) and (abs(int(ordered[0])) >= _EXACT or abs(int(ordered[-1])) >= _EXACT)


def _exact(value: float, scale: Scale) -> float:
    if scale != _PLAIN:
        return value * scale[0] / scale[1]
    return value if abs(value) < _EXACT else float(value)


def _rounded(value: float) -> float:
    rounded = float(f"{value:.{_DIGITS}g}")
    return rounded if math.isfinite(rounded) else value  # the greatest numbers have nothing to be rounded up to


def _text(base: ColumnProfile, column: "pa.ChunkedArray") -> "Measured":
    import numpy as np
    from pyarrow import compute

    codes, dictionary = encode(column)
    missing = codes < 0
    counts = np.bincount(codes[~missing], minlength=len(dictionary))
    profile = replace(base, nulls=int(missing.sum()), distinct=len(dictionary))
    if len(dictionary):
        lengths = np.asarray(compute.binary_length(dictionary)).astype("int64")
        profile = replace(
            profile,
            empty=int(counts[lengths == 0].sum()),
            min_bytes=int(lengths.min()),
            max_bytes=int(lengths.max()),
            mean_bytes=_rounded(int((lengths * counts).sum()) / int(counts.sum())),
        )
    if _names_groups(len(dictionary), int(counts.sum()), text=True):
        profile = _with_groups(profile, dictionary, counts.tolist())
    if not profile.lists_all and profile.max_bytes is not None and profile.max_bytes <= _MAX_TEXT:
        profile = replace(profile, formats=_formats(dictionary, counts))
    return profile, text_words(codes, dictionary)


def _formats(dictionary: "pa.Array", counts: "Array") -> tuple[tuple[str, int], ...] | None:
    """What texts look like: a digit is 9, a letter A or a, a byte beyond ASCII a; None where there are many formats.

    Args:
        dictionary: the different texts, as bytes.
        counts: how many rows hold each.
    """
    import numpy as np
    import pyarrow as pa

    _, offsets, data = dictionary.buffers()
    masks = np.frombuffer(_MASK, "uint8")
    masked = masks[np.frombuffer(data, "uint8")] if data is not None else np.zeros(0, "uint8")
    kind = dictionary.type
    texts = pa.Array.from_buffers(
        kind, len(dictionary), [None, offsets, pa.py_buffer(masked)], offset=dictionary.offset
    )
    encoded = texts.dictionary_encode()
    if len(encoded.dictionary) > _MAX_FORMATS:
        return None
    totals = np.bincount(encoded.indices.to_numpy(), weights=counts).astype("int64").tolist()
    formats = zip((text.decode("ascii") for text in encoded.dictionary.to_pylist()), totals, strict=True)
    return tuple(sorted(formats, key=lambda pair: (-pair[1], pair[0])))


_MASK = bytes(
    ord("9" if chr(byte).isdigit() else "A" if chr(byte).isupper() else "a" if chr(byte).isalpha() else chr(byte))
    if byte < 128  # noqa: PLR2004  # ASCII
    else ord("a")
    for byte in range(256)
)


def _names_groups(distinct: int, rows: int, *, text: bool = False) -> bool:
    few = distinct <= _MAX_VALUES and rows >= _PER_VALUE * distinct
    return distinct > 0 and (few or (text and distinct <= _MAX_GROUPS and rows >= _PER_GROUP * distinct))


def _with_groups(profile: ColumnProfile, dictionary: "pa.Array", counts: list[int]) -> ColumnProfile:
    pairs = sorted(zip(counts, dictionary.to_pylist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
    listed: dict[str, int] = {}
    for count, value in pairs[:_MAX_VALUES]:
        text = value.decode("utf-8", "replace")
        shown = _shorten(text, _MAX_TEXT) if token_shape(text) is None else "<withheld>"
        listed[shown] = listed.get(shown, 0) + count
    values = sorted(listed.items(), key=lambda pair: (-pair[1], pair[0]))
    return replace(profile, values=tuple(values), other=sum(count for count, _ in pairs[_MAX_VALUES:]))


def _other(base: ColumnProfile, column: "pa.ChunkedArray") -> "Measured":
    from pyarrow import types

    if types.is_null(column.type):
        return base, null_words(len(column))
    if is_bytes(column.type):
        codes, dictionary = encode(column)
        return replace(base, distinct=len(dictionary)), text_words(codes, dictionary)
    return base, column_words(column)


def _shorten(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most - 9]}~{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


_MAX_CELLS = 25_000_000


def profile_batches(batches: Iterable["pa.RecordBatch"], shape: TableShape) -> bytes:
    """Return the encoded profile of a table.

    Args:
        batches: all its rows, in order.
        shape: its columns and rows.

    Raises:
        pyarrow.ArrowException, OSError, ValueError: a file cannot be read.
    """
    stride = max(1, -(-shape.rows * len(shape.schema) // _MAX_CELLS))
    data = _read_every(batches, shape.schema, stride)
    if stride == 1:
        return encode_profile(_profile_whole(data, shape.rows))
    found = (profile_column(field, data.column(i))[0] for i, field in enumerate(shape.schema))
    columns = tuple(replace(column, step=None, hole=None) for column in found)  # between the rows that were looked at
    return encode_profile(Profile(rows=shape.rows, sampled=data.num_rows, columns=columns))


def _profile_whole(data: "pa.Table", count: int) -> Profile:
    columns, rows = [], RowWords(data.num_rows)
    for i, factor in enumerate(column_factors(data.schema.names)):
        column, words = profile_column(data.schema.field(i), data.column(i))
        rows.add(words, factor)
        columns.append(replace(column, content=digest_words(words)))
    return Profile(rows=count, duplicates=rows.duplicates(), rows_digest=rows.digest(), columns=tuple(columns))


def _read_every(rows: Iterable["pa.RecordBatch"], schema: "pa.Schema", stride: int) -> "pa.Table":
    import pyarrow as pa

    batches = []
    seen = 0
    for batch in rows:
        first = -seen % stride
        seen += batch.num_rows
        batches.append(batch if stride == 1 else batch.take(pa.array(range(first, batch.num_rows, stride), pa.int64())))
    return pa.Table.from_batches(batches, schema)
