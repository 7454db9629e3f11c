"""Cell effects: the one operation that explains the changed cells of a column."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lineage_pipelines.queries.diff.rows.cell_values import CellValues, ValueKind
from lineage_pipelines.queries.diff.rows.number_effects import find_clipping, find_number_effect
from lineage_pipelines.queries.diff.rows.row_change import MAX_MAPPING, Effect, EffectKind
from lineage_pipelines.queries.diff.rows.text_effects import Reading, find_part_effect, find_text_effect, readings

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_AGREE = 0.995
"""Of the changed cells, that one operation has to explain."""
_MAX_OLD = 1000
_PER_OLD = 2
"""Rows for each old value, on average, that a mapping has to explain."""
_MIN_REARRANGED = 10
_FEWEST = 5
"""Values of fewer cells are not shown: they could identify a person."""
_NUMBERS = (ValueKind.NUMBER, ValueKind.TIME)


def find_effect(before: CellValues, after: CellValues, rest: CellValues, *, rearranged: bool) -> Effect:
    """Return what was done to the changed cells of a column.

    Args:
        before: the cells before.
        after: the same cells after.
        rest: cells of the column after that did not change, of the group of rows that holds those that did; of all rows
            where there is none.
        rearranged: whether the cells hold the same values as before, in other rows.
    """
    both = ~before.missing & ~after.missing
    unknown = _other(before, after, both)
    if rearranged and both.size >= _MIN_REARRANGED:
        unknown = Effect(kind=EffectKind.SHUFFLED)
    if not _nearly(both):
        return _with_missing(before, after) or unknown
    cells = _Cells(before.some(both), after.some(both), rest)
    for find in (_written, _exchanged, _set, _numbers, _read, _parts, _mapped):
        effect = find(cells)
        if effect is not None:
            return effect
    return unknown


def _with_missing(before: CellValues, after: CellValues) -> Effect | None:
    """The effect on cells that are missing on one side."""
    if _nearly(after.missing):
        return Effect(kind=EffectKind.MISSING)
    value = _only(after) if _nearly(~after.missing) else None
    if _nearly(before.missing):
        return Effect(kind=EffectKind.FILLED, value=value)
    return Effect(kind=EffectKind.SET, value=value) if value is not None else None


class _Cells:
    """Changed cells, none of them missing."""

    def __init__(self, before: CellValues, after: CellValues, rest: CellValues) -> None:
        self.before, self.after, self.rest = before, after, rest
        self.total = before.values.size

    @cached_property
    def pairs(self) -> "Counter[tuple[Any, Any]]":
        """How often each old value became each new one; empty where nearly every number is another."""
        import numpy as np

        if self.before.kind is not ValueKind.TEXT and np.unique(self.before.values).size > _MAX_OLD:
            return Counter()
        return Counter(zip(self.before.values.tolist(), self.after.values.tolist(), strict=True))

    def mapping(self, pairs: Sequence[tuple[Any, Any]]) -> tuple[tuple[Any, Any], ...]:
        """Return pairs as they are shown."""
        if self.total < _FEWEST:
            return ()
        return tuple((self.before.json(old), self.after.json(new)) for old, new in pairs[:MAX_MAPPING])


def _nearly(mask: "Array") -> bool:
    return bool(mask.size and mask.mean() >= _AGREE)


def _told(values: CellValues, value: Any) -> Any:  # noqa: ANN401  # any value of a column
    return values.json(value) if values.values.size >= _FEWEST else None


def _most(values: CellValues) -> Any:  # noqa: ANN401  # any value of a column
    """The value that nearly all have."""
    import numpy as np

    if not values.values.size:
        return None
    if values.kind is ValueKind.TEXT:
        value, count = Counter(values.values.tolist()).most_common(1)[0]
    else:
        value = np.sort(values.values)[values.values.size // 2].item()
        count = int(np.count_nonzero(values.values == value))
    return value if count >= _AGREE * values.values.size else None


def _only(values: CellValues) -> Any:  # noqa: ANN401  # any value of a column
    value = _most(values.some(~values.missing))
    return None if value is None else _told(values, value)


def _other(before: CellValues, after: CellValues, both: "Array") -> Effect:
    import numpy as np

    means: tuple[float | None, float | None] = (None, None)
    if before.kind is ValueKind.NUMBER and both.any():
        one, other = (float(np.mean(side.values[both].astype("float64"))) for side in (before, after))
        means = one, other
    return Effect(kind=EffectKind.OTHER, means=means)


def _written(cells: _Cells) -> Effect | None:
    return find_text_effect(cells.pairs) if cells.before.kind is ValueKind.TEXT else None


def _parts(cells: _Cells) -> Effect | None:
    return find_part_effect(cells.pairs) if cells.before.kind is ValueKind.TEXT else None


def _exchanged(cells: _Cells) -> Effect | None:
    if not cells.pairs:
        return None
    (old, new), count = cells.pairs.most_common(1)[0]
    back = cells.pairs[new, old]
    if not back or count + back < _AGREE * cells.total:
        return None
    pairs = sorted([(old, new), (new, old)], key=str)
    return Effect(kind=EffectKind.EXCHANGED, mapping=cells.mapping(pairs))


def _set(cells: _Cells) -> Effect | None:
    """One value in all cells: they were clipped, or set, or the one old value became a new one."""
    clipped = find_clipping(cells.before, cells.after, cells.rest) if cells.before.kind in _NUMBERS else None
    if clipped is not None:
        return clipped
    value = _most(cells.after)
    if value is None:
        return None
    near = set(cells.rest.values[~cells.rest.missing].tolist())
    old = {each for each, _ in cells.pairs}
    gone = 0 < len(old) <= MAX_MAPPING and not old & near
    written_otherwise = cells.before.kind is ValueKind.TEXT and len(old) == 1
    mapped = _mapped(cells) if near - {value} and (gone or written_otherwise) else None
    return mapped or Effect(kind=EffectKind.SET, value=_told(cells.after, value))


def _numbers(cells: _Cells) -> Effect | None:
    return find_number_effect(cells.before, cells.after) if cells.before.kind in _NUMBERS else None


def _read(cells: _Cells) -> Effect | None:
    """Texts that are times or numbers: written otherwise, or moved as times and numbers are."""
    if cells.before.kind is not ValueKind.TEXT:
        return None
    sides = [dict.fromkeys(side.values.tolist()) for side in (cells.before, cells.after)]
    ways = [list(readings(list(each))) for each in sides]
    moved = None
    for old, read in ways[0]:
        for new, read_new in ways[1]:
            before, after = _read_as(cells.before, read, old), _read_as(cells.after, read_new, new)
            if before.kind is not after.kind:
                continue
            known = ~before.missing & ~after.missing
            one, other = before.some(known), after.some(known)
            if _nearly(one.values == other.values):
                return Effect(kind=EffectKind.REWRITTEN, value=new if old != new else None)
            if old == new and moved is None:
                moved = find_number_effect(one, other)
    return moved


def _read_as(texts: CellValues, read: Reading, name: str) -> CellValues:
    import numpy as np

    known = {text: read(text) for text in dict.fromkeys(texts.values.tolist())}
    found = [known[text] for text in texts.values.tolist()]
    numbers = name in ("number", "decimal comma")
    values = np.array([each or 0 for each in found], dtype="float64" if numbers else "int64")
    missing = np.array([each is None for each in found], bool)
    return CellValues(ValueKind.NUMBER if numbers else ValueKind.TIME, values, missing)


def _split(cells: _Cells) -> Effect | None:
    """Categories of which each became several: no new one is of two."""
    pairs = [pair for pair, _ in cells.pairs.most_common(MAX_MAPPING + 1)]
    if cells.before.kind is not ValueKind.TEXT or len(pairs) > MAX_MAPPING or _PER_OLD * len(pairs) > cells.total:
        return None
    apart = len({new for _, new in pairs}) == len(pairs)
    return Effect(kind=EffectKind.MAPPED, mapping=cells.mapping(pairs)) if apart else None


def _mapped(cells: _Cells) -> Effect | None:
    new: dict[Any, tuple[Any, int]] = {}
    for (old, value), count in cells.pairs.items():
        if count > new.get(old, (None, 0))[1]:
            new[old] = value, count
    explained = sum(count for _, count in new.values())
    if not new or explained < _AGREE * cells.total or len(new) > _MAX_OLD or _PER_OLD * len(new) > cells.total:
        return _split(cells)
    if cells.before.kind in _NUMBERS and len(new) > MAX_MAPPING and any(old % 1 for old in new):
        return None  # measures, of which rows have the same
    often = sorted(new.items(), key=lambda pair: -pair[1][1])
    return Effect(kind=EffectKind.MAPPED, mapping=cells.mapping([(old, value) for old, (value, _) in often]))
