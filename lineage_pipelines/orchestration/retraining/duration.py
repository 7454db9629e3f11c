"""Duration: a time span as people write it, `12 hours`, `45 days`."""

import re
from datetime import timedelta

from lineage_pipelines.capture.scalars import describe_type
from lineage_pipelines.errors import CaptureError

_UNITS = ("second", "minute", "hour", "day", "week")
_TEXT = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(_UNITS)})s?")


def read_duration(value: object, name: str, *, least: timedelta) -> timedelta:
    """Return a time span that is given as one, or as a number and a unit.

    Args:
        value: `timedelta(days=1)`, `"1 day"`, `"90 minutes"`.
        name: what the message calls it.
        least: the shortest one allowed.

    Raises:
        CaptureError: it is no such value, or shorter than `least`.
    """
    fix = f'write {name}="12 hours"; units are {", ".join(f"{unit}s" for unit in _UNITS)}'
    if isinstance(value, str) and (found := _TEXT.fullmatch(value.strip())):
        span = _span(float(found[1]), found[2])
    elif isinstance(value, timedelta):
        span = value
    else:
        shown = f"{value!r}, which is no duration" if isinstance(value, str) else describe_type(value)
        raise CaptureError(f"{name} is {shown}", where="RetrainingPolicy", fix=fix)
    if span is None or span < least:
        what = f"{name} is {value}, shorter than {format_duration(least)}" if span else f"{name} is {value}, too long"
        raise CaptureError(what, where="RetrainingPolicy", fix=fix)
    return span


def _span(number: float, unit: str) -> timedelta | None:
    try:
        return timedelta(**{f"{unit}s": number})
    except OverflowError:
        return None


def format_duration(span: timedelta) -> str:
    """Return a time span in its largest whole unit: `90 minutes`, `2 days`."""
    seconds = round(span.total_seconds())
    lengths = {unit: round(timedelta(**{f"{unit}s": 1}).total_seconds()) for unit in _UNITS}
    unit = next((unit for unit in ("day", "hour", "minute") if seconds and not seconds % lengths[unit]), "second")
    count = seconds // lengths[unit]
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
