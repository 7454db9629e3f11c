"""Scalars: those of numpy and pandas as Python's own, without importing either.

Whoever holds such a value has imported its library; a process that has not must not pay for it here.
"""

import datetime as dt
from typing import Any


def plain_scalar(value: Any) -> object:  # noqa: ANN401  # whatever an author handed over
    """Return a numpy scalar, or an array of no dimensions, as the Python value it stands for; else the value itself."""
    if _library(value) != "numpy" or not hasattr(value, "item") or is_missing(value):
        return value
    if type(value).__name__ == "ndarray" and value.ndim == 0:
        return plain_scalar(value[()])
    if hasattr(value, "__len__"):
        return value
    if type(value).__name__ in ("datetime64", "timedelta64"):
        return _plain_time(value)
    if type(value).__name__ == "longdouble":  # its item() is itself
        return float(value)
    plain: object = value.item()
    return plain


def _plain_time(value: Any) -> object:  # noqa: ANN401
    plain: object = value.item()
    if isinstance(plain, int):  # finer than Python's microseconds, or a count of months
        finer = type(value)(value, "us") if str(value.dtype).endswith(("[ns]", "[ps]", "[fs]", "[as]")) else None
        return finer.item() if finer is not None else str(value)
    return plain


def is_missing(value: object) -> bool:
    """Whether it is pandas' NA or NaT, or numpy's NaT."""
    name = type(value).__name__
    return name in ("NAType", "NaTType") or (name in ("datetime64", "timedelta64") and str(value) == "NaT")


def describe_type(value: object) -> str:
    """Return the type's name for a message, with its library where that helps: `pandas.DataFrame`."""
    kind = type(value)
    library = _library(value)
    return kind.__name__ if library in ("builtins", "") else f"{library}.{kind.__name__}"


def format_moment(moment: dt.datetime) -> str | None:
    """Return a moment as RFC 3339 in UTC, to the nanosecond where it has them; None when it has no zone."""
    if moment.tzinfo is None:
        return None
    utc = moment.astimezone(dt.UTC)
    nanosecond = getattr(moment, "nanosecond", 0)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%f") + (f"{nanosecond:03d}" if nanosecond else "") + "Z"


def duration_seconds(value: dt.timedelta) -> float:
    """Return a duration in seconds, pandas' nanoseconds included."""
    return value.total_seconds() + getattr(value, "nanoseconds", 0) / 1e9


def _library(value: object) -> str:
    return (type(value).__module__ or "").partition(".")[0]
