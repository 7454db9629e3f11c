"""Noise band: how much a metric moves by itself: measured over versions that were made from the same recipe."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.records.values.canonical import Json, parse_bytes

_LEAST = 3
"""Repeats from which on a standard deviation is said."""
_MOST = 20
"""Repeats that are read."""
_MOST_RECIPES = 6
"""Recipes that are looked at, newest first."""


def band_name(metric: str, slice_: str = "") -> str:
    """Return what the band of a metric is called: `roc_auc`, and of a slice `roc_auc of origin=LGA`."""
    return f"{metric} of {slice_}" if slice_ else metric


LOOKED_AT = 50
"""How many versions, newest first, are looked at for repeats of one recipe."""


def measure_noise(entries: Iterable[Entry]) -> Mapping[str, float]:
    """Return two standard deviations of each metric over repeats; empty where no recipe was repeated often enough.

    Repeats are versions whose data, code, parameters, environment and evaluated snapshot are equal, so that only the
    seed may differ: three at least. Of several repeated recipes the one with the newest version counts. A metric that
    is the same in all of them, because the seed is, says nothing of chance and has no band.

    Args:
        entries: versions of one model, newest first.
    """
    waiting, known = list(entries), cache(_said)
    for _ in range(_MOST_RECIPES):
        if len(waiting) < _LEAST:
            break
        newest, *others = waiting
        repeats = [newest, *_repeats(known(newest), others, known)]
        if len(repeats) >= _LEAST and (bands := _bands([known(entry) for entry in repeats])):
            return bands
        made_alike = set(map(id, repeats))
        waiting = [entry for entry in others if id(entry) not in made_alike]
    return {}


def _repeats(
    said: Mapping[str, Any], others: Iterable[Entry], known: Callable[[Entry], Mapping[str, Any]]
) -> Iterator[Entry]:
    """Those of the others with one recipe, as far as they are read.

    What a repeat's bytes cannot lack is looked for first: reading a record takes a hundred times as long.
    """
    recipe, marks = _recipe(said), _marks(said)
    if recipe is None:
        return
    likely = (entry for entry in others if all(mark in entry.body for mark in marks))
    yield from (entry for entry in islice(likely, _MOST) if _recipe(known(entry)) == recipe)


def _said(entry: Entry) -> Mapping[str, Any]:
    """The predicate as plain JSON: a few of its fields are enough."""
    statement: Any = parse_bytes(entry.body)
    predicate: Mapping[str, Any] = statement["predicate"]
    return predicate


def _recipe(said: Mapping[str, Any]) -> Json:
    """All that a version is made from but for its seed; None where that is not known in full."""
    data = [[each["name"], each["role"], each["digest"].get("sha256")] for each in said["data"]]
    source = said["code"].get("source")
    if not data or source is None or any(digest is None for _, _, digest in data):
        return None
    parameters = {name: value for name, value in said["parameters"].items() if name != "seed"}
    measured_on = said.get("evaluation", {}).get("snapshot")
    estimator = said["artifact"]["estimator"]
    return [data, source["entry"], source["digest"], said["environment"], parameters, measured_on, estimator]


def _marks(said: Mapping[str, Any]) -> Sequence[bytes]:
    digests = [each["digest"].get("sha256", "") for each in said["data"]]
    return [text.encode() for text in (*digests, said["environment"]["packages"]) if text]


def _bands(repeats: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    measured = [dict(_measured(said.get("evaluation", {}))) for said in repeats]
    names = set.intersection(*(set(each) for each in measured))
    spread = {name: 2 * statistics.stdev([each[name] for each in measured]) for name in sorted(names)}
    return {name: band for name, band in spread.items() if band > 0}


def _measured(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in evaluation.get("metrics", {}).items():
        yield band_name(name), float(value)
    for part in evaluation.get("slices", ()):
        for name, value in part["metrics"].items():
            yield band_name(name, f"{part['name']}={part['value']}"), float(value)
