"""Alias history: the decisions about a model, and which version an alias names now or named at a past time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.records.decisions.decision import Decision, decode_decision
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.model_name import PRODUCTION, scoped, split_scoped


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
        alias: only those about this alias, as decisions have it: of a partition `production[west]`.
        version: only those about this version.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid decision.
    """
    return [
        LoggedDecision(seq=entry.seq, at=parse_time(entry.recorded), decision=decode_decision(entry.body))
        for entry in catalog.registry.decisions_of(model, alias, version=version)
    ]


def named_at(decided: Sequence[LoggedDecision], instant: datetime) -> Sequence[LoggedDecision]:
    """Return the decisions, of some in order, that said at an instant what an alias names: one for each partition.

    The order is the log's: what a clock dated back counts from the entry before it on, as in `find_holder`.
    """
    last: dict[str, LoggedDecision] = {}
    later: set[str] = set()
    for each in decided:
        alias = each.decision.alias
        if each.at > instant:
            later.add(alias)
        elif alias not in later and each.decision.moves_alias:
            last[alias] = each
    return sorted(last.values(), key=lambda each: each.seq)


def find_holder(
    catalog: Catalog, model: str, alias: str, *, identity: str | None = None, at: datetime | None = None
) -> Entry | None:
    """Return the version that an alias names, None if it names none.

    Args:
        catalog: the catalog.
        model: the model's name.
        alias: `production`, for example.
        identity: the identity of a partition, each of which has its own `production`; None for the model without.
        at: the instant to answer for; now by default.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    version = catalog.index.alias_version(model, scoped(alias, identity), at=at)
    return catalog.get(model, version) if version is not None else None


def find_decision(catalog: Catalog, model: str, alias: str, *, identity: str | None = None) -> LoggedDecision | None:
    """Return the decision since which an alias names its version without a break; None if it names none.

    Args:
        catalog: the catalog.
        model: the model's name.
        alias: `production`, for example.
        identity: the identity of a partition; None for the model without.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid decision.
    """
    since: LoggedDecision | None = None
    for each in list_decisions(catalog, model, scoped(alias, identity)):
        if each.decision.moves_alias:
            goes_on = since is not None and since.decision.version == each.decision.version
            since = since if goes_on else each
    return since if since is not None and since.decision.version is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which aliases name a version now."""

    live: Sequence[LoggedDecision]
    """For each of them, by name, the decision since which it names the version without a break."""
    production: int | None
    """The version of its partition that is in production, this one or another."""


def find_standing(catalog: Catalog, entry: Entry) -> Standing:
    """Return which aliases name a version now, and since when.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid decision.
    """
    holders = [(alias, version) for _, alias, version in catalog.index.current_aliases([entry.model])]
    named = [split_scoped(alias) for alias, version in holders if version == entry.version]
    found = [find_decision(catalog, entry.model, alias, identity=identity) for alias, identity in named]
    live = [each for each in found if each is not None]
    return Standing(live=live, production=dict(holders).get(scoped(PRODUCTION, entry.identity)))


def aliases_of(catalog: Catalog, entry: Entry) -> tuple[str, ...]:
    """Return the aliases that name a version now, sorted, without the partition: it is the version's own.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    return tuple(
        split_scoped(alias)[0]
        for _, alias, version in catalog.index.current_aliases([entry.model])
        if version == entry.version
    )


def live_identities(catalog: Catalog, model: str, alias: str) -> tuple[str | None, ...]:
    """Return the partitions of a model in which an alias names a version now, by identity; None is the model without.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    named = (split_scoped(each) for _, each, _ in catalog.index.current_aliases([model]))
    return tuple(identity for name, identity in named if name == alias)
