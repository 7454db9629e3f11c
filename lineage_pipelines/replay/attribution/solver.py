"""Solver: allocates a change to what differs, from few mixes to many, and no further than it takes.

1. The two versions. If they do not differ by two standard deviations, that is the answer.
2. Each player alone from the old version, and alone back from the new: `2 k` mixes.
3. If both agree for every player within noise, and add up, no interaction is seen: what is allocated is the mean of the
   two. What is then left of the change, noise, is shared by size, so that a player that did nothing gets nothing. (Of
   three players these mixes are all there are: their Shapley values are exact at no further cost.)
4. Otherwise all mixes of up to four players. Of more players the mean of the two is an estimate, whose interval holds
   both, widened by all that single swaps leave unexplained.

Whenever a mix cannot run, two players become one (`infeasible_mixes`) and it begins again with what was measured.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from lineage_pipelines.records.decisions.attribution import (
    Allocation,
    InfeasibleMix,
    Interaction,
    Method,
    MetricRuns,
    Player,
    is_distinguishable,
)
from lineage_pipelines.replay.attribution.game import AttributionError, Coalition, Game, Group, Part, joined, suspects
from lineage_pipelines.replay.attribution.shapley import (
    Estimate,
    Weights,
    combine,
    estimate,
    interaction_weights,
    one_in,
    one_out,
    pooled_deviation,
    shapley_weights,
    subsets,
    within_noise,
)

MAX_EXACT = 4
"""All mixes are measured of up to so many players."""


def cost(players: int, seeds: int) -> tuple[int, int]:
    """Return how many trainings it takes at the least and at the most, the two versions' own among them.

    The least is that of two versions that cannot be distinguished. Where mixes cannot run it may take a few more.
    """
    most = 2**players if players <= MAX_EXACT else 2 * players + 2
    return 2 * seeds, most * seeds


def allocate(game: Game, parts: Sequence[Part]) -> Allocation:
    """Allocate the change between the mix with none of the parts and the mix with all of them.

    Args:
        game: measures mixes.
        parts: what differs.

    Raises:
        AttributionError: nothing differs, two parts have one name, or one of the two versions cannot run.
    """
    if not parts or len({part.name for part in parts}) < len(parts):
        raise AttributionError("no parts differ, or two have one name", fix="name each part that differs once")
    before, after = _endpoints(game, frozenset(part.name for part in parts))
    groups = tuple(Group((part,)) for part in parts)
    if not is_distinguishable(before, after):
        return _undecided(game, groups, before, after)
    while True:
        allocation = Solver(game, groups).solve(before, after)
        if allocation is not None:
            return allocation
        groups = _merged(game, groups)


def _merged(game: Game, groups: tuple[Group, ...]) -> tuple[Group, ...]:
    pairs = suspects(groups, game.infeasible, game.feasible)
    if len(pairs) > 1:
        game.require("which go together", [groups[i].atoms | groups[j].atoms for i, j in pairs])
        pairs = suspects(groups, game.infeasible, game.feasible)
    return joined(groups, pairs[0])


def _endpoints(game: Game, everything: Coalition) -> tuple[MetricRuns, MetricRuns]:
    if not game.require("the two versions", [frozenset(), everything]):
        broken = next(mix for mix in (frozenset[str](), everything) if mix in game.infeasible)
        raise AttributionError(
            f"the {'new' if broken else 'old'} version itself cannot run: {game.infeasible[broken]}",
            fix="see with lineage reproduce what it lacks",
        )
    return _runs(game, frozenset()), _runs(game, everything)


def _runs(game: Game, mix: Coalition) -> MetricRuns:
    return MetricRuns(values={str(seed): value for seed, value in zip(game.seeds, game.values(mix), strict=True)})


def _undecided(game: Game, groups: Sequence[Group], before: MetricRuns, after: MetricRuns) -> Allocation:
    return Allocation(
        before=before,
        after=after,
        distinguishable=False,
        method=Method.ENDPOINTS,
        mixes=game.measured,
        players=tuple(player_of(group) for group in groups),
    )


def rescaled(amounts: Mapping[str, float], total: float) -> dict[str, float]:
    """Return amounts that add up to a total: what is left is shared by size, so that zero stays zero; else equally."""
    left = total - math.fsum(amounts.values())
    size = math.fsum(map(abs, amounts.values()))
    return {
        name: amount + left * (abs(amount) / size if size else 1 / len(amounts)) for name, amount in amounts.items()
    }


def player_of(group: Group) -> Player:
    """Return a player to which nothing is allocated yet."""
    members = tuple(sorted(group.atoms)) if len(group.parts) > 1 else ()
    return Player(name=group.name, kind=group.kind, differs=group.differs, members=members, origin=group.origin)


class Solver:
    """One game of given players; it has no outcome when one of its mixes cannot run."""

    def __init__(self, game: Game, groups: tuple[Group, ...]) -> None:
        self._game = game
        self._groups = groups
        self._names = [group.name for group in groups]
        self._everyone = frozenset(self._names)
        self._atoms = {group.name: group.atoms for group in groups}
        self._values: dict[Coalition, tuple[float, ...]] = {}

    def solve(self, before: MetricRuns, after: MetricRuns) -> Allocation | None:
        """Measure what it takes; None when a mix cannot run."""
        if not self._measure("one at a time", [frozenset(), self._everyone, *self._one_at_a_time()]):
            return None
        agreed = self._agreed()
        method = self._method(agreed=agreed)
        if method is Method.EXACT and not self._measure("all mixes", subsets(self._names)):
            return None
        return Allocation(
            before=before,
            after=after,
            distinguishable=True,
            method=method,
            mixes=self._game.measured,
            agreed=agreed,
            interaction=estimate(self._left_by(one_in), self._values).value,
            interactions=tuple(self._interactions()) if method is Method.EXACT else (),
            players=self._players(method, after.mean - before.mean),
            infeasible=self._infeasible(),
        )

    def _method(self, *, agreed: bool) -> Method:
        complete = len(self._values) == 2 ** len(self._names)
        if agreed and not complete:
            return Method.AGREED
        return Method.EXACT if complete or len(self._names) <= MAX_EXACT else Method.SINGLE_SWAPS

    # Mixes

    def _measure(self, stage: str, mixes: Sequence[Coalition]) -> bool:
        by_atoms = {mix: self._in_atoms(mix) for mix in mixes}
        if not self._game.require(stage, by_atoms.values()):
            return False
        self._values |= {mix: self._game.values(atoms) for mix, atoms in by_atoms.items()}
        return True

    def _in_atoms(self, mix: Coalition) -> Coalition:
        return frozenset[str]().union(*(self._atoms[name] for name in mix))

    def _one_at_a_time(self) -> list[Coalition]:
        return [*(frozenset({name}) for name in self._names), *(self._everyone - {name} for name in self._names)]

    def _infeasible(self) -> tuple[InfeasibleMix, ...]:
        everything = self._in_atoms(self._everyone)
        found = [(mix, reason) for mix, reason in self._game.infeasible.items() if mix <= everything]
        return tuple(InfeasibleMix(new=tuple(sorted(mix)), reason=reason) for mix, reason in found)

    # One at a time

    def _contrasts(self) -> Mapping[str, tuple[float, float]]:
        """Each player's one-in and one-out, the lower one first."""
        pairs = {name: (one_in(name), one_out(name, self._names)) for name in self._names}
        found = {name: [estimate(each, self._values).value for each in pair] for name, pair in pairs.items()}
        return {name: (min(pair), max(pair)) for name, pair in found.items()}

    def _left_by(self, single: Callable[[str], Weights]) -> Weights:
        """What of the change the players do not make up, each taken alone."""
        whole: Weights = {self._everyone: 1.0, frozenset(): -1.0}
        return combine([(1.0, whole), *((-1.0, single(name)) for name in self._names)])

    def _agreed(self) -> bool:
        """Whether one-in and one-out say the same of every player, and either adds up to the change."""

        def out(name: str) -> Weights:
            return one_out(name, self._names)

        differences = [combine([(1.0, out(name)), (-1.0, one_in(name))]) for name in self._names]
        pooled = pooled_deviation(self._values)
        nothing_left = (*differences, self._left_by(one_in), self._left_by(out))
        return all(within_noise(weights, self._values, pooled) for weights in nothing_left)

    # Outcome

    def _interactions(self) -> list[Interaction]:
        found = []
        for first, second in combinations(self._names, 2):
            each = estimate(interaction_weights(first, second, self._names), self._values)
            found.append(Interaction(first=first, second=second, value=each.value, standard_error=each.standard_error))
        return found

    def _players(self, method: Method, change: float) -> tuple[Player, ...]:
        exact = method is Method.EXACT
        estimates = {name: estimate(self._weights(name, exact=exact), self._values) for name in self._names}
        amounts = rescaled({name: each.value for name, each in estimates.items()}, change)
        moved = {name: replace(each, value=amounts[name]) for name, each in estimates.items()}
        contrasts = self._contrasts()
        left = change - math.fsum(each.value for each in estimates.values()) if method is Method.SINGLE_SWAPS else 0.0
        # Where nothing else was measured, the interval holds both single swaps.
        held = {name: each.ends if exact else contrasts[name] for name, each in moved.items()}
        return tuple(self._player(group, moved[group.name], held[group.name], change, left) for group in self._groups)

    def _weights(self, name: str, *, exact: bool) -> Weights:
        if exact:
            return shapley_weights(name, self._names)
        return combine([(0.5, one_in(name)), (0.5, one_out(name, self._names))])

    def _player(self, group: Group, each: Estimate, held: tuple[float, float], change: float, left: float) -> Player:
        return replace(
            player_of(group),
            allocated=each.value,
            standard_error=each.standard_error,
            low=min(each.ends[0], held[0]) - abs(left),
            high=max(each.ends[1], held[1]) + abs(left),
            share=each.value / change + 0.0,  # no negative zero
            one_in=estimate(one_in(group.name), self._values).value,
            one_out=estimate(one_out(group.name, self._names), self._values).value,
        )
