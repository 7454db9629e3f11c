"""Alias history: the decisions about a model, and which version an alias names now or named at a past time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.records.decisions.decision import Decision, decode_decision
from lineage_pipelines.records.values.codec import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDecision:
    """A decision in the log."""

    seq: int
    at: datetime
    """When it was committed, in UTC."""
    decision: Decision


def list_decisions(
    catalog: Catalog, model: str, alias: str | None = None, *, version: int | None = None
) -> Sequence[LoggedDecision]:
    """Return the decisions about a model, oldest first.

    Args:
        catalog: the catalog.
        model: the model's name.
        alias: only those about this alias.
        version: only those about this version.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid decision.
    """
    return [
        LoggedDecision(seq=entry.seq, at=parse_time(entry.recorded), decision=decode_decision(entry.body))
        for entry in catalog.registry.decisions_of(model, alias, version=version)
    ]


def find_holder(catalog: Catalog, model: str, alias: str, *, at: datetime | None = None) -> Entry | None:
    """Return the version that an alias names, None if it names none.

    Args:
        catalog: the catalog.
        model: the model's name.
        alias: `production`, for example.
        at: the instant to answer for; now by default.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    version = catalog.index.alias_version(model, alias, at=at)
    return catalog.get(model, version) if version is not None else None


def aliases_of(catalog: Catalog, entry: Entry) -> tuple[str, ...]:
    """Return the aliases that name a version now, sorted.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    return tuple(
        alias for _, alias, version in catalog.index.current_aliases([entry.model]) if version == entry.version
    )
