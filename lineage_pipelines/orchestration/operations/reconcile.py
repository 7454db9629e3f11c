"""Reconcile: find and repair what a crash left behind, between the catalog and Dagster and on this machine.

The catalog is the truth. A record or a decision whose event was lost is reported again; an event without one is an
alarm, since anyone who reaches the webserver can post one, and is left where it is. Attempts whose process is dead are
given up, and their files are removed.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.ui.alias_page import AliasAsset, defined_alias_assets
from lineage_pipelines.records.values.finding import Finding, FindingStatus

if TYPE_CHECKING:
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.orchestration.operations.run_comparison import PlannedTraining

GRACE = timedelta(minutes=1)
"""Minimum age of a record without an event: before, its step may still report it."""
OLD = timedelta(hours=24)
"""Age at which a temporary file counts as abandoned."""


def reconcile(
    instance: dg.DagsterInstance,
    catalog: "Catalog",
    *,
    artifacts: "ArtifactStore | None" = None,
    grace: timedelta = GRACE,
    older_than: timedelta = OLD,
    dry_run: bool = False,
    since: int | None = None,
    aliases: Sequence[AliasAsset] | None = None,
    trainings: "Trainings | None" = None,
) -> tuple[Finding, ...]:
    """Compare versions and aliases with Dagster's events, attempts with processes, look for abandoned files; repair.

    Args:
        instance: Dagster's instance.
        catalog: the catalog, open for writing unless `dry_run`.
        artifacts: the store whose half-written files are looked for.
        grace: younger records, and attempts at a distance, are waited for.
        older_than: younger temporary files are left.
        dry_run: whether nothing is changed.
        since: only events after this one are looked at, by Dagster's storage id; all by default.
        aliases: the assets of aliases that a code location defines; by default those that the instance has events of.
        trainings: the runs of model assets that are compared with records, and the models of a code location; by
            default every run of the models in the catalog.

    Raises:
        CatalogError: the catalog cannot be read or written.
    """
    from lineage_pipelines.orchestration.operations.alias_comparison import compare_aliases, known_alias_assets
    from lineage_pipelines.orchestration.operations.event_comparison import compare_events
    from lineage_pipelines.orchestration.operations.orphans import clear_temporary_files, give_up_attempts

    watched = trainings or Trainings()
    shown = list(known_alias_assets(instance, catalog)) if aliases is None else aliases
    return (
        *compare_events(instance, catalog, grace, dry_run=dry_run, since=since),
        *compare_aliases(instance, catalog, shown, grace, dry_run=dry_run, since=since),
        *watched.compare(instance, catalog, since),
        *give_up_attempts(instance, catalog, grace, dry_run=dry_run),
        *clear_temporary_files(artifacts, older_than, dry_run=dry_run),
    )


@dataclass(slots=True)
class Trainings:
    """The runs of model assets that are compared with records."""

    models: Mapping[str, str] = field(default_factory=dict)
    """Models beside those of the catalog: the name by asset key."""
    open_: Sequence["PlannedTraining"] = ()
    """Those whose run had not ended, and has to be looked at again; those of now after `compare`."""

    def compare(self, instance: dg.DagsterInstance, catalog: "Catalog", since: int | None) -> Sequence[Finding]:
        """Return the alarms of the runs that were launched since an event, and of those that had not ended."""
        from lineage_pipelines.orchestration.operations.run_comparison import (
            compare_runs,
            planned_trainings,
            recorded_models,
        )

        models = {**self.models, **recorded_models(catalog)}
        planned = [*self.open_, *planned_trainings(instance, sorted(models), since)]
        self.open_, found = compare_runs(instance, catalog, models, planned)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorCursor:
    """What the sensor knows from its last tick."""

    since: int | None = None
    """The newest event then, by Dagster's storage id."""
    open_: Sequence["PlannedTraining"] = ()

    @classmethod
    def read(cls, text: str | None) -> "SensorCursor":
        """Read a cursor, also one of an earlier release, which was the event alone."""
        from lineage_pipelines.orchestration.operations.run_comparison import PlannedTraining

        value = json.loads(text) if text else {}
        if isinstance(value, int):
            return cls(since=value)
        return cls(since=value.get("since"), open_=tuple(PlannedTraining(*each) for each in value.get("open", ())))

    def text(self) -> str:
        """Return the cursor as Dagster stores it."""
        return json.dumps({"since": self.since, "open": [[o.run, o.key, o.partition] for o in self.open_]})


def reconcile_here(
    catalog: "Catalog", *, artifacts: "ArtifactStore | None" = None, older_than: timedelta = OLD, dry_run: bool = False
) -> tuple[Finding, ...]:
    """Reconcile with the instance of `DAGSTER_HOME`.

    Raises:
        NotFoundError: `DAGSTER_HOME` is not set, or names no folder.
        CatalogError: the catalog cannot be read or written.
    """
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        raise NotFoundError("DAGSTER_HOME is not set, so Dagster's events cannot be found", fix="export DAGSTER_HOME=…")
    if not (Path(home).is_absolute() and Path(home).is_dir()):
        raise NotFoundError("DAGSTER_HOME is not a folder", where=home, fix="export DAGSTER_HOME=/an/absolute/folder")
    with dg.DagsterInstance.get() as instance:
        return reconcile(instance, catalog, artifacts=artifacts, older_than=older_than, dry_run=dry_run)


def build_reconcile_sensor(*, name: str = "reconcile", seconds: int = 30) -> dg.SensorDefinition:
    """Return the sensor that reconciles at intervals. It is on.

    Decisions of the command line are shown on the assets of their aliases, as far as the code location defines them.
    It launches no run: its findings are in the tick, and alarms are in its log. Each tick looks at the events since the
    last one. It needs the resource `lineage`.
    """

    @dg.sensor(
        name=name,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Show what was decided on the command line; report versions whose event was lost; raise an alarm "
        "for events without a record or a decision.",
    )
    def sensor(context: dg.SensorEvaluationContext, lineage: LineageResource) -> dg.SkipReason:
        newest = context.instance.event_log_storage.get_maximum_record_id()
        cursor = SensorCursor.read(context.cursor)
        from lineage_pipelines.orchestration.operations.run_comparison import defined_models

        repository = context.repository_def
        aliases = list(defined_alias_assets(repository)) if repository is not None else None
        trainings = Trainings(defined_models(repository) if repository is not None else {}, cursor.open_)
        with lineage.open_catalog() as catalog:
            found = reconcile(
                context.instance,
                catalog,
                artifacts=lineage.open_artifacts(),
                since=cursor.since,
                aliases=aliases,
                trainings=trainings,
            )
        for each in found:
            log = context.log.error if each.status is FindingStatus.ALARM else context.log.warning
            log("%s: %s, %s (%s)", each.kind, each.subject, each.status, each.detail)
        context.update_cursor(SensorCursor(since=newest or 0, open_=trainings.open_).text())
        words = [f"{each.subject}: {each.kind}, {each.status}" for each in found]
        return dg.SkipReason("; ".join(words)[:1000] if words else "nothing to reconcile")

    return sensor
