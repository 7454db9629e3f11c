"""Game: the mixes of two versions, the metric of each, and which cannot run. Each is measured once.

A coalition is the set of parts that a mix takes from the new version; all others are from the old one. The empty
coalition is the old version and the full one the new version.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from lineage_pipelines.errors import LineageError
from lineage_pipelines.records.decisions.attribution import FEWEST_SEEDS, PlayerKind

Coalition = frozenset[str]


class AttributionError(LineageError):
    """A change that cannot be attributed as it was asked."""


class InfeasibleMixError(LineageError):
    """A mix that cannot run: the new code needs a column that the old data does not have."""


class Mixes(Protocol):
    """Trains mixed versions."""

    def measure(self, coalition: Coalition, seed: int) -> float:
        """Return the metric of the mix, trained with a seed.

        Args:
            coalition: the names of the parts that are from the new version.
            seed: which repeat; the same seeds are asked for of every mix.

        Raises:
            InfeasibleMixError: the mix cannot run, with whatever seed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Something that differs between two versions."""

    name: str
    kind: PlayerKind
    differs: str = ""
    """What differs, in words."""
    origin: str = ""
    """Of data: where its difference begins; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Mixes to measure next, in the order in which they will be. They do not depend on each other."""

    stage: str
    runs: Sequence[tuple[Coalition, int]]
    """Coalition and seed, without what is known already."""


class Game:
    """Mixes of two versions, each measured once with each seed.

    Args:
        mixes: trains them.
        seeds: the repeats of every mix, three or more.
        known: metrics by coalition and seed that need not be measured again.
        refused: mixes that are known not to run, and why.
        before_batch: called with what is to be measured next. It may measure ahead, in parallel, or raise to stop.
        progress: called after each run with how many of the batch are done, how many there are, the mix and the seed.

    Raises:
        AttributionError: there are fewer than three different seeds.
    """

    def __init__(
        self,
        mixes: Mixes,
        seeds: Sequence[int],
        *,
        known: Mapping[tuple[Coalition, int], float] | None = None,
        refused: Mapping[Coalition, str] | None = None,
        before_batch: Callable[[Batch], None] | None = None,
        progress: Callable[[int, int, Coalition, int], None] | None = None,
    ) -> None:
        if len(set(seeds)) < FEWEST_SEEDS or len(set(seeds)) < len(seeds):
            raise AttributionError(
                f"{len(set(seeds))} different seeds, and {FEWEST_SEEDS} are needed to tell a change from chance",
                fix="give at least three seeds, each once",
            )
        self.seeds = tuple(seeds)
        self._mixes = mixes
        self._before_batch = before_batch
        self._progress = progress
        self._runs = dict(known or {})
        self._refused = dict(refused or {})
        self._infeasible: dict[Coalition, str] = {}
        self._complete: dict[Coalition, tuple[float, ...]] = {}

    @property
    def measured(self) -> int:
        """How many mixes were used, those that cannot run left out."""
        return len(self._complete)

    @property
    def infeasible(self) -> Mapping[Coalition, str]:
        """The mixes that cannot run, and why."""
        return self._infeasible

    @property
    def feasible(self) -> Iterable[Coalition]:
        """The mixes that were used."""
        return self._complete

    def require(self, stage: str, coalitions: Iterable[Coalition]) -> bool:
        """Measure what is not known yet.

        Args:
            stage: what it is for, in words.
            coalitions: the mixes, in the order in which to ask.

        Returns:
            Whether all of them can run.
        """
        asked = list(dict.fromkeys(coalitions))
        # Not before it is asked for: what follows from it must not depend on when it was found out.
        self._infeasible |= {mix: self._refused[mix] for mix in asked if mix in self._refused}
        new = [mix for mix in asked if mix not in self._complete and mix not in self._infeasible]
        runs = [(mix, seed) for mix in new for seed in self.seeds if (mix, seed) not in self._runs]
        if runs and self._before_batch:
            self._before_batch(Batch(stage, runs))
        for done, (mix, seed) in enumerate(runs, 1):
            self._run(mix, seed)
            if self._progress:
                self._progress(done, len(runs), mix, seed)
        for mix in new:
            if mix not in self._infeasible:
                self._complete[mix] = tuple(self._runs[mix, seed] for seed in self.seeds)
        return not any(mix in self._infeasible for mix in asked)

    def values(self, coalition: Coalition) -> tuple[float, ...]:
        """Return the metric of a mix that was required, by seed."""
        return self._complete[coalition]

    def _run(self, mix: Coalition, seed: int) -> None:
        if mix in self._infeasible:
            return
        try:
            value = float(self._mixes.measure(mix, seed))
        except InfeasibleMixError as error:
            self._infeasible[mix] = error.what
            return
        if math.isfinite(value):
            self._runs[mix, seed] = value
        else:
            self._infeasible[mix] = f"its metric is {value}"


@dataclass(frozen=True, slots=True)
class Group:
    """One player of the game: a part, or parts whose effects cannot be separated."""

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

    @property
    def origin(self) -> str:
        """The origin that all its parts have."""
        origins = {part.origin for part in self.parts}
        return origins.pop() if len(origins) == 1 else ""


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
