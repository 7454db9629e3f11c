"""Text effects: what was done to texts, by pairs of an old and a new one."""

from collections import Counter
from collections.abc import Callable, Sequence

from lineage_pipelines.queries.diff.rows.row_change import Effect, EffectKind, Way

_AGREE = 0.995
"""Of the changed cells, that one operation has to explain."""
_ENCODINGS = ("cp1252", "latin-1")

Pairs = Counter[tuple[str, str]]


def find_text_effect(pairs: Pairs) -> Effect | None:
    """Return the effect on the writing of texts that explains the pairs; None where there is none."""
    for kind, ways in _EFFECTS:
        for way, explains in ways:
            if agrees(pairs, explains):
                return Effect(kind=kind, way=way)
    return None


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
)
