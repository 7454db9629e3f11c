"""Solver: one game of given players, from one at a time to all mixes or to samples of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from lineage_pipelines.records.decisions.attribution import (
    Allocation,
    InfeasibleMix,
    Interaction,
    Method,
    MetricRuns,
    Player,
)
from lineage_pipelines.replay.attribution.game import Coalition, Plan, Table
from lineage_pipelines.replay.attribution.infeasible_mixes import Group
from lineage_pipelines.replay.attribution.permutation_sampling import (
    FEWEST_CIRCLES,
    Circle,
    arcs,
    circles,
    contexts,
    sampled,
)
from lineage_pipelines.replay.attribution.shapley import (
    Estimate,
    Weights,
    combine,
    context_weight,
    estimate,
    interaction_weights,
    one_in,
    one_out,
    pooled_deviation,
    shapley_weights,
    subsets,
    within_noise,
)

MOST_EXACT = 4
"""Of up to so many players all mixes are measured."""
Bounds = Mapping[str, tuple[float, float]]
"""Of each player, between what its part of the change seems to lie."""
Contexts = Mapping[Coalition, float]
"""Mixes, by parts, that a player joins, each with its part of the orders."""
_Found = tuple[Mapping[str, Estimate], Method, Sequence[Circle]]


@dataclass(frozen=True, slots=True)
class Solved:
    """The outcome of a game, and what a second game inside a player needs."""

    allocation: Allocation
    contexts: Mapping[str, Contexts]
    """By player."""


def rescaled(amounts: Mapping[str, float], total: float) -> dict[str, float]:
    """Return amounts that add up to a total: what is left is shared by size, so that nought stays nought."""
    left = total - math.fsum(amounts.values())
    size = math.fsum(map(abs, amounts.values()))
    return {name: amount + left * abs(amount) / size if size else amount for name, amount in amounts.items()}


def player_of(group: Group) -> Player:
    """Return a player to which nothing is allocated yet."""
    members = tuple(sorted(group.atoms)) if len(group.parts) > 1 else ()
    return Player(name=group.name, kind=group.kind, differs=group.differs, members=members)


class Solver:
    """One game of given players; it has no outcome when one of its mixes cannot run."""

    def __init__(
        self, table: Table, groups: tuple[Group, ...], plan: Plan, bounds: Callable[[str, Bounds], None] | None
    ) -> None:
        self._table = table
        self._groups = groups
        self._plan = plan
        self._bounds = bounds
        self._names = [group.name for group in groups]
        self._everyone = frozenset(self._names)
        self._atoms = {group.name: group.atoms for group in groups}
        self._values: dict[Coalition, tuple[float, ...]] = {}

    def solve(self, before: MetricRuns, after: MetricRuns) -> Solved | None:
        """Measure what it takes; None when a mix cannot run."""
        if not self._measure("one at a time", [frozenset(), self._everyone, *self._one_at_a_time()]):
            return None
        self._tell("one at a time", self._contrasts())
        agreed = self._agreed()
        found = self._found(agreed=agreed)
        if found is None:
            return None
        estimates, method, drawn = found
        allocation = Allocation(
            before=before,
            after=after,
            distinguishable=True,
            method=method,
            mixes=self._table.measured,
            permutations=2 * len(self._names) * len(drawn),
            agreed=agreed,
            interaction=estimate(self._left_by(one_in), self._values).value,
            interactions=tuple(self._interactions()) if method is Method.EXACT else (),
            players=self._players(estimates, method, after.mean - before.mean),
            infeasible=self._infeasible(),
        )
        return Solved(allocation, {name: self._contexts(name, method, drawn) for name in self._names})

    # Mixes

    def _measure(self, stage: str, mixes: Sequence[Coalition]) -> bool:
        by_atoms = {mix: self._in_atoms(mix) for mix in mixes}
        if not self._table.require(stage, by_atoms.values()):
            return False
        self._values |= {mix: self._table.values(atoms) for mix, atoms in by_atoms.items()}
        return True

    def _in_atoms(self, mix: Coalition) -> Coalition:
        return frozenset[str]().union(*(self._atoms[name] for name in mix))

    def _one_at_a_time(self) -> list[Coalition]:
        return [*(frozenset({name}) for name in self._names), *(self._everyone - {name} for name in self._names)]

    def _infeasible(self) -> tuple[InfeasibleMix, ...]:
        everything = self._in_atoms(self._everyone)
        found = [(mix, reason) for mix, reason in self._table.infeasible.items() if mix <= everything]
        return tuple(InfeasibleMix(new=tuple(sorted(mix)), reason=reason) for mix, reason in found)

    # Allocations

    def _found(self, *, agreed: bool) -> _Found | None:
        """The estimates, how they came about, and the circles that were drawn."""
        complete = len(self._values) == 2 ** len(self._names)
        if agreed and not complete:
            return {name: self._mean_of_both(name) for name in self._names}, Method.AGREED, []
        if complete or len(self._names) <= MOST_EXACT:
            measured = self._measure("all mixes", subsets(self._names))
            return (self._exact(), Method.EXACT, []) if measured else None
        return self._sampled()

    def _exact(self) -> Mapping[str, Estimate]:
        return {name: estimate(shapley_weights(name, self._names), self._values) for name in self._names}

    def _mean_of_both(self, name: str) -> Estimate:
        both = combine([(0.5, one_in(name)), (0.5, one_out(name, self._names))])
        return estimate(both, self._values)

    def _sampled(self) -> _Found | None:
        drawn: list[Circle] = []
        estimates: Mapping[str, Estimate] = {}
        for circle in circles(self._names, self._plan.seed):
            if len(drawn) >= FEWEST_CIRCLES and (self._precise(estimates) or self._spent(circle)):
                break
            if not self._measure(f"circle {len(drawn) + 1}", arcs(circle)):
                return None
            drawn.append(circle)
            if len(self._values) == 2 ** len(self._names):
                return self._exact(), Method.EXACT, []
            if len(drawn) >= FEWEST_CIRCLES:
                estimates = {name: sampled(name, drawn, self._values) for name in self._names}
                self._tell(f"circle {len(drawn)}", {name: each.ends for name, each in estimates.items()})
        return estimates, Method.SAMPLED, drawn

    def _precise(self, estimates: Mapping[str, Estimate]) -> bool:
        change = estimate({self._everyone: 1.0, frozenset(): -1.0}, self._values).value
        return max(each.half_width for each in estimates.values()) <= self._plan.precision * abs(change)

    def _spent(self, circle: Circle) -> bool:
        return len(self._values.keys() | set(arcs(circle))) > self._plan.most_mixes

    # One at a time

    def _contrasts(self) -> Bounds:
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

    def _tell(self, stage: str, bounds: Bounds) -> None:
        if self._bounds:
            self._bounds(stage, bounds)

    def _interactions(self) -> list[Interaction]:
        found = []
        for first, second in combinations(self._names, 2):
            each = estimate(interaction_weights(first, second, self._names), self._values)
            found.append(Interaction(first=first, second=second, value=each.value, standard_error=each.standard_error))
        return found

    def _players(self, estimates: Mapping[str, Estimate], method: Method, change: float) -> tuple[Player, ...]:
        self._tell(str(method), {name: each.ends for name, each in estimates.items()})
        amounts = rescaled({name: each.value for name, each in estimates.items()}, change)
        moved = {name: replace(each, value=amounts[name]) for name, each in estimates.items()}
        contrasts = self._contrasts()
        # Where nothing else was measured, the interval holds both.
        held = {name: contrasts[name] if method is Method.AGREED else each.ends for name, each in moved.items()}
        return tuple(self._player(group, moved[group.name], held[group.name], change) for group in self._groups)

    def _player(self, group: Group, each: Estimate, held: tuple[float, float], change: float) -> Player:
        low, high = min(each.ends[0], held[0]), max(each.ends[1], held[1])
        return replace(
            player_of(group),
            allocated=each.value,
            standard_error=each.standard_error,
            low=low,
            high=high,
            share=each.value / change + 0.0,  # no negative nought
            one_in=estimate(one_in(group.name), self._values).value,
            one_out=estimate(one_out(group.name, self._names), self._values).value,
        )

    def _contexts(self, name: str, method: Method, drawn: Sequence[Circle]) -> Contexts:
        """The mixes that a player joins, with the weights of which its allocation is made."""
        others = [other for other in self._names if other != name]
        if method is Method.EXACT:
            weighed = [(mix, context_weight(len(mix), len(self._names))) for mix in subsets(others)]
        elif method is Method.AGREED:
            weighed = [(frozenset[str](), 0.5), (frozenset(others), 0.5)]
        else:
            weighed = [(mix, weight / len(drawn)) for circle in drawn for mix, weight in contexts(name, circle)]
        found: dict[Coalition, float] = {}
        for mix, weight in weighed:
            found[self._in_atoms(mix)] = found.get(self._in_atoms(mix), 0.0) + weight
        return found
