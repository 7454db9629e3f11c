"""Baseline of a version: the one before it, the one in production, and the one that a new version has to beat."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.summary_index import SummarizedVersion
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.registry.alias_history import find_holder
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.model_name import PRODUCTION

_PAGE = 10
"""How many versions are read at a time: the answer is nearly always the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A version to compare with."""

    label: str
    """`flight_delay@3, in production`."""
    record: LineageRecord


def previous_version(catalog: Catalog, entry: Entry) -> Entry | None:
    """Return the version that this one follows, None where it is the first of its partition.

    Without a window of time: the version before it of the same identity, or without partition as it is. With one: the
    newest version of the next earlier window that has one, of the same identity, whenever it was committed.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    return next(earlier_versions(catalog, entry), None)


def earlier_versions(catalog: Catalog, entry: Entry) -> Iterator[Entry]:
    """Yield the versions before one, the nearest first: each is what the next nearer one follows.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    return _followed(catalog, entry.model, entry.partition, before=entry)


def preceding_versions(
    catalog: Catalog, model: str, versions: Sequence[SummarizedVersion]
) -> Mapping[int, SummarizedVersion]:
    """Return the version that each of some follows (see `previous_version`), by its place in the log.

    Args:
        catalog: the catalog.
        model: the model's name.
        versions: versions of the model, newest first.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    found: dict[int, SummarizedVersion] = {}
    known = {each.seq: each for each in versions}
    before: SummarizedVersion | None = None
    for each in reversed(versions):
        if each.summary.partition is None:
            before = before or next(_unpartitioned_before(catalog, model, each.version), None)
            previous, before = before, each
        else:
            place = next(_places_followed(catalog, model, each.summary.partition, before=each.seq), None)
            previous = known.get(place) or next(iter(catalog.index.summaries_at([place]))) if place else None
        if previous is not None:
            found[each.seq] = previous
    return found


def _unpartitioned_before(catalog: Catalog, model: str, version: int) -> Iterator[SummarizedVersion]:
    while page := catalog.index.summaries(model, limit=_PAGE, before=version):
        yield from (each for each in page if each.summary.partition is None)
        version = page[-1].version


def find_baseline(catalog: Catalog, model: str, partition: Partition | None = None) -> Baseline | None:
    """Return the version that a new one has to beat: the one in production, else the last accepted one.

    Both are of the same identity, and of no later window of time: a model of March does not have to beat that of April.

    Args:
        catalog: the catalog.
        model: the model's name.
        partition: the partition of the new version; None where it has none.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    live = find_holder(catalog, model, PRODUCTION, identity=partition.identity if partition else None)
    if live is not None and not _is_later(live.partition, partition):
        return Baseline(label=_in_production(live), record=live.record)
    accepted = accepted_version(catalog, model, partition)
    return Baseline(label=accepted.ref, record=accepted.record) if accepted else None


def _is_later(first: Partition | None, second: Partition | None) -> bool:
    windows = [partition.window if partition else None for partition in (first, second)]
    return windows[0] is not None and windows[1] is not None and windows[0] > windows[1]


def compared_versions(catalog: Catalog, entry: Entry) -> Sequence[tuple[str, Entry]]:
    """Return the versions that a committed one is compared with: the one before and the one in production, labelled.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    previous = previous_version(catalog, entry)
    live = find_holder(catalog, entry.model, PRODUCTION, identity=entry.identity)
    found = []
    if previous is not None and previous != live:
        found.append((f"{previous.ref}, the one before", previous))
    if live is not None and live != entry:
        found.append((_in_production(live), live))
    return found


def _in_production(entry: Entry) -> str:
    return f"{entry.ref}, in production"


def accepted_version(catalog: Catalog, model: str, partition: Partition | None = None) -> Entry | None:
    """Return the newest version whose blocking checks all passed, None if there is none.

    A version that failed its own gates is not a baseline.

    Args:
        catalog: the catalog.
        model: the model's name.
        partition: only versions that a new one of this partition follows.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    for entry in _followed(catalog, model, partition):
        evaluation = entry.record.evaluation
        checks = evaluation.checks if evaluation else ()
        if all(check.passed for check in checks if check.is_blocking):
            return entry
    return None


def _followed(
    catalog: Catalog, model: str, partition: Partition | None, *, before: Entry | None = None
) -> Iterator[Entry]:
    """Yield the versions that one of a partition follows, the nearest first.

    Args:
        catalog: the catalog.
        model: the model's name.
        partition: the partition; None where it has none.
        before: that version; None for one that is yet to be committed.
    """
    if partition is None:
        return (entry for entry in _newest_first(catalog, model, before) if entry.partition is None)
    places = _places_followed(catalog, model, partition, before=before.seq if before else None)
    return (entry for place in places for entry in catalog.log.versions_at([place]))


def _places_followed(catalog: Catalog, model: str, partition: Partition, *, before: int | None) -> Iterator[int]:
    if partition.window is not None:
        return catalog.index.places_before(model, partition)
    return catalog.index.places_of(model, partition.identity or "", before=before)


def _newest_first(catalog: Catalog, model: str, before: Entry | None) -> Iterator[Entry]:
    version = before.version if before else None
    while entries := catalog.entries(model, limit=_PAGE, before=version):
        yield from entries
        version = entries[-1].version
