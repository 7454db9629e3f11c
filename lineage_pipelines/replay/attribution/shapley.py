"""Shapley values, their interactions and their errors.

Everything here is a weighted sum of the values of mixes. The weights sum to zero, so that what all mixes have in
common drops out. The same seeds are used for every mix. The standard error of such a sum is the greater of two: that
over the seeds of the sum (which knows what mixes of one seed have in common), and that of the mixes' own spreads,
propagated (which rests on more numbers). The interval is Student's, with the degrees of freedom of Welch and
Satterthwaite.

The Shapley value of a player is what it adds to the players before it, averaged over all orders of the players
(Shapley 1953). The interaction index of two players is that of Grabisch and Roubens (1999).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, stdev

from lineage_pipelines.replay.attribution.game import Coalition

Values = Mapping[Coalition, Sequence[float]]
"""The metric of each mix, by seed in one order."""
Weights = Mapping[Coalition, float]
_CONFIDENCE = 0.975
"""Both sides of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that was measured with noise."""

    value: float
    standard_error: float = 0.0
    freedom: float = math.inf
    """Degrees of freedom of the standard error."""

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval."""
        return student(self.freedom) * self.standard_error if self.standard_error else 0.0

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the 95 % interval."""
        return self.value - self.half_width, self.value + self.half_width


def student(freedom: float) -> float:
    """Return how many standard errors a 95 % interval reaches to either side."""
    from scipy.special import stdtrit

    return float(stdtrit(min(freedom, 1e6), _CONFIDENCE))


def subsets(players: Sequence[str]) -> list[Coalition]:
    """Return all mixes of some players, the small ones first."""
    return [frozenset(mix) for size in range(len(players) + 1) for mix in combinations(players, size)]


def one_in(player: str) -> Weights:
    """Return the weights of what a player alone adds to the old version."""
    return {frozenset({player}): 1.0, frozenset(): -1.0}


def one_out(player: str, players: Sequence[str]) -> Weights:
    """Return the weights of what a player adds when all the others are new already."""
    return {frozenset(players): 1.0, frozenset(players) - {player}: -1.0}


def shapley_weights(player: str, players: Sequence[str]) -> Weights:
    """Return the weights of a player's Shapley value: of each mix with it, and less for the same mix without it."""
    weights: dict[Coalition, float] = {}
    for mix in subsets([other for other in players if other != player]):
        weight = context_weight(len(mix), len(players))
        weights[mix | {player}] = weight
        weights[mix] = -weight
    return weights


def context_weight(before: int, players: int) -> float:
    """Return the part of all orders in which just these players, `before` in number, come before a given one."""
    return 1.0 / (players * math.comb(players - 1, before))


def interaction_weights(first: str, second: str, players: Sequence[str]) -> Weights:
    """Return the weights of the Shapley interaction index of two players."""
    others = [other for other in players if other not in (first, second)]
    weights: dict[Coalition, float] = {}
    for mix in subsets(others):
        weight = 1.0 / ((len(players) - 1) * math.comb(len(others), len(mix)))
        weights |= {mix | {first, second}: weight, mix: weight, mix | {first}: -weight, mix | {second}: -weight}
    return weights


def combine(parts: Sequence[tuple[float, Weights]]) -> Weights:
    """Return the weights of a weighted sum of weighted sums."""
    total: dict[Coalition, list[float]] = {}
    for factor, weights in parts:
        for mix, weight in weights.items():
            total.setdefault(mix, []).append(factor * weight)
    return {mix: math.fsum(each) for mix, each in total.items()}


def estimate(weights: Weights, values: Values) -> Estimate:
    """Return a weighted sum of mixes, with the greater of its two standard errors."""
    total = math.fsum(weight * value / len(values[mix]) for mix, weight in weights.items() for value in values[mix])
    if not any(_by_seed(weights, values)):
        return Estimate(0.0)  # zero with every seed: what changes nothing has no noise
    spread, freedom = propagated(weights, values)
    return Estimate(total, max(spread, paired(weights, values)), freedom)


def propagated(weights: Weights, values: Values) -> tuple[float, float]:
    """Return the standard error from each mix's own spread, and its degrees of freedom."""
    parts = [(weight * stdev(values[mix])) ** 2 / len(values[mix]) for mix, weight in weights.items()]
    variance = math.fsum(parts)
    repeats = min(len(values[mix]) for mix in weights)
    crowd = math.fsum(part**2 for part in parts) / (repeats - 1)
    return math.sqrt(variance), variance**2 / crowd if crowd else math.inf


def paired(weights: Weights, values: Values) -> float:
    """Return the standard error from the spread of the sum over the seeds."""
    sums = _by_seed(weights, values)
    return stdev(sums) / math.sqrt(len(sums))


def _by_seed(weights: Weights, values: Values) -> list[float]:
    repeats = len(next(iter(values.values())))
    return [math.fsum(weight * values[mix][i] for mix, weight in weights.items()) for i in range(repeats)]


def within_noise(weights: Weights, values: Values, pooled: float) -> bool:
    """Say whether a weighted sum is indistinguishable from zero by at least one of two standard errors.

    Args:
        weights: of the sum.
        values: of the mixes.
        pooled: one training's standard deviation, over all mixes that were measured.
    """
    total = math.fsum(weight * fmean(values[mix]) for mix, weight in weights.items())
    repeats = len(next(iter(values.values())))
    length = math.sqrt(math.fsum(weight**2 for weight in weights.values()))
    common = student((repeats - 1) * len(values)) * pooled * length / math.sqrt(repeats)
    own = student(repeats - 1) * paired(weights, values)
    rounding = 1e-9 * max(abs(fmean(each)) for each in values.values())
    return abs(total) <= max(min(common, own), rounding)


def pooled_deviation(values: Values) -> float:
    """Return one training's standard deviation over all mixes."""
    return math.sqrt(fmean(stdev(each) ** 2 for each in values.values()))
