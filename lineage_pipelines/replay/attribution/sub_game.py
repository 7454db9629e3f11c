"""A second game inside one player: its parts share what was allocated to it.

The parts (the months of a dataset, groups of its columns, keys of the parameters) are players, too. A mix of parts is
trained in every context that the whole player joined: with none, some or all of the other players new. Its value is
the mean over these contexts, by the weights of which the player's own allocation is made. What the parts get is then
the Owen value of the game in which they come together (Owen 1977): it adds up to what was allocated to the player.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lineage_pipelines.records.decisions.attribution import Allocation, Player, PlayerSplit
from lineage_pipelines.replay.attribution.adaptive_plan import allocate, cost
from lineage_pipelines.replay.attribution.game import AttributionError, Coalition, Game, Part, Plan
from lineage_pipelines.replay.attribution.solver import Contexts, Solved, rescaled


def winner(solved: Solved) -> Player | None:
    """Return the player to which most is allocated, if it is one that can be split: not parts that were merged."""
    allocated = [player for player in solved.allocation.players if player.allocated is not None]
    most = max(allocated, key=lambda player: abs(player.allocated or 0.0), default=None)
    return None if most is None or most.members else most


def split_cost(solved: Solved, player: str, parts: int, seeds: int, plan: Plan | None = None) -> tuple[int, int]:
    """Return how many trainings a split takes at the least and at the most, besides those of the game around it."""
    contexts = len(solved.contexts[player])
    _, most = cost(parts, seeds, plan)
    return 2 * parts * contexts * seeds, (most - 2 * seeds) * contexts


def split_player(
    game: Game, solved: Solved, player: str, parts: Sequence[Part], plan: Plan | None = None
) -> PlayerSplit:
    """Share what is allocated to a player among its parts.

    Args:
        game: the game around it, with what it has measured. Its mixes are asked for with the names of some of the parts
            in place of the player's; all of the parts together are the player.
        solved: its outcome.
        player: which one; not one that was merged.
        parts: two or more; their names are none of the players'.
        plan: how much to spend.

    Raises:
        AttributionError: nothing is allocated to such a player, or its parts are no parts.
    """
    by_name = {each.name: each for each in solved.allocation.players}
    known = {name for each in by_name.values() for name in (each.name, *each.members)}
    found = by_name.get(player)
    if found is None or found.allocated is None or found.members:
        raise AttributionError(f"{player} cannot be split: nothing is allocated to it, or it was merged")
    if len(parts) == 1 or known & {part.name for part in parts}:
        raise AttributionError(f"no parts of {player}: there is one, or one is called like a player")
    inner = _Within(game, player, [part.name for part in parts], solved.contexts[player])
    allocation = allocate(inner, parts, plan).allocation
    if not allocation.distinguishable:
        return PlayerSplit(player=player, allocation=allocation)
    return PlayerSplit(player=player, allocation=_adding_up(allocation, found.allocated, solved.allocation.change))


def _adding_up(allocation: Allocation, total: float, whole: float) -> Allocation:
    """What the parts get, so that it adds up to what the player got, and with shares of the whole change."""
    amounts = rescaled({each.name: each.allocated or 0.0 for each in allocation.players}, total)
    players = tuple(_moved(each, amounts[each.name], whole) for each in allocation.players)
    return replace(allocation, players=players)


def _moved(player: Player, amount: float, whole: float) -> Player:
    by = amount - (player.allocated or 0.0)
    low, high = ((end or 0.0) + by for end in (player.low, player.high))
    return replace(player, allocated=amount, low=min(low, amount), high=max(high, amount), share=amount / whole + 0.0)


class _Within:
    """The parts of a player as a game of their own: the value of a mix is a mean over contexts."""

    def __init__(self, game: Game, player: str, parts: Sequence[str], contexts: Contexts) -> None:
        self.seeds = game.seeds
        self.infeasible: dict[Coalition, str] = {}
        self._game = game
        self._whole = frozenset({player})
        self._parts = frozenset(parts)
        self._contexts = contexts
        self._values: dict[Coalition, tuple[float, ...]] = {}

    @property
    def measured(self) -> int:
        """How many mixes of parts were used."""
        return len(self._values)

    @property
    def feasible(self) -> Iterable[Coalition]:
        """The mixes of parts that ran in every context."""
        return self._values

    def require(self, stage: str, coalitions: Iterable[Coalition]) -> bool:
        """Measure mixes of parts in every context."""
        wanted = list(dict.fromkeys(coalitions))
        new = {mix: self._placed(mix) for mix in wanted if mix not in self._values and mix not in self.infeasible}
        self._game.require(f"within {''.join(self._whole)}: {stage}", [real for each in new.values() for real in each])
        for mix, placed in new.items():
            reason = next((self._game.infeasible[real] for real in placed if real in self._game.infeasible), None)
            if reason is None:
                self._values[mix] = self._mean(placed)
            else:
                self.infeasible[mix] = reason
        return not any(mix in self.infeasible for mix in wanted)

    def values(self, coalition: Coalition) -> tuple[float, ...]:
        """Return the mean of a mix of parts over the contexts, by seed."""
        return self._values[coalition]

    def _placed(self, mix: Coalition) -> Mapping[Coalition, float]:
        own = self._whole if mix == self._parts else mix
        return {context | own: weight for context, weight in self._contexts.items()}

    def _mean(self, placed: Mapping[Coalition, float]) -> tuple[float, ...]:
        values = [(weight, self._game.values(real)) for real, weight in placed.items()]
        return tuple(math.fsum(weight * each[i] for weight, each in values) for i in range(len(self.seeds)))
