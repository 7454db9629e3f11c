"""Facts in words: sizes, counts, times, digests; and text made safe to show."""

import re
import unicodedata
from datetime import datetime

_UNITS = ("B", "kB", "MB", "GB", "TB")
_KILO = 1000
_SHORT = 12
# Control characters could move the cursor, bidirectional ones reorder what is read.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """Return text with control and bidirectional characters written out as escapes."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def size(count: int) -> str:
    """Write bytes as `1.4 MB` (decimal units)."""
    value, unit = float(count), 0
    while value >= _KILO and unit < len(_UNITS) - 1:
        value, unit = value / _KILO, unit + 1
    return f"{count:,} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def number(value: float) -> str:
    """Write a metric with five significant digits."""
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= _KILO else f"{value:.5g}"


def count(value: int, word: str) -> str:
    """Write `1 file`, `1,234 files`."""
    return f"{value:,} {word}" + ("" if value == 1 else "s")


def short(digest: str | None) -> str:
    """Return the first characters of a digest or revision, enough to recognise it."""
    return digest.rpartition(":")[2][:_SHORT] if digest else "–"


def moment(time: datetime) -> str:
    """Write a time in UTC to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(begun: datetime, ended: datetime) -> str:
    """Write how long something took."""
    seconds = (ended - begun).total_seconds()
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
