"""Event comparison: versions of the catalog without a Dagster event, and events without a version."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.orchestration.operations.event_pages import walk_materializations
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.records.statement.lineage_record import decode_identity
from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Event:
    """A materialization of a model's asset."""

    digest: str | None
    """The record that it names, as `sha256:…`."""
    run: str


def compare_events(
    instance: dg.DagsterInstance, catalog: "Catalog", grace: timedelta, *, dry_run: bool, since: int | None
) -> Iterator[Finding]:
    """Raise an alarm for events without a record; report versions whose event was lost.

    Args:
        instance: Dagster's instance.
        catalog: the catalog, open for writing unless `dry_run`.
        grace: younger records are left alone.
        dry_run: whether nothing is reported.
        since: only events after this one are looked at, by Dagster's storage id; all by default.
    """
    waiting = catalog.outbox.pending_versions(DAGSTER)
    keys = {entry.record.model.asset_key for entry in waiting} | _asset_keys(catalog, every=since is None)
    events = {key: list(_events(instance, key, since)) for key in sorted(keys)}
    yield from _alarms(catalog, events)
    reported = {event.digest for found in events.values() for event in found}
    arrived = [entry for entry in waiting if str(entry.digest) in reported]
    for entry in waiting:
        if str(entry.digest) not in reported:
            found = _report(instance, catalog, entry, grace, dry_run=dry_run)
            arrived += [entry] if found.status is FindingStatus.REPORTED else []
            yield found
    if arrived and not dry_run:
        catalog.outbox.mark_delivered(DAGSTER, arrived)


def _asset_keys(catalog: "Catalog", *, every: bool) -> set[str]:
    if every:
        return {decode_identity(entry.body)[0].asset_key for entry in catalog.log.walk("record")}
    latest = (catalog.latest(model.name) for model in catalog.models())
    return {entry.record.model.asset_key for entry in latest if entry is not None}


def _events(instance: dg.DagsterInstance, key: str, since: int | None) -> Iterator[_Event]:
    for record in walk_materializations(instance, dg.AssetKey.from_user_string(key), since):
        event = record.asset_materialization
        value = event.metadata.get(metadata_keys.LINEAGE_RECORD) if event else None
        yield _Event(str(value.value) if value is not None else None, record.run_id)


def _alarms(catalog: "Catalog", events: Mapping[str, Sequence[_Event]]) -> Iterator[Finding]:
    for key, found in events.items():
        for event in found:
            if not _has_record(catalog, key, event.digest):
                named = f"the asset has no record {event.digest}" if event.digest else "it names no record"
                yield Finding(
                    kind=FindingKind.EVENT_WITHOUT_RECORD,
                    subject=key,
                    status=FindingStatus.ALARM,
                    detail=f"run {event.run or 'none'}: {named}",
                )


def _has_record(catalog: "Catalog", key: str, digest: str | None) -> bool:
    algorithm, _, text = (digest or "").partition(":")
    if algorithm != "sha256" or len(text) != 64:  # noqa: PLR2004  # hex characters of a SHA-256
        return False
    try:
        return catalog.by_digest(text).record.model.asset_key == key
    except NotFoundError:
        return False


def _report(
    instance: dg.DagsterInstance, catalog: "Catalog", entry: "Entry", grace: timedelta, *, dry_run: bool
) -> Finding:
    from lineage_pipelines.orchestration.ui.materialization import input_versions, model_metadata
    from lineage_pipelines.orchestration.ui.page_comparison import build_outcome

    kind = FindingKind.RECORD_WITHOUT_EVENT
    run = entry.record.run.dagster
    detail = f"committed by run {run.run_id if run else 'unknown'}"
    if datetime.now(UTC) - entry.recorded < grace:
        return Finding(kind=kind, subject=entry.ref, status=FindingStatus.WAITING, detail=detail)
    if dry_run:
        return Finding(kind=kind, subject=entry.ref, status=FindingStatus.TO_BE_REPORTED, detail=detail)
    event = dg.AssetMaterialization(
        asset_key=dg.AssetKey.from_user_string(entry.record.model.asset_key),
        partition=run.partition if run else None,
        description=f"Reported by reconcile: {entry.ref} was committed, and its event was lost.",
        metadata=model_metadata(build_outcome(catalog, entry, log=_LOG.warning)),
        tags={"dagster/data_version": entry.record.artifact.digest.hex, **input_versions(entry.record)},
    )
    instance.report_runless_asset_event(event)
    return Finding(kind=kind, subject=entry.ref, status=FindingStatus.REPORTED, detail=detail)
