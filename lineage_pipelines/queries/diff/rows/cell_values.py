"""Cell values: those of a column in both tables in one representation, and how single ones are shown."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.column_arrays import arrays, is_bytes, is_text, seconds, ticks
from lineage_pipelines.records.values.canonical import Json

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

MICROSECONDS = 10**6
_MAX_TEXT = 64
_DAY = 24 * 60 * 60 * MICROSECONDS


class ValueKind(StrEnum):
    """How the values of both tables are looked at."""

    NUMBER = "number"
    FLAG = "flag"
    """True and false, as 1 and 0."""
    TIME = "time"
    """Moments and lengths of time, as microseconds."""
    TEXT = "text"
    """Everything else, as text."""


@dataclass(frozen=True, slots=True)
class CellValues:
    """Values of a column in some rows."""

    kind: ValueKind
    values: "Array"
    """Whole numbers or floating point; of text, objects. Anything where one is missing."""
    missing: "Array"

    def some(self, mask: "Array") -> "CellValues":
        """Return those of some rows."""
        return CellValues(self.kind, self.values[mask], self.missing[mask])

    def json(self, value: Any) -> Json:  # noqa: ANN401  # any value of a column
        """Return a value as it is shown."""
        if self.kind is ValueKind.TEXT:
            return str(value)[:_MAX_TEXT]
        if self.kind is ValueKind.TIME:
            return shown_time(int(value))
        if self.kind is ValueKind.FLAG:
            return bool(value)
        return int(value) if self.values.dtype.kind in "iu" else float(value)


def value_kind(first: "pa.DataType", second: "pa.DataType") -> ValueKind:
    """Return how columns of two types are looked at together."""
    from pyarrow import types

    kinds = first, second
    if all(types.is_boolean(kind) for kind in kinds):
        return ValueKind.FLAG
    if all(is_number(kind) or types.is_boolean(kind) or types.is_null(kind) for kind in kinds):
        return ValueKind.NUMBER
    if all(is_time(kind) or types.is_null(kind) for kind in kinds):
        return ValueKind.TIME
    return ValueKind.TEXT


def is_number(kind: "pa.DataType") -> bool:
    """Whether a type is one of numbers."""
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def is_time(kind: "pa.DataType") -> bool:
    """Whether a type is one of moments or lengths of time."""
    from pyarrow import types

    return bool(types.is_temporal(kind) and not types.is_interval(kind))


def read_values(column: "pa.ChunkedArray", kind: ValueKind) -> CellValues:
    """Return the values of a column in the representation of a kind."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_null(column.type) and kind is not ValueKind.TEXT:
        column = column.cast(pa.float64())
    if kind is ValueKind.TEXT:
        return _texts(column)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if kind is ValueKind.TIME and is_time(column.type):
        values, missing = arrays(ticks(column))
        times, per_second = seconds(column.type)
        if per_second > MICROSECONDS:
            values = values // (per_second // MICROSECONDS)
        else:
            values = values * (times * (MICROSECONDS // per_second))
        return CellValues(kind, values.astype("int64"), missing)
    values, missing = arrays(column)
    small = values.dtype.kind == "u" and bool((values < np.uint64(2**63)).all())
    whole = values.dtype.kind == "i" or small
    return CellValues(kind, values.astype("int64" if whole else "float64"), missing)


def _texts(column: "pa.ChunkedArray") -> CellValues:
    import numpy as np
    import pyarrow as pa

    if pa.types.is_nested(column.type) or not (is_text(column.type) or is_bytes(column.type)):
        found = [None if value is None else str(value) for value in column.to_pylist()]
    else:
        raw = column.cast(pa.large_binary()).to_pylist()
        found = [None if value is None else value.decode("utf-8", "replace") for value in raw]
    values = np.array([*found, ""], dtype=object)[:-1]
    return CellValues(ValueKind.TEXT, values, np.array([value is None for value in found], bool))


def shown_time(moment: int) -> str:
    """Return microseconds as an ISO day, or minute, or second: as much as there is of it."""
    import numpy as np

    unit = "D" if moment % _DAY == 0 else "m" if moment % (60 * MICROSECONDS) == 0 else "s"
    return str(np.datetime64(moment // MICROSECONDS, "s").astype(f"M8[{unit}]"))


def shown_text(value: Any) -> str:  # noqa: ANN401  # any value of a column
    """Return a value as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")[:_MAX_TEXT]
    plain = getattr(value, "item", lambda: value)()
    if isinstance(plain, bool):
        return str(plain).lower()
    return f"{plain:.10g}" if isinstance(plain, float) else str(plain)
