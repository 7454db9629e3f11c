"""Alias comparison: what the assets of aliases show in Dagster, and what their aliases name by the log.

Every decision that moves an alias waits in the outbox until the asset of the alias shows it. Only the newest decision
is reported: it says what the alias names now.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.orchestration.operations.event_pages import walk_materializations
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.orchestration.ui.alias_page import AliasAsset, alias_event, alias_key
from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus
from lineage_pipelines.records.values.model_name import scoped

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.queries.registry.alias_history import LoggedDecision

GRACE = timedelta(seconds=10)
"""Minimum age of a decision that its alias's asset does not show: before, the run that made it may still report it."""


def known_alias_assets(instance: dg.DagsterInstance, catalog: "Catalog") -> Iterator[AliasAsset]:
    """Yield the assets of aliases that have events in an instance, where the code location cannot be asked."""
    for name, key in _model_keys(catalog).items():
        for alias in sorted({each.decision.alias_name for each in _moves(catalog, name)}):
            asset = AliasAsset(model=name, alias=alias, key=alias_key(key, alias))
            if instance.has_asset_key(asset.key):
                yield asset


def _model_keys(catalog: "Catalog") -> dict[str, dg.AssetKey]:
    latest = (catalog.latest(model.name) for model in catalog.models())
    return {
        entry.model: dg.AssetKey.from_user_string(entry.record.model.asset_key) for entry in latest if entry is not None
    }


def _moves(catalog: "Catalog", model: str) -> "Sequence[LoggedDecision]":
    from lineage_pipelines.queries.registry.alias_history import list_decisions

    return [each for each in list_decisions(catalog, model) if each.decision.moves_alias]


def compare_aliases(
    instance: dg.DagsterInstance,
    catalog: "Catalog",
    assets: Sequence[AliasAsset],
    grace: timedelta,
    *,
    dry_run: bool,
    since: int | None,
) -> Iterator[Finding]:
    """Raise an alarm for events that name what an alias never named; report what aliases name where it is not shown.

    Args:
        instance: Dagster's instance.
        catalog: the catalog, open for writing unless `dry_run`.
        assets: the assets of aliases.
        grace: younger decisions are left alone, at most 10 seconds.
        dry_run: whether nothing is reported.
        since: only events after this one are looked at for alarms, by Dagster's storage id; all by default.
    """
    for asset in assets:
        moves = [each for each in _moves(catalog, asset.model) if each.decision.alias_name == asset.alias]
        yield from _alarms(instance, asset, moves, since)
        # In the order of the log the last decision of each partition remains.
        for newest in {each.decision.alias: each for each in moves}.values():
            yield from _report(instance, catalog, asset, newest, min(grace, GRACE), dry_run=dry_run)


def _alarms(
    instance: dg.DagsterInstance, asset: AliasAsset, moves: "Sequence[LoggedDecision]", since: int | None
) -> Iterator[Finding]:
    named = {_shown_by(each) for each in moves}
    for record in walk_materializations(instance, asset.key, since):
        shown = _shown(record.asset_materialization)
        if shown not in named:
            yield Finding(
                kind=FindingKind.EVENT_WITHOUT_DECISION,
                subject=asset.key.to_user_string(),
                status=FindingStatus.ALARM,
                detail=f"run {record.run_id or 'none'}: {asset.alias} of {asset.model} never named {shown.text}",
            )


@dataclass(frozen=True, slots=True)
class _Shown:
    """What an event says that an alias names."""

    record: str | None
    version: object

    @property
    def text(self) -> str:
        if self.record is None:
            return "no version" if self.version is None else f"version {self.version}"
        return f"version {self.version} with the record {self.record}"


def _shown(event: dg.AssetMaterialization | None) -> _Shown:
    found = event.metadata if event is not None else {}
    record, version = found.get(metadata_keys.LINEAGE_RECORD), found.get(metadata_keys.MODEL_VERSION)
    return _Shown(str(record.value) if record else None, version.value if version else None)


def _shown_by(decided: "LoggedDecision") -> _Shown:
    decision = decided.decision
    return _Shown(str(decision.record) if decision.record else None, decision.version)


def _report(
    instance: dg.DagsterInstance,
    catalog: "Catalog",
    asset: AliasAsset,
    decided: "LoggedDecision",
    grace: timedelta,
    *,
    dry_run: bool,
) -> Iterator[Finding]:
    about = _about(catalog, decided)
    if about is None:
        return
    entry = about if decided.decision.version is not None else None
    event = alias_event(asset, decided, entry, about)
    status = FindingStatus.REPORTED
    if _is_shown(_latest(instance, event), event):
        if not dry_run:
            mark_shown(catalog, decided)
        return
    if datetime.now(UTC) - decided.at < grace:
        status = FindingStatus.WAITING
    elif dry_run:
        status = FindingStatus.TO_BE_REPORTED
    else:
        instance.report_runless_asset_event(event)
        mark_shown(catalog, decided)
    yield Finding(
        kind=FindingKind.DECISION_WITHOUT_EVENT,
        subject=f"{scoped(asset.model, decided.decision.identity)}@{asset.alias}",
        status=status,
        detail=f"entry {decided.seq}: {event.description}",
        places=(decided.seq,),
    )


def _about(catalog: "Catalog", decided: "LoggedDecision") -> "Entry | None":
    """Return the version that an alias names, or of a retired one the version that it named before."""
    decision = decided.decision
    if decision.version is not None:
        return catalog.get(decision.model, decision.version)
    return catalog.by_digest(decision.previous.hex) if decision.previous is not None else None


def _latest(instance: dg.DagsterInstance, event: Any) -> dg.AssetMaterialization | None:  # noqa: ANN401
    partitions = [event.partition] if event.partition is not None else None
    asked = dg.AssetRecordsFilter(asset_key=event.asset_key, asset_partitions=partitions)
    return next((each.asset_materialization for each in instance.fetch_materializations(asked, limit=1).records), None)


def _is_shown(latest: dg.AssetMaterialization | None, event: Any) -> bool:  # noqa: ANN401
    if latest is None or _shown(latest) != _shown(event):
        return False
    # An event of an earlier release does not say on which decision it rests.
    entry = latest.metadata.get(metadata_keys.DECISION_ENTRY)
    return entry is None or entry == event.metadata[metadata_keys.DECISION_ENTRY]


def mark_shown(catalog: "Catalog", decided: "LoggedDecision") -> None:
    """Record that the asset of an alias shows a decision: what was decided before it need not be shown any more.

    Raises:
        CatalogError: the catalog cannot be written.
    """
    decision = decided.decision
    until = catalog.registry.decisions_of(decision.model, decision.alias, until=decided.seq)
    catalog.outbox.mark_delivered(DAGSTER, list(until))
