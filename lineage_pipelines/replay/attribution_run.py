"""Attribution run: allocates a metric's change to what differs, by training the versions in between."""

import contextlib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.records.decisions.attribution import (
    AttributedVersion,
    Attribution,
    Reevaluation,
)
from lineage_pipelines.replay.attribution.game import AttributionError, Batch, Coalition, Game, Part
from lineage_pipelines.replay.attribution.solver import allocate, cost
from lineage_pipelines.replay.mix_runner import MixCache, RetrainedMixes, mixes_folder
from lineage_pipelines.replay.reevaluation import reevaluate
from lineage_pipelines.replay.reproduction_run import Options
from lineage_pipelines.system.user_account import account

_KNOWN_VERSIONS = 200
"""How many of the newest versions count as mixes that need no training."""


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
class Callbacks:
    """Callbacks of an attribution; each may raise to stop it."""

    confirm: Callable[[Estimate], None] = lambda _: None
    """Called before anything is trained."""
    reevaluated: Callable[[Reevaluation], None] = lambda _: None
    """Called before the first training with what could be measured without any."""
    progress: Callable[[int, int, Coalition, int], None] | None = None


def attribute(
    catalog: Catalog,
    old: Entry,
    new: Entry,
    metric: str,
    options: Options,
    *,
    seeds: int = 3,
    callbacks: Callbacks | None = None,
) -> Attribution:
    """Allocate the change of a metric between two versions to what differs between them.

    Mixes of the two are trained in sandboxes; what is known from past versions or from an earlier call is not trained
    again, so that it goes on where it was stopped. Each mix is trained with so many `seeds`, three or more. Storing the
    analysis is for the caller.

    Raises:
        AttributionError: nothing differs, the metric is not in both, or one of the two cannot be made again.
        LineageError: data or an environment is gone.
    """
    callbacks, started = callbacks or Callbacks(), datetime.now(UTC)
    mixes = open_mixes(catalog, old, new, metric, options)
    callbacks.confirm(estimate(mixes, old, new, seeds))
    measured = reevaluate(old, new, metric, options)
    callbacks.reevaluated(measured)
    game = Game(mixes, range(seeds), progress=callbacks.progress)
    return Attribution(
        old=_version(old),
        new=_version(new),
        metric=metric,
        direction=new.record.direction(metric),
        reevaluation=measured,
        allocation=allocate(game, mixes.players),
        by=account(),
        host=socket.gethostname(),
        started=started,
        finished=datetime.now(UTC),
    )


class _Stopped(Exception):  # noqa: N818  # no error: it ends a game when it asks for what is not known
    """A game needs mixes that have not been trained."""


def next_batch(mixes: RetrainedMixes, seeds: int) -> Sequence[tuple[Coalition, int]]:
    """Return the mixes, each with its seed, that the game would train next; they do not depend on each other.

    Nothing where all that is needed is known. First come the repeats of the two versions, then one at a time.

    Raises:
        AttributionError: one of the two versions cannot be made again.
    """
    pending: list[tuple[Coalition, int]] = []

    def stop(batch: Batch) -> None:
        pending.extend(run for run in batch.runs if not mixes.is_known(*run))
        if pending:
            raise _Stopped

    with contextlib.suppress(_Stopped):
        allocate(Game(mixes, range(seeds), before_batch=stop), mixes.players)
    return pending


def open_mixes(catalog: Catalog, old: Entry, new: Entry, metric: str, options: Options) -> RetrainedMixes:
    """Return the mixes of two versions, with what is known of them already.

    Raises:
        AttributionError: nothing differs, the metric is not in both, or what trained one of them is not recorded.
    """
    unknown = [entry.ref for entry in (old, new) if entry.record.code.source is None]
    if unknown:
        what = f"{' and '.join(unknown)} cannot be trained again: which function did it is not recorded"
        raise AttributionError(what, fix="compare what is known of them: lineage diff")
    known = [old, new, *catalog.entries(old.model, limit=_KNOWN_VERSIONS)]
    return RetrainedMixes(old, new, metric, options, MixCache(mixes_folder(), known))


def estimate(mixes: RetrainedMixes, old: Entry, new: Entry, seeds: int) -> Estimate:
    """Say what an attribution takes, as far as that is known beforehand."""
    fewest, most = cost(len(mixes.players), seeds)
    both = (frozenset[str](), frozenset(each.name for each in mixes.players))
    known = sum(mixes.is_known(mix, seed) for mix in both for seed in range(seeds))
    took = [(each.record.run.finished - each.record.run.started).total_seconds() for each in (old, new)]
    return Estimate(players=mixes.players, fewest=fewest, most=most, known=known, seconds=sum(took) / len(took))


def _version(entry: Entry) -> AttributedVersion:
    return AttributedVersion(record=entry.digest, model=entry.model, version=entry.version)
