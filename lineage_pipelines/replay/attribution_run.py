"""`attribute`: to which of what differs is a metric's change allocated? By training the versions in between."""

import contextlib
import getpass
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.records.decisions.attribution import (
    AttributedVersion,
    Attribution,
    PlayerSplit,
    Reevaluation,
)
from lineage_pipelines.replay.attribution.adaptive_plan import allocate, cost
from lineage_pipelines.replay.attribution.game import AttributionError, Batch, Coalition, Game, Part, Plan
from lineage_pipelines.replay.attribution.solver import Solved
from lineage_pipelines.replay.attribution.sub_game import split_cost, split_player, winner
from lineage_pipelines.replay.mix_runner import KeptMixes, RetrainedMixes, mixes_folder
from lineage_pipelines.replay.reevaluation import reevaluate
from lineage_pipelines.replay.reproduction_run import Options

_LOOKED_AT = 200
"""So many of the newest versions count as mixes that need no training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What an attribution is about and what it takes, before anything is trained."""

    players: Sequence[Part]
    fewest: int
    """Trainings at the least: when one at a time is enough."""
    most: int
    known: int
    """Of the two versions' own trainings, how many are known."""
    seconds: float
    """How long one training took, by the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is told what on the way, and may stop it."""

    confirm: Callable[[Estimate], None] = lambda _: None
    """Told before anything is trained; raises to stop."""
    reevaluated: Callable[[Reevaluation], None] = lambda _: None
    """Told before the first training what could be measured without any."""
    progress: Callable[[int, int, Coalition, int], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much to spend."""

    seeds: int = 3
    plan: Plan = field(default_factory=Plan)
    split: bool = True
    """Whether the player to which most is allocated is split further."""


def attribute(
    catalog: Catalog,
    old: Entry,
    new: Entry,
    metric: str,
    options: Options,
    *,
    effort: Effort | None = None,
    asked: Asked | None = None,
) -> Attribution:
    """Allocate the change of a metric between two versions to what differs between them.

    Mixes of the two are trained in sandboxes; what is known from past versions or from an earlier call is not trained
    again, so that it goes on where it was stopped. Storing the analysis is for the caller.

    Raises:
        AttributionError: nothing differs, the metric is not in both, or one of the two cannot be made again.
        LineageError: data or an environment is gone.
    """
    effort, asked, started = effort or Effort(), asked or Asked(), datetime.now(UTC)
    mixes = open_mixes(catalog, old, new, metric, options)
    asked.confirm(estimate(mixes, old, new, effort))
    measured = reevaluate(old, new, metric, options)
    asked.reevaluated(measured)
    game = Game(mixes, range(effort.seeds), progress=asked.progress)
    solved = allocate(game, mixes.players, effort.plan)
    splits = _splits(game, solved, mixes, effort) if effort.split else ()
    return Attribution(
        old=_version(old),
        new=_version(new),
        metric=metric,
        reevaluation=measured,
        allocation=solved.allocation,
        splits=splits,
        by=getpass.getuser(),
        host=socket.gethostname(),
        started=started,
        finished=datetime.now(UTC),
    )


class _Stopped(Exception):  # noqa: N818  # no error: it ends a game when it asks for what is not known
    """A game wants mixes that have not been trained."""


def next_batch(mixes: RetrainedMixes, effort: Effort) -> Sequence[tuple[Coalition, int]]:
    """Return the mixes, each with its seed, that the game would train next; they do not depend on each other.

    Nothing where all that is needed is known. First come the repeats of the two versions, then one at a time.

    Raises:
        AttributionError: one of the two versions cannot be made again.
    """
    wanted: list[tuple[Coalition, int]] = []

    def stop(batch: Batch) -> None:
        wanted.extend(run for run in batch.runs if not mixes.is_known(*run))
        if wanted:
            raise _Stopped

    with contextlib.suppress(_Stopped):
        allocate(Game(mixes, range(effort.seeds), before_batch=stop), mixes.players, effort.plan)
    return wanted


def open_mixes(catalog: Catalog, old: Entry, new: Entry, metric: str, options: Options) -> RetrainedMixes:
    """Return the mixes of two versions, with what is known of them already.

    Raises:
        AttributionError: nothing differs, the metric is not in both, or what trained one of them is not recorded.
    """
    unknown = [entry.ref for entry in (old, new) if entry.record.code.source is None]
    if unknown:
        what = f"{' and '.join(unknown)} cannot be trained again: which function did it is not recorded"
        raise AttributionError(what, fix="compare what is known of them: lineage diff")
    known = [old, new, *catalog.entries(old.model, limit=_LOOKED_AT)]
    return RetrainedMixes(old, new, metric, options, KeptMixes(mixes_folder(), known))


def estimate(mixes: RetrainedMixes, old: Entry, new: Entry, effort: Effort) -> Estimate:
    """Say what an attribution takes, as far as that is known beforehand."""
    fewest, most = cost(len(mixes.players), effort.seeds, effort.plan)
    both = (frozenset[str](), frozenset(each.name for each in mixes.players))
    known = sum(mixes.is_known(mix, seed) for mix in both for seed in range(effort.seeds))
    took = [(each.record.run.finished - each.record.run.started).total_seconds() for each in (old, new)]
    return Estimate(players=mixes.players, fewest=fewest, most=most, known=known, seconds=sum(took) / len(took))


def _version(entry: Entry) -> AttributedVersion:
    return AttributedVersion(record=entry.digest, model=entry.model, version=entry.version)


def _splits(game: Game, solved: Solved, mixes: RetrainedMixes, effort: Effort) -> tuple[PlayerSplit, ...]:
    won = winner(solved)
    parts = mixes.split(won.name) if won is not None else ()
    if won is None or len(parts) < 2:  # noqa: PLR2004  # one part is the player itself
        return ()
    _, most = split_cost(solved, won.name, len(parts), effort.seeds, effort.plan)
    if most > effort.plan.most_mixes * effort.seeds:
        return ()
    return (split_player(game, solved, won.name, parts, effort.plan),)
