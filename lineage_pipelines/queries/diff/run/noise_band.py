"""Noise band: how much a metric moves by itself, measured over versions that were made from the same recipe."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import Evaluation

_MIN_REPEATS = 3
"""Fewer have no standard deviation worth reporting."""
_MAX_REPEATS = 20
_MAX_RECIPES = 6
"""Recipes that are tried, newest first."""


def band_name(metric: str, slice_: str = "") -> str:
    """Return what the band of a metric is called: `roc_auc`, and of a slice `roc_auc of origin=LGA`."""
    return f"{metric} of {slice_}" if slice_ else metric


MAX_VERSIONS = 50
"""How many versions, newest first, are searched for repeats of one recipe."""


def measure_noise(entries: Iterable[Entry]) -> Mapping[str, float]:
    """Return two standard deviations of each metric over repeats; empty where no recipe was repeated often enough.

    Repeats are versions whose data, code, parameters, environment and evaluated snapshot are equal, so that only the
    seed may differ: three at least. Of several repeated recipes the one with the newest version counts. A metric that
    is the same in all of them, because the seed is, has no band.

    Args:
        entries: versions of one model, newest first.
    """
    waiting = list(entries)
    for _ in range(_MAX_RECIPES):
        if len(waiting) < _MIN_REPEATS:
            break
        newest, *others = waiting
        repeats = [newest, *_repeats(newest, others)]
        if len(repeats) >= _MIN_REPEATS and (bands := _bands([entry.record for entry in repeats])):
            return bands
        used = set(map(id, repeats))
        waiting = [entry for entry in others if id(entry) not in used]
    return {}


def _repeats(newest: Entry, others: Iterable[Entry]) -> Iterator[Entry]:
    """Those of the others with the same recipe, a limited number.

    Digests that the bytes of a repeat must contain are searched for first: decoding takes a hundred times as long.
    """
    recipe, digests = _recipe(newest.record), _digests(newest.record)
    if recipe is None:
        return
    likely = (entry for entry in others if all(digest in entry.body for digest in digests))
    yield from (entry for entry in islice(likely, _MAX_REPEATS) if _recipe(entry.record) == recipe)


def _recipe(record: LineageRecord) -> Sequence[object] | None:
    """All that a version is made from but for its seed; None where that is not known in full."""
    data = [(each.name, each.role, each.digest.sha256) for each in record.data]
    source = record.code.source
    if not data or source is None or any(sha256 is None for _, _, sha256 in data):
        return None
    # Which library recorded it, and what else its process had imported, changes no model.
    environment = replace(record.environment, recorder=None, imported=None)
    parameters = {name: (type(value), value) for name, value in record.parameters.items() if name != "seed"}
    measured = record.measured_on.name if record.measured_on else None
    return (
        record.model.partition,
        data,
        source.entry,
        source.digest,
        environment,
        parameters,
        measured,
        record.artifact.estimator,
    )


def _digests(record: LineageRecord) -> Sequence[bytes]:
    digests = [each.digest.sha256 or "" for each in record.data]
    return [text.encode() for text in (*digests, str(record.environment.packages)) if text]


def _bands(repeats: Sequence[LineageRecord]) -> dict[str, float]:
    measured = [dict(_measured(record.evaluation)) if record.evaluation else {} for record in repeats]
    names = set.intersection(*(set(each) for each in measured))
    spread = {name: 2 * statistics.stdev([each[name] for each in measured]) for name in sorted(names)}
    return {name: band for name, band in spread.items() if band > 0}


def _measured(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    for name, value in evaluation.metrics.items():
        yield band_name(name), value
    for part in evaluation.slices:
        for name, value in part.metrics.items():
            yield band_name(name, f"{part.name}={part.value}"), value
