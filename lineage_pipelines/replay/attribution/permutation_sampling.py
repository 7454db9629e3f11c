"""Permutation sampling: Shapley values where not all mixes can be trained: orders are sampled.

Players stand in a circle. Every rotation of it, read in either direction, is an order of the players: 2 k orders in
which each player stands equally often at each place (stratified), and each order comes with its reverse (antithetic).
Their mixes are the arcs of the circle, k (k - 1) of them, of which 2 k are measured already in the first stage. What a
circle allocates adds up to the whole change. The mean over all circles is the Shapley value; over some of them it is
an estimate, whose error is the spread over the circles and the noise of the mixes together. Sampling by permutations,
with antithetic ones and strata: Castro et al. 2009, Mitchell et al. 2022.
"""

import math
import random
from collections.abc import Iterator, Sequence
from statistics import stdev

from lineage_pipelines.replay.attribution.game import Coalition
from lineage_pipelines.replay.attribution.shapley import Estimate, Values, Weights, combine, propagated

Circle = tuple[str, ...]
FEWEST_CIRCLES = 3
"""Fewer say too little about how far circles differ."""


def circles(players: Sequence[str], seed: int) -> Iterator[Circle]:
    """Yield different circles of the players in a chance order that the seed decides, until there are no more."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    first, *others = players
    seen: set[Circle] = set()
    while len(seen) < number_of_circles(len(players)):
        chance.shuffle(others)
        circle = (first, *others)
        mirrored = (first, *reversed(others))
        if circle not in seen and mirrored not in seen:
            seen.add(circle)
            yield circle


def number_of_circles(players: int) -> int:
    """Return how many circles there are; one and its mirror image are the same."""
    return math.factorial(players - 1) // 2


def arcs(circle: Circle) -> list[Coalition]:
    """Return the mixes that a circle's orders pass through, without the empty and the full one."""
    twice = circle * 2
    sizes = range(1, len(circle))
    return [frozenset(twice[start : start + size]) for size in sizes for start in range(len(circle))]


def circle_weights(player: str, circle: Circle) -> Weights:
    """Return the weights of what a circle allocates to a player."""
    return combine([(weight, {mix | {player}: 1.0, mix: -1.0}) for mix, weight in contexts(player, circle)])


def contexts(player: str, circle: Circle) -> list[tuple[Coalition, float]]:
    """Return the mixes that a player joins in a circle's orders, each with its part of the orders."""
    size = len(circle)
    place = circle.index(player)
    ahead = [circle[(place + step) % size] for step in range(1, size)]
    weight = 1.0 / (2 * size)
    both = [frozenset(side[:length]) for side in (ahead, ahead[::-1]) for length in range(size)]
    return [(mix, weight) for mix in both]


def sampled(player: str, drawn: Sequence[Circle], values: Values) -> Estimate:
    """Estimate a player's Shapley value from some circles."""
    means = [_mean(circle_weights(player, circle), values) for circle in drawn]
    weights = combine([(1.0 / len(drawn), circle_weights(player, circle)) for circle in drawn])
    noise, _ = propagated(weights, values)
    # Drawn without putting back: when all are drawn, nothing of this error is left.
    left = 1.0 - len(drawn) / number_of_circles(len(drawn[0]))
    chosen = stdev(means) * math.sqrt(left / len(drawn))
    return Estimate(_mean(weights, values), math.hypot(noise, chosen), len(drawn) - 1)


def _mean(weights: Weights, values: Values) -> float:
    return math.fsum(weight * value / len(values[mix]) for mix, weight in weights.items() for value in values[mix])
