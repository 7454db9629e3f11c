"""Mixes that cannot run: the players that do not go without each other become one.

A mix that cannot run is put down to a pair: a player that is new in it needs another, which is old in it, to be new,
too. A mix that ran clears each pair of a new and an old player in it. Merged is the pair that is not cleared and
explains the most mixes that cannot run; where all pairs are cleared (it takes three), the pair that stands in the most
of them. A value is never made up for a mix that cannot run.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from lineage_pipelines.records.decisions.attribution import PlayerKind
from lineage_pipelines.replay.attribution.game import Coalition, Part


@dataclass(frozen=True, slots=True)
class Group:
    """One player of the game: a part, or parts that cannot be told apart."""

    parts: tuple[Part, ...]

    @property
    def atoms(self) -> Coalition:
        """The names of its parts."""
        return frozenset(part.name for part in self.parts)

    @property
    def name(self) -> str:
        """`data`, or `code+data`."""
        return "+".join(sorted(self.atoms))

    @property
    def kind(self) -> PlayerKind:
        """The kind that all its parts have."""
        kinds = {part.kind for part in self.parts}
        return kinds.pop() if len(kinds) == 1 else PlayerKind.SEVERAL

    @property
    def differs(self) -> str:
        """What differs, in words."""
        return "; ".join(part.differs for part in self.parts if part.differs)


def suspects(
    groups: tuple[Group, ...], infeasible: Iterable[Coalition], feasible: Iterable[Coalition]
) -> list[tuple[int, int]]:
    """Return the pairs of players that explain most of the mixes that cannot run, by their places.

    Args:
        groups: the players.
        infeasible: the mixes that cannot run, by the names of parts; one of them at least is made of whole players.
        feasible: the mixes that did.
    """
    cleared = {pair for mix in feasible for pair in _pairs(groups, mix)}
    suspected = [pair for mix in infeasible for pair in _pairs(groups, mix)]
    counted = _count(pair for pair in suspected if pair not in cleared) or _count(suspected)
    most = max(counted.values())
    return sorted(pair for pair, count in counted.items() if count == most)


def joined(groups: tuple[Group, ...], pair: tuple[int, int]) -> tuple[Group, ...]:
    """Return the players with two of them made one, in the first one's place."""
    first, second = pair
    both = Group(groups[first].parts + groups[second].parts)
    return tuple(both if i == first else group for i, group in enumerate(groups) if i != second)


def _pairs(groups: tuple[Group, ...], mix: Coalition) -> list[tuple[int, int]]:
    """The places of a player that is new in a mix and one that is old in it; a mix within a player says nothing."""
    new = [i for i, group in enumerate(groups) if group.atoms <= mix]
    old = [i for i, group in enumerate(groups) if not group.atoms & mix]
    return list(product(new, old)) if len(new) + len(old) == len(groups) else []


def _count(pairs: Iterable[tuple[int, int]]) -> Counter[tuple[int, int]]:
    """How often each pair occurs, whichever of the two is the new one."""
    return Counter((min(pair), max(pair)) for pair in pairs)
