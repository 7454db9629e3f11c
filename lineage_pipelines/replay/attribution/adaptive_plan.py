"""Adaptive plan: from few mixes to many, and no further than it takes.

1. The two versions. If they are not told apart by two standard deviations, that is the answer.
2. Each player alone from the old version, and alone back from the new: `2 k` mixes.
3. If both say the same of every player within noise, and add up, there is no interaction to be seen: what is allocated
   is the mean of the two. What is then left of the change, noise, is shared by size, so that a player that did nothing
   gets nothing. (Of three players these mixes are all there are: their Shapley values are exact at no further cost.)
4. Otherwise all mixes of four players, or circles of more (`circles`).

Whenever a mix cannot run, two players become one (`merging`) and it begins again with what was measured.
"""

from collections.abc import Callable, Sequence

from lineage_pipelines.records.decisions.attribution import (
    Allocation,
    Method,
    MetricRuns,
    is_distinguishable,
)
from lineage_pipelines.replay.attribution.game import AttributionError, Coalition, Part, Plan, Table
from lineage_pipelines.replay.attribution.infeasible_mixes import Group, joined, suspects
from lineage_pipelines.replay.attribution.permutation_sampling import FEWEST_CIRCLES
from lineage_pipelines.replay.attribution.solver import MOST_EXACT, Bounds, Solved, Solver, player_of

__all__ = ["Bounds", "Solved", "allocate", "cost"]


def cost(players: int, seeds: int, plan: Plan | None = None) -> tuple[int, int]:
    """Return how many trainings it takes at the least and at the most, the two versions' own among them.

    The least is that of two versions that cannot be told apart. What is known already costs nothing.
    """
    plan = plan or Plan()
    everything = 2**players
    if players <= MOST_EXACT:
        return 2 * seeds, everything * seeds
    least_sampled = 2 * players + 2 + FEWEST_CIRCLES * players * (players - 3)
    return 2 * seeds, min(everything, max(plan.most_mixes, least_sampled)) * seeds


def allocate(
    table: Table,
    parts: Sequence[Part],
    plan: Plan | None = None,
    *,
    bounds: Callable[[str, Bounds], None] | None = None,
) -> Solved:
    """Allocate the change between the mix with none of the parts and the mix with all of them.

    Args:
        table: measures mixes.
        parts: what differs.
        plan: how much to spend.
        bounds: told after every stage what is known by then: the stage, and each player's bounds.

    Raises:
        AttributionError: nothing differs, two parts have one name, or one of the two versions cannot run.
    """
    if not parts or len({part.name for part in parts}) < len(parts):
        raise AttributionError("no parts differ, or two have one name", fix="name each part that differs once")
    before, after = _endpoints(table, frozenset(part.name for part in parts))
    groups = tuple(Group((part,)) for part in parts)
    if not is_distinguishable(before, after):
        return Solved(_undecided(table, groups, before, after), {})
    while True:
        solved = Solver(table, groups, plan or Plan(), bounds).solve(before, after)
        if solved is not None:
            return solved
        groups = _merged(table, groups)


def _merged(table: Table, groups: tuple[Group, ...]) -> tuple[Group, ...]:
    pairs = suspects(groups, table.infeasible, table.feasible)
    if len(pairs) > 1:
        table.require("which go together", [groups[i].atoms | groups[j].atoms for i, j in pairs])
        pairs = suspects(groups, table.infeasible, table.feasible)
    return joined(groups, pairs[0])


def _endpoints(table: Table, everything: Coalition) -> tuple[MetricRuns, MetricRuns]:
    if not table.require("the two versions", [frozenset(), everything]):
        broken = next(mix for mix in (frozenset[str](), everything) if mix in table.infeasible)
        raise AttributionError(
            f"the {'new' if broken else 'old'} version itself cannot run: {table.infeasible[broken]}",
            fix="see with lineage reproduce what it lacks",
        )
    return _runs(table, frozenset()), _runs(table, everything)


def _runs(table: Table, mix: Coalition) -> MetricRuns:
    return MetricRuns(values={str(seed): value for seed, value in zip(table.seeds, table.values(mix), strict=True)})


def _undecided(table: Table, groups: Sequence[Group], before: MetricRuns, after: MetricRuns) -> Allocation:
    return Allocation(
        before=before,
        after=after,
        distinguishable=False,
        method=Method.ENDPOINTS,
        mixes=table.measured,
        players=tuple(player_of(group) for group in groups),
    )
