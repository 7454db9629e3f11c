"""What a crash left behind between the catalog and Dagster, found and put right.

The catalog is the truth. A record whose event was lost is reported again; an event that no record stands behind is
an alarm, for anybody who reaches the webserver can post one, and is left where it is.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.orchestration import metadata
from lineage_pipelines.orchestration.lineage_resource import LineageResource

if TYPE_CHECKING:
    from lineage_pipelines.catalog import Catalog, Entry

GRACE = timedelta(minutes=1)
"""How young a record may be before it is missed: its step may be about to report it."""
_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One thing that did not fit."""

    what: str
    """`record without event` or `event without record`."""
    subject: str
    done: str
    """`reported`, `to be reported`, `waiting` or `ALARM`."""
    detail: str


def reconcile(
    instance: dg.DagsterInstance, catalog: "Catalog", *, grace: timedelta = GRACE, dry_run: bool = False
) -> tuple[Reconciled, ...]:
    """Compare every version with Dagster's events, and report what was lost.

    Args:
        instance: Dagster's instance.
        catalog: the catalog.
        grace: younger records are waited for.
        dry_run: whether nothing is reported.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    found: list[Reconciled] = []
    for model in catalog.models():
        entries = catalog.entries(model.name)
        for key in sorted({entry.record.model.asset_key for entry in entries}):
            ours = [entry for entry in entries if entry.record.model.asset_key == key]
            found.extend(_reconcile_asset(instance, dg.AssetKey.from_user_string(key), ours, grace, dry_run=dry_run))
    return tuple(found)


def _reconcile_asset(
    instance: dg.DagsterInstance, key: dg.AssetKey, entries: "Sequence[Entry]", grace: timedelta, *, dry_run: bool
) -> Iterator[Reconciled]:
    events = list(_events(instance, key))
    told = {digest for digest, _ in events}
    known = {f"sha256:{entry.digest.hex}" for entry in entries}
    for digest, run in events:
        if digest not in known:
            detail = f"run {run or 'none'}: " + (f"no record is {digest}" if digest else "it names no record")
            subject = key.to_user_string()
            yield Reconciled(what="event without record", subject=subject, done="ALARM", detail=detail)
    for entry in reversed(entries):
        if f"sha256:{entry.digest.hex}" not in told:
            yield _report(instance, key, entry, entries, grace, dry_run=dry_run)


def _events(instance: dg.DagsterInstance, key: dg.AssetKey) -> Iterator[tuple[str | None, str]]:
    """The record that each materialization names, and its run."""
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(key, limit=_AT_ONCE, cursor=cursor)
        for record in page.records:
            event = record.asset_materialization
            value = event.metadata.get(metadata.LINEAGE_RECORD) if event else None
            yield (str(value.value) if value is not None else None), record.run_id
        if not page.has_more:
            return
        cursor = page.cursor


def _report(
    instance: dg.DagsterInstance,
    key: dg.AssetKey,
    entry: "Entry",
    entries: "Sequence[Entry]",
    grace: timedelta,
    *,
    dry_run: bool,
) -> Reconciled:
    from lineage_pipelines.orchestration.definition import Outcome
    from lineage_pipelines.orchestration.model_events import input_versions, model_metadata

    what = "record without event"
    run = entry.record.run.dagster
    detail = f"committed by run {run.run_id if run else 'unknown'}"
    if datetime.now(UTC) - entry.recorded < grace:
        return Reconciled(what=what, subject=entry.ref, done="waiting", detail=detail)
    if dry_run:
        return Reconciled(what=what, subject=entry.ref, done="to be reported", detail=detail)
    previous = next((other for other in entries if other.version == entry.version - 1), None)
    outcome = Outcome(entry=entry, trained=None, previous=previous, baseline=None)
    event = dg.AssetMaterialization(
        asset_key=key,
        partition=run.partition if run else None,
        description=f"Reported by reconcile: {entry.ref} was committed, and its event was lost.",
        metadata=model_metadata(outcome),
        tags={"dagster/data_version": entry.record.artifact.digest.hex, **input_versions(entry.record)},
    )
    instance.report_runless_asset_event(event)
    return Reconciled(what=what, subject=entry.ref, done="reported", detail=detail)


def reconcile_here(catalog: "Catalog", *, dry_run: bool = False) -> tuple[Reconciled, ...]:
    """Reconcile with the instance of `DAGSTER_HOME`.

    Raises:
        NotFoundError: `DAGSTER_HOME` is not set.
        CatalogError: the catalog cannot be read.
    """
    if not os.environ.get("DAGSTER_HOME"):
        raise NotFoundError("DAGSTER_HOME is not set, so Dagster's events are nowhere", fix="export DAGSTER_HOME=…")
    with dg.DagsterInstance.get() as instance:
        return reconcile(instance, catalog, dry_run=dry_run)


def build_reconcile_sensor(*, name: str = "reconcile", seconds: int = 300) -> dg.SensorDefinition:
    """Return the sensor that reconciles from time to time. It is off until someone turns it on.

    It launches nothing: what it found is in its tick, and alarms are in its log. It needs the resource `lineage`.
    """

    @dg.sensor(
        name=name,
        minimum_interval_seconds=seconds,
        description="Report versions whose event was lost; raise an alarm for events without a record.",
    )
    def sensor(context: dg.SensorEvaluationContext, lineage: LineageResource) -> dg.SkipReason:
        with lineage.open_catalog() as catalog:
            found = reconcile(context.instance, catalog)
        for each in found:
            log = context.log.error if each.done == "ALARM" else context.log.warning
            log("%s: %s, %s (%s)", each.what, each.subject, each.done, each.detail)
        words = [f"{each.subject}: {each.what}, {each.done}" for each in found]
        return dg.SkipReason("; ".join(words)[:1000] if words else "catalog and events agree")

    return sensor
