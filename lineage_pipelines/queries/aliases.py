"""Which version an alias names, now or on any past day, folded from the decisions in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_pipelines.catalog import Catalog, Entry
from lineage_pipelines.records import Decision, decode_decision, parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision and its place."""

    seq: int
    at: datetime
    """When it was committed, in UTC."""
    decision: Decision


def list_decisions(catalog: Catalog, model: str, alias: str | None = None) -> Sequence[Decided]:
    """Return the decisions about a model, oldest first.

    Args:
        catalog: the catalog.
        model: the model's name.
        alias: only those about this alias.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is no decision.
    """
    found = []
    for entry in catalog.walk("decision"):
        decision = decode_decision(entry.body)
        if decision.model == model and alias in (None, decision.alias):
            found.append(Decided(seq=entry.seq, at=parse_time(entry.recorded), decision=decision))
    return found


def find_holder(catalog: Catalog, model: str, alias: str, *, at: datetime | None = None) -> Entry | None:
    """Return the version that an alias names, or None.

    Args:
        catalog: the catalog.
        model: the model's name.
        alias: `production`, for example.
        at: at which instant; now by default.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    version = None
    for decided in list_decisions(catalog, model, alias):
        if at is not None and decided.at > at:
            break
        if decided.decision.moves_alias:
            version = decided.decision.version
    return catalog.get(model, version) if version is not None else None


def aliases_of(catalog: Catalog, entry: Entry) -> tuple[str, ...]:
    """Return the aliases that name a version now, sorted.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    named: dict[str, int | None] = {}
    for decided in list_decisions(catalog, entry.model):
        if decided.decision.moves_alias:
            named[decided.decision.alias] = decided.decision.version
    return tuple(sorted(alias for alias, version in named.items() if version == entry.version))
