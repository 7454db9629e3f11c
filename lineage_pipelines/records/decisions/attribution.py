"""Attribution: a metric's change, allocated to what differs between two versions (the players of a game).

A *mix* is a training that takes some players from the new version and the others from the old one. Its value is the
metric that it comes to. How the change is allocated is in docs/explanation/attribution.md. Kept in the log as an entry
of its own, about two records and no others.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.metric import MetricSpec
from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import Value, from_json, to_json
from lineage_pipelines.records.values.digest import Digest

_EXACT = 1e-9
"""Sums that are equal in exact arithmetic differ by less, relative to what is summed."""
FEWEST_SEEDS = 3
"""Fewer repeats say nothing about chance."""
NOISE_FACTOR = 2.0
"""A change of fewer standard deviations is within chance, and gets no percentages."""


class PlayerKind(StrEnum):
    """The layer of a version that a player is."""

    DATA = "data"
    PREPARATION = "preparation"
    CODE = "code"
    PARAMETERS = "parameters"
    ENVIRONMENT = "environment"
    EVALUATION = "evaluation"
    SEED = "seed"
    SEVERAL = "several"
    """Players of several kinds that cannot be separated, because mixes of them do not run."""


class Method(StrEnum):
    """How the change was allocated."""

    ENDPOINTS = "endpoints"
    """It was not: the two versions cannot be distinguished by the metric."""
    AGREED = "one-at-a-time agreed"
    """Each player alone from the old and alone back from the new say the same within noise."""
    EXACT = "exact"
    """Shapley values of all mixes."""
    SINGLE_SWAPS = "one-at-a-time"
    """The mean of each player alone from the old and alone back from the new; they do not agree within noise."""
    SAMPLED = "sampled"
    """Shapley values estimated from some orders of the players, by earlier releases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRuns(Value):
    """A metric over the seeds of one mix."""

    values: Mapping[str, float]
    """By seed."""

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return math.fsum(self.values.values()) / len(self.values)

    @property
    def sd(self) -> float:
        """The standard deviation over the seeds (n - 1)."""
        mean = self.mean
        spread = math.fsum((value - mean) ** 2 for value in self.values.values())
        return math.sqrt(spread / (len(self.values) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Player(Value):
    """Something that differs, and the part of the change that is allocated to it."""

    name: str
    kind: PlayerKind
    differs: str = ""
    """What differs, in words."""
    members: tuple[str, ...] = ()
    """The players that were merged into this one, as mixes of them do not run; empty where none were."""
    origin: str = ""
    """Of data: the steps and sources at which its difference begins: `stage split`, `data/orders.csv`. Players of one
    origin are shown together. Empty where it is not known."""
    allocated: float | None = None
    """In the metric's unit; None where the change is within chance."""
    standard_error: float | None = None
    low: float | None = None
    """The lower end of the 95 % interval of what is allocated."""
    high: float | None = None
    share: float | None = None
    """`allocated` by the whole change; may be negative or over 1. None where the change is within chance."""
    one_in: float | None = None
    """For contrast: how the metric moves when this alone is taken from the new version."""
    one_out: float | None = None
    """For contrast: how the metric moved with this, when all else was taken from the new version before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction(Value):
    """The Shapley interaction index of two players: how much more they move the metric together than one by one."""

    first: str
    second: str
    value: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InfeasibleMix(Value):
    """A mix that cannot run."""

    new: tuple[str, ...]
    """The players that it takes from the new version; the others are from the old one."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation(Value):
    """The outcome of one game."""

    before: MetricRuns
    """The old version, or the mix with none of the players."""
    after: MetricRuns
    """The new version, or the mix with all of the players."""
    distinguishable: bool
    """Whether the change is at least two standard deviations, and so has shares."""
    method: Method
    mixes: int
    """How many mixes were measured, the two versions among them; each over all the seeds."""
    permutations: int = 0
    """How many orders of the players were sampled; 0 where the values are not sampled."""
    agreed: bool = False
    """Whether one-in and one-out agree within noise for every player: no interaction was seen."""
    interaction: float | None = None
    """What of the change is left when every player's `one_in` is taken away, in the metric's unit."""
    interactions: tuple[Interaction, ...] = ()
    """Of each two players, where all mixes were measured."""
    players: tuple[Player, ...]
    infeasible: tuple[InfeasibleMix, ...] = ()

    @property
    def change(self) -> float:
        """How far the metric moved: the difference of the means."""
        return self.after.mean - self.before.mean

    @property
    def noise(self) -> float:
        """The standard deviation of the difference between one training of each of the two."""
        return math.hypot(self.before.sd, self.after.sd)

    @property
    def is_deterministic(self) -> bool:
        """Whether the seeds move nothing: every repeat gave the same, so that chance was not measured."""
        ends = all(len(set(runs.values.values())) == 1 for runs in (self.before, self.after))
        return ends and not any(player.standard_error for player in self.players)

    @property
    def interaction_share(self) -> float | None:
        """The interaction by the change, without its sign; None where there are no shares."""
        if self.interaction is None or not self.distinguishable:
            return None
        return abs(self.interaction / self.change)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSplit(Value):
    """A second game inside one player: its parts share what is allocated to it (Owen values)."""

    player: str
    allocation: Allocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Reevaluation(Value):
    """Both models measured on both test data, without any training; None where that could not be done."""

    old_on_old: float | None = None
    """The old model on the old version's test data."""
    old_on_new: float | None = None
    new_on_old: float | None = None
    new_on_new: float | None = None
    old_by_new_code: float | None = None
    """The old model on the old version's test data, by the new version's evaluation code: without a change of that code
    it is `old_on_old`. None also where that code does not give the new version's own metric again."""
    same_data: bool | None = None
    """Whether both versions were measured on the same bytes; None where that is not known."""
    missing: str = ""
    """Why something is missing, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributedVersion(Value):
    """One of the two versions."""

    record: Digest
    model: str
    version: int

    @property
    def ref(self) -> str:
        """The version as a person writes it."""
        return f"{self.model}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution(Value):
    """What the change of one metric between two versions is allocated to."""

    old: AttributedVersion
    new: AttributedVersion
    metric: str
    direction: MetricSpec | None = None
    """As the new version's record says; None where it does not, and in an analysis of an earlier release."""
    reevaluation: Reevaluation
    allocation: Allocation
    splits: tuple[PlayerSplit, ...] = ()
    by: str
    host: str
    started: datetime
    finished: datetime


def is_distinguishable(before: MetricRuns, after: MetricRuns) -> bool:
    """Return whether the means of two versions differ by two standard deviations of a difference or more."""
    change = abs(after.mean - before.mean)
    rounding = 1e-12 * max(abs(before.mean), abs(after.mean))
    return change > rounding and change >= NOISE_FACTOR * math.hypot(before.sd, after.sd)


def encode_attribution(attribution: Attribution) -> bytes:
    """Return the canonical bytes of an analysis.

    Raises:
        RecordError: it has no exact form, or contradicts itself.
    """
    _check(attribution)
    return canonical_bytes(to_json(attribution, "attribution"))


def decode_attribution(data: bytes) -> Attribution:
    """Read an analysis.

    Raises:
        RecordError: the bytes are not a valid analysis, or what they say contradicts itself.
    """
    found: Attribution = from_json(Attribution, parse_bytes(data), "attribution")
    _check(found)
    return found


def _check(found: Attribution) -> None:
    try:
        _check_whole(found)
    except OverflowError as error:
        raise RecordError("numbers beyond what can be added up", where="attribution") from error


def _check_whole(found: Attribution) -> None:
    allocation = found.allocation
    _check_runs(allocation, "attribution.allocation")
    _check_allocation(allocation, allocation.change, allocation.change, "attribution.allocation")
    by_name = {player.name: player for player in allocation.players}
    for split in found.splits:
        where = f"attribution.splits of {split.player}"
        player = by_name.get(split.player)
        if player is None or player.allocated is None:
            raise RecordError("a split of a player to which nothing is allocated", where=where)
        _check_runs(split.allocation, where)
        _check_allocation(split.allocation, player.allocated, allocation.change, where)


def _check_runs(game: Allocation, where: str) -> None:
    if set(game.before.values) != set(game.after.values) or len(game.before.values) < FEWEST_SEEDS:
        raise RecordError(f"not the same {FEWEST_SEEDS} seeds or more before and after", where=where)
    names = [player.name for player in game.players]
    if not names or len(set(names)) < len(names):
        raise RecordError("no players, or two of one name", where=where)


def _check_allocation(game: Allocation, total: float, whole: float, where: str) -> None:
    """Refuse numbers that cannot all be true; the players have to add up to `total`, shares are of `whole`."""
    if game.distinguishable is not is_distinguishable(game.before, game.after):
        raise RecordError(f"the runs do not say that `distinguishable` is {game.distinguishable}", where=where)
    if game.distinguishable is (game.method is Method.ENDPOINTS):
        raise RecordError(f"`distinguishable` is {game.distinguishable}, `method` is {game.method}", where=where)
    if game.distinguishable:
        _check_sum(game, total, whole, where)
    elif any(value is not None for player in game.players for value in (player.allocated, player.share)):
        raise RecordError("allocates a change that is within chance", where=where)


def _check_sum(game: Allocation, total: float, whole: float, where: str) -> None:
    amounts = []
    for player in game.players:
        low, allocated, high, share = player.low, player.allocated, player.high, player.share
        if low is None or allocated is None or high is None or share is None or not low <= allocated <= high:
            raise RecordError(f"{player.name} has no allocation within an interval, or no share", where=where)
        if not math.isclose(share * whole, allocated, rel_tol=_EXACT, abs_tol=_EXACT):
            raise RecordError(f"the share of {player.name} is not its part of the change", where=where)
        amounts.append(allocated)
    if abs(math.fsum(amounts) - total) > _EXACT * max(1.0, *map(abs, amounts)):
        raise RecordError(f"the players add up to {math.fsum(amounts)}, the change is {total}", where=where)
