"""Cell changes: what was done to each column of the rows that are in both tables, and in which group of rows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.column_arrays import column_words
from lineage_pipelines.queries.diff.rows.cell_differences import ChangedCells
from lineage_pipelines.queries.diff.rows.cell_effects import find_effect
from lineage_pipelines.queries.diff.rows.cell_values import CellValues, ValueKind, read_values, value_kind
from lineage_pipelines.queries.diff.rows.row_alignment import RowPairs
from lineage_pipelines.queries.diff.rows.row_change import CellChange, Effect, EffectKind, RowGroup
from lineage_pipelines.queries.diff.rows.row_groups import FoundGroup
from lineage_pipelines.queries.diff.rows.row_sample import RowSample, Touched, count_groups
from lineage_pipelines.queries.diff.rows.row_shifts import find_shifts
from lineage_pipelines.queries.diff.rows.row_side import Side

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

_AGREE = 0.995
_MAX_GROUPED = 20
"""Sets of changed rows that a group is looked for, those of the most rows first."""
_TRIED = 32
"""Rows by which columns that may have been swapped are found."""
_NO_RULE = frozenset((EffectKind.OTHER, EffectKind.SHUFFLED, EffectKind.EXCHANGED, EffectKind.MAPPED))
_MANY = 5
"""From so many on, columns that changed in no known way are reported together."""
_MIN_FLIPPED = 20
_NEARLY_ALL = 0.9


class CellComparison:
    """The cells of the rows that are in both tables.

    Args:
        before: the table before.
        after: the table after.
        pairs: the rows that are in both.
        cells: where they differ.
        looked: the rows of the table after that are held: part 0 those that changed, part 1 those that did not.
    """

    def __init__(self, before: Side, after: Side, pairs: RowPairs, cells: ChangedCells, looked: RowSample) -> None:
        self.sides = before, after
        self.pairs, self.cells, self.looked = pairs, cells, looked
        self._old = before.taken(list(cells.counts), cells.before[looked.places[0]])
        changed = looked.part == 0
        self._new = {name: looked.columns[name].filter(_mask(changed)) for name in cells.counts}
        self._differs = {name: column_words(self._old[name]) != column_words(self._new[name]) for name in cells.counts}

    def changes(self) -> tuple[tuple[CellChange, ...], Mapping[str, int]]:
        """Return what was done to each column, most changed rows first, and which columns moved along the rows."""
        groups = self._groups()
        effects = {name: self._effect(name, groups.get(self.cells.sets.get(name, -1))) for name in self.cells.counts}
        unruled = [name for name, effect in effects.items() if effect.kind in _NO_RULE]
        shifted = find_shifts(*self.sides, self.pairs, unruled)
        effects.update({name: Effect(kind=EffectKind.SHIFTED, value=rows) for name, rows in shifted.items()})
        effects.update(self._swapped([name for name in unruled if name not in shifted]))
        told = self._told(groups)
        found = [
            CellChange(columns=(name,), rows=rows, effect=effects[name], group=told.get(self.cells.sets.get(name, -1)))
            for name, rows in self.cells.counts.items()
        ]
        return _merged(found, self.cells.sets), shifted

    def _groups(self) -> dict[int, FoundGroup]:
        """The group of each set of changed rows, by columns that did not change in these rows."""
        import numpy as np

        cells, looked = self.cells, self.looked
        patterns = np.unique(cells.bits)
        found = {}
        counted = looked.part <= 1
        for number in list(dict.fromkeys(cells.sets.values()))[:_MAX_GROUPED]:
            of_set = patterns[(patterns >> np.uint64(number)) & np.uint64(1) == 1]
            with_it = int(np.bitwise_or.reduce(of_set))
            steady = {
                name
                for name in looked.columns
                if name not in cells.counts or (name in cells.sets and not with_it >> cells.sets[name] & 1)
            }
            group = looked.find_group(self._touched(cells.touched(number)[looked.places[0]]), counted, steady)
            if group is not None:
                found[number] = group
        return found

    def _touched(self, changed: "Array") -> "Array":
        """A mask of the changed rows that are held as one of all rows that are held."""
        import numpy as np

        mask = np.zeros(self.looked.rows.size, bool)
        mask[self.looked.part == 0] = changed
        return mask

    def _told(self, groups: Mapping[int, FoundGroup]) -> dict[int, RowGroup]:
        """The groups with exact counts."""
        import numpy as np

        after = self.sides[1]
        rows = after.rows.size
        if self.looked.complete:
            return {
                number: group.group(round(group.inside), round(group.of), int(self.cells.touched(number).sum()))
                for number, group in groups.items()
            }
        counted = np.zeros(rows, bool)
        counted[self.pairs.after] = True
        masks = {}
        for number in groups:
            masks[number] = np.zeros(rows, bool)
            masks[number][self.cells.after[self.cells.touched(number)]] = True
        exact = count_groups(after, [(group, Touched(masks[number], counted)) for number, group in groups.items()])
        return dict(zip(groups, exact, strict=True))

    def _effect(self, name: str, group: FoundGroup | None) -> Effect:
        kind = value_kind(self._old[name].type, self._new[name].type)
        differs = self._differs[name]
        before, after = (
            read_values(column.filter(_mask(differs)), kind) for column in (self._old[name], self._new[name])
        )
        near = ~self._touched(differs) & (self.looked.part <= 1)
        if group is not None:
            near &= group.holds()
        rest = read_values(self.looked.columns[name].filter(_mask(near)), kind)
        effect = find_effect(before, after, rest, rearranged=name in self.cells.rearranged)
        count = self.cells.counts[name]
        mixed = (group is None or group.share < _NEARLY_ALL) and count < _NEARLY_ALL * self.pairs.before.size
        mixed = mixed and not _all_exchanged(effect, rest)
        if effect.kind is EffectKind.EXCHANGED and name in self.cells.rearranged and count >= _MIN_FLIPPED and mixed:
            return Effect(kind=EffectKind.SHUFFLED)
        return effect

    def _swapped(self, names: list[str]) -> dict[str, Effect]:
        """Columns that exchanged what they held, in the same rows."""
        by_set: dict[int, list[str]] = {}
        for name in names:
            if name in self.cells.sets:
                by_set.setdefault(self.cells.sets[name], []).append(name)
        found = {}
        for together in by_set.values():
            tried = {name: self._differs[name].nonzero()[0][:_TRIED] for name in together}
            old = {name: column_words(self._old[name].take(_places(tried[name]))) for name in together}
            new = {name: column_words(self._new[name].take(_places(tried[name]))) for name in together}
            begins = {words.tobytes(): name for name, words in old.items()}
            for name in together:
                other = begins.get(new[name].tobytes())
                if other and other != name and begins.get(new[other].tobytes()) == name and self._holds(name, other):
                    found[name] = Effect(kind=EffectKind.SWAPPED, other=other)
        return found

    def _holds(self, name: str, other: str) -> bool:
        rows = self._differs[name]
        same = column_words(self._new[name]) == column_words(self._old[other])
        back = column_words(self._new[other]) == column_words(self._old[name])
        return bool((same & back)[rows].mean() >= _AGREE)


def _mask(values: "Array") -> "pa.Array":
    import pyarrow as pa

    return pa.array(values)


_places = _mask


def _merged(changes: list[CellChange], sets: Mapping[str, int]) -> tuple[CellChange, ...]:
    """Columns that the same was done to in the same rows as one change."""
    alike: dict[object, list[CellChange]] = {}
    for change in changes:
        name = change.columns[0]
        group = change.group
        rows = (group.column, group.kind, group.values) if group else sets.get(name, name)
        apart = name if change.effect.kind is EffectKind.SWAPPED else ""
        effect = replace(change.effect, means=(None, None), mapping=())
        key = effect.kind, str(effect), str(change.effect.mapping), str(rows), apart
        alike.setdefault(key, []).append(change)
    found: list[CellChange] = []
    for same in alike.values():
        if len(same) == 1 or (same[0].effect.kind is EffectKind.OTHER and len(same) < _MANY):
            found.extend(same)
            continue
        effect = replace(same[0].effect, means=(None, None))
        found.append(replace(same[0], columns=tuple(each.columns[0] for each in same), effect=effect))
    return tuple(sorted(found, key=lambda change: -change.rows))


def _all_exchanged(effect: Effect, rest: CellValues) -> bool:
    """Whether no text beside the touched ones is one of those that were exchanged: then all of them were."""
    values = {str(each) for pair in effect.mapping for each in pair}
    return bool(values) and rest.kind is ValueKind.TEXT and not values & set(rest.values[~rest.missing].tolist())
