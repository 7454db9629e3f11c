"""Column arrays: the values of an Arrow column as NumPy arrays, and its part in the digests of rows."""

from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.row_digests import (
    column_factors,
    finish,
    mix,
    null_words,
    number_words,
    text_words,
    time_words,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lineage_pipelines.capture.tables.row_digests import Words

    Array = np.ndarray[Any, Any]

Scale = tuple[int, int]
"""What a value is multiplied and divided by, to be a number or a number of seconds."""
_DAY = 24 * 60 * 60
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def column_words(column: "pa.ChunkedArray") -> "Words":
    """Return one word a row, equal for equal values, whatever represents them; of lists and structs by their parts."""
    from pyarrow import types

    column = plain_column(column)
    kind = column.type
    if types.is_null(kind):
        return null_words(len(column))
    if types.is_boolean(kind):
        return number_words(*arrays(column.cast("int8")))
    if types.is_integer(kind) or types.is_floating(kind):
        return number_words(*arrays(column))
    if types.is_temporal(kind) and not types.is_interval(kind):
        return time_words(*arrays(ticks(column)), seconds(kind))
    if is_text(kind) or is_bytes(kind) or types.is_decimal(kind):
        return text_words(*encode(column))
    return _nested_words(column)


def plain_column(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return the values of a column without what represents them: dictionaries, run lengths, an extension (`uuid`)."""
    import pyarrow as pa
    from pyarrow import compute, types

    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain_column(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if types.is_dictionary(kind):
        decoded = pa.chunked_array([chunk.dictionary_decode() for chunk in column.chunks], kind.value_type)
        return plain_column(decoded)
    if types.is_run_end_encoded(kind):
        decoded = pa.chunked_array([compute.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
        return plain_column(decoded)
    if types.is_map(kind):
        pairs = pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))
        return column.cast(pairs)
    return column


def _nested_words(column: "pa.ChunkedArray") -> "Words":
    import numpy as np
    from pyarrow import types

    kind = column.type
    if types.is_struct(kind):
        found = [_struct_words(chunk) for chunk in column.chunks]
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        found = [_list_words(chunk) for chunk in column.chunks]
    else:  # intervals, unions, and what Arrow may add: by what Python shows of each value
        found = [_shown_words(chunk) for chunk in column.chunks]
    return np.concatenate([null_words(0), *found])


def _struct_words(column: "pa.Array") -> "Words":
    import numpy as np
    import pyarrow as pa

    parts = column.flatten()
    words = np.full(len(column), np.uint64(len(parts)))
    for part, factor in zip(parts, column_factors([field.name for field in column.type]), strict=True):
        words += column_words(pa.chunked_array([part])) * np.uint64(factor)
    return finish(words, _missing(column))


def _list_words(column: "pa.Array") -> "Words":
    """Of each list the sum of its items' words, each times an odd number that its place gives, and its length."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import compute

    missing = _missing(column)
    lengths = np.array(compute.list_value_length(column).fill_null(0)).astype("int64")
    ends = np.cumsum(lengths)
    places = (np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - lengths, lengths)).astype("uint64")
    mix(places)
    items = column_words(pa.chunked_array([compute.list_flatten(column)])) * (places | np.uint64(1))
    sums = np.concatenate([null_words(1) * np.uint64(0), np.cumsum(items, dtype="uint64")])
    return finish(sums[ends] - sums[ends - lengths] + lengths.astype("uint64"), missing)


def _shown_words(column: "pa.Array") -> "Words":
    import pyarrow as pa

    shown = pa.array([None if value is None else repr(value) for value in column.to_pylist()], pa.string())
    return text_words(*encode(pa.chunked_array([shown])))


def _missing(column: "pa.Array") -> "Array":
    import numpy as np

    return np.array(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)


def is_text(kind: "pa.DataType") -> bool:
    """Whether it is text, in any representation."""
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind)) or str(kind) == "string_view"


def is_bytes(kind: "pa.DataType") -> bool:
    """Whether it is bytes."""
    from pyarrow import types

    plain = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    return bool(plain) or str(kind) == "binary_view"


def arrays(column: "pa.ChunkedArray") -> "tuple[Array, Array]":
    """The values, with anything where one is missing, and a mask of those places."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_decimal(column.type) or pa.types.is_float16(column.type):
        column = column.cast(pa.float64())
    missing = np.array(column.is_null().to_numpy(), dtype=bool)
    values = np.asarray(column.fill_null(0).to_numpy() if missing.any() else column.to_numpy())
    if values.dtype.kind == "f":
        values = values.astype("float64", copy=False)
        missing |= np.isnan(values)
    return values, missing


def ticks(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return times as whole numbers of their unit."""
    import pyarrow as pa

    small = pa.types.is_date32(column.type) or pa.types.is_time32(column.type)
    return column.cast(pa.int32()).cast(pa.int64()) if small else column.cast(pa.int64())


def seconds(kind: "pa.DataType") -> Scale:
    """Return what a tick of this type is multiplied and divided by, to be seconds."""
    from pyarrow import types

    if types.is_date32(kind):
        return _DAY, 1
    return 1, _UNITS["ms" if types.is_date64(kind) else kind.unit]


def encode(column: "pa.ChunkedArray") -> "tuple[Array, pa.Array]":
    """A code for each row, -1 where the value is missing, and the values of the codes."""
    import numpy as np
    import pyarrow as pa

    wide = pa.large_binary()
    if str(column.type) == "string_view":
        column = column.cast(pa.large_string())
    column = column if pa.types.is_decimal(column.type) else column.cast(wide)
    encoded = column.dictionary_encode().unify_dictionaries()
    if encoded.num_chunks == 0:
        return np.zeros(0, "int64"), pa.array([], wide)
    codes = [chunk.indices.fill_null(-1).to_numpy().astype("int64") for chunk in encoded.chunks]
    return np.concatenate(codes), encoded.chunk(0).dictionary
