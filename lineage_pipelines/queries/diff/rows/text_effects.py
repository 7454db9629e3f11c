"""Text effects: what was done to texts, by pairs of an old and a new one."""

import html
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from lineage_pipelines.queries.diff.rows.row_change import Effect, EffectKind, Way

_AGREE = 0.995
"""Of the changed cells, that one operation has to explain."""
_ENCODINGS = ("cp1252", "latin-1")

Pairs = Counter[tuple[str, str]]


def find_text_effect(pairs: Pairs) -> Effect | None:
    """Return the effect on the writing of texts that explains the pairs; None where there is none."""
    if agrees(pairs, lambda before, after: before == after):  # of another type alone
        return None
    for kind, ways in _EFFECTS:
        for way, explains in ways:
            if agrees(pairs, explains):
                return Effect(kind=kind, way=way)
    return None


def find_part_effect(pairs: Pairs) -> Effect | None:
    """Return what was put before or behind texts, or how many characters are left; None where it is not the same."""
    return (_affixed(pairs) or _cut(pairs)) if len(dict(pairs)) > 1 else None


def _affixed(pairs: Pairs) -> Effect | None:
    """The same text before or behind each."""
    (before, after), _ = pairs.most_common(1)[0]
    for way, short, long in ((Way.ADDED, before, after), (Way.LOST, after, before)):
        place = 0 if way is Way.ADDED else 1
        front, _, behind = long.partition(short) if short else ("", "", "")
        for value, front_, behind_ in ((f"{front}…", front, ""), (f"…{behind}", "", behind)):
            if front + behind and front_ + behind_ == front + behind and agrees(pairs, _adds(front_, behind_, place)):
                return Effect(kind=EffectKind.AFFIXED, value=value, way=way)
    return None


def _adds(front: str, behind: str, place: int) -> Callable[[str, str], bool]:
    return lambda *pair: f"{front}{pair[place]}{behind}" == pair[1 - place]


def _cut(pairs: Pairs) -> Effect | None:
    """The first so many characters."""
    length = max(len(after) for _, after in pairs)
    if not length or not agrees(pairs, lambda before, after: before[:length].rstrip() == after.rstrip()):
        return None
    return Effect(kind=EffectKind.CUT, digits=length)


def agrees(pairs: Pairs, explains: Callable[[str, str], bool]) -> bool:
    """Whether nearly all pairs are explained."""
    total = sum(pairs.values())
    may_fail = total * (1 - _AGREE)
    for (before, after), count in pairs.items():
        if not explains(before, after):
            may_fail -= count
            if may_fail < 0:
                return False
    return total > 0


Reading = Callable[[str], int | float | None]


def readings(texts: Sequence[str]) -> Iterator[tuple[str, Reading]]:
    """Yield the ways to read different texts as times, in microseconds, or as numbers: each with how they are written.

    A day and a month may be read either way round.
    """
    for name, read in _READINGS:
        may_fail = len(texts) * (1 - _AGREE)
        failed = 0
        for text in texts:
            failed += read(text) is None
            if failed > may_fail:
                break
        else:
            yield name, read


def _moment(text: str, pattern: str) -> int | None:
    try:
        found = (
            datetime.strptime(text.strip(), pattern).replace(tzinfo=UTC)
            if pattern
            else datetime.fromisoformat(text.strip())
        )
    except ValueError:
        return None
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _times(pattern: str) -> Reading:
    return lambda text: _moment(text, pattern)


def _decimal(text: str, point: str) -> float | None:
    other = "," if point == "." else "."
    if point == "," and "," not in text and "." in text:
        return None
    try:
        found = float(text.replace(other, "").replace(point, "."))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


_READINGS: Sequence[tuple[str, Reading]] = (
    ("number", lambda text: _decimal(text, ".") if "," not in text else None),
    ("decimal comma", lambda text: _decimal(text, ",")),
    ("time", _times("")),
    *(
        (name + hours, _times(pattern + form))
        for name, pattern in (
            ("DD.MM.YYYY", "%d.%m.%Y"),
            ("DD/MM/YYYY", "%d/%m/%Y"),
            ("MM/DD/YYYY", "%m/%d/%Y"),
            ("YYYY/MM/DD", "%Y/%m/%d"),
            ("DD-MM-YYYY", "%d-%m-%Y"),
        )
        for hours, form in (("", ""), (" HH:MM", " %H:%M"), (" HH:MM:SS", " %H:%M:%S"))
    ),
)
"""Ways to read texts, by how they are written; ISO times and numbers with a decimal point have no name of their own."""


def _blankless(text: str) -> str:
    return "".join(text.split())


def _garbled(text: str) -> Sequence[str]:
    """UTF-8 read in another encoding; Windows-1252 leaves five bytes open, which programs read as Latin-1."""
    if text.isascii():
        return ()
    raw = text.encode("utf-8", "surrogatepass")
    mixed = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in raw)
    return (raw.decode("latin-1"), mixed)


def _without_zeros(text: str) -> str:
    sign = "-" if text.startswith("-") else ""
    return sign + (text.removeprefix("-").lstrip("0") or "0")


def _escapes(before: str, after: str) -> bool:
    return html.unescape(after) == before


def _plain(text: str) -> str:
    """A text without accents."""
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _case(change: Callable[[str], str]) -> Callable[[str, str], bool]:
    return lambda before, after: change(before) == after


def _longer(before: str, after: str) -> bool:
    return len(after) > len(before)


def _shorter(before: str, after: str) -> bool:
    return len(after) < len(before)


def _any(_before: str, _after: str) -> bool:
    return True


def _both(same: Callable[[str], str], length: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    return lambda before, after: length(before, after) and same(before) == same(after)


_EFFECTS: Sequence[tuple[EffectKind, Sequence[tuple[Way | None, Callable[[str, str], bool]]]]] = (
    (
        EffectKind.CASE,
        (
            (Way.UPPER, _case(str.upper)),
            (Way.LOWER, _case(str.lower)),
            (Way.TITLE, _case(str.title)),
            (Way.TITLE, _case(str.capitalize)),
            (None, _both(str.casefold, _any)),
        ),
    ),
    (
        EffectKind.BLANKS,
        (
            (Way.ADDED, _both(_blankless, _longer)),
            (Way.LOST, _both(_blankless, _shorter)),
            (None, _both(_blankless, _any)),
        ),
    ),
    (
        EffectKind.MOJIBAKE,
        (
            (None, lambda before, after: after in _garbled(before)),
            (Way.REPAIRED, lambda before, after: before in _garbled(after)),
        ),
    ),
    (
        EffectKind.ZEROS,
        (
            (Way.LOST, _both(_without_zeros, _shorter)),
            (Way.ADDED, _both(_without_zeros, _longer)),
        ),
    ),
    (
        EffectKind.ESCAPED,
        ((Way.ADDED, _escapes), (Way.LOST, lambda before, after: _escapes(after, before))),
    ),
    (
        EffectKind.ACCENTS,
        (
            (Way.LOST, lambda before, after: _plain(before) == after),
            (Way.ADDED, lambda before, after: _plain(after) == before),
        ),
    ),
)
