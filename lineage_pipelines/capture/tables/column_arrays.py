"""Column arrays: the values of an Arrow column as NumPy arrays, and its part in the digests of rows."""

from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.row_digests import null_words, number_words, text_words, time_words

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lineage_pipelines.capture.tables.row_digests import Words

    Array = np.ndarray[Any, Any]

Scale = tuple[int, int]
"""What a value is multiplied and divided by, to be a number or a number of seconds."""
_DAY = 24 * 60 * 60
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def column_words(column: "pa.ChunkedArray") -> "Words | None":
    """Return one word a row, equal for equal values; None when values cannot be compared."""
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if types.is_null(kind):
        return null_words(len(column))
    if types.is_boolean(kind):
        return number_words(*arrays(column.cast("int8")))
    if types.is_integer(kind) or types.is_floating(kind):
        return number_words(*arrays(column))
    if types.is_temporal(kind) and not types.is_interval(kind):
        return time_words(*arrays(ticks(column)), seconds(kind))
    return text_words(*encode(column)) if is_encodable(kind) else None


def is_encodable(kind: "pa.DataType") -> bool:
    """Whether a column of this type is text, bytes or decimal numbers."""
    from pyarrow import types

    return is_text(kind) or is_bytes(kind) or types.is_decimal(kind)


def is_text(kind: "pa.DataType") -> bool:
    """Whether it is text, in any representation."""
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind)) or str(kind) == "string_view"


def is_bytes(kind: "pa.DataType") -> bool:
    """Whether it is bytes."""
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


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
