"""Baseline of a version: the one before it, the one in production, and the one that a new version has to beat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.registry.alias_history import find_holder
from lineage_pipelines.records.statement.lineage_record import LineageRecord
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
    """Return the version before this one, None for the first.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    return catalog.get(entry.model, entry.version - 1) if entry.version > 1 else None


def find_baseline(catalog: Catalog, model: str) -> Baseline | None:
    """Return the version that a new one has to beat: the one in production, else the last accepted one.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    live = find_holder(catalog, model, PRODUCTION)
    if live is not None:
        return Baseline(label=_in_production(live), record=live.record)
    accepted = accepted_version(catalog, model)
    return Baseline(label=accepted.ref, record=accepted.record) if accepted else None


def compared_versions(catalog: Catalog, entry: Entry) -> Sequence[tuple[str, Entry]]:
    """Return the versions that a committed one is compared with: the one before and the one in production, labelled.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    previous, live = previous_version(catalog, entry), find_holder(catalog, entry.model, PRODUCTION)
    found = []
    if previous is not None and previous != live:
        found.append((f"{previous.ref}, the one before", previous))
    if live is not None and live != entry:
        found.append((_in_production(live), live))
    return found


def _in_production(entry: Entry) -> str:
    return f"{entry.ref}, in production"


def accepted_version(catalog: Catalog, model: str) -> Entry | None:
    """Return the newest version whose blocking checks all passed, None if there is none.

    A version that failed its own gates is not a baseline.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    for entry in _newest_first(catalog, model):
        evaluation = entry.record.evaluation
        checks = evaluation.checks if evaluation else ()
        if all(check.passed for check in checks if check.is_blocking):
            return entry
    return None


def _newest_first(catalog: Catalog, model: str) -> Iterator[Entry]:
    before: int | None = None
    while entries := catalog.entries(model, limit=_PAGE, before=before):
        yield from entries
        before = entries[-1].version
