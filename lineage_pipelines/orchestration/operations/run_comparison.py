"""Run comparison: runs of model assets that ended well without a record, and records whose run failed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from lineage_pipelines.orchestration.operations.event_pages import walk_planned
from lineage_pipelines.orchestration.training.model_asset import find_definition
from lineage_pipelines.orchestration.training.run_facts import run_key
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry

_AT_ONCE = 100


@dataclass(frozen=True, slots=True, order=True)
class PlannedTraining:
    """A model asset that a run was launched for."""

    run: str
    key: str
    """The asset, parts joined by `/`."""
    partition: str = ""
    """Empty for none."""


def defined_models(repository: dg.RepositoryDefinition) -> Mapping[str, str]:
    """Return the models that a code location defines: the name by asset key."""
    found = {key: find_definition(asset) for key, asset in repository.assets_defs_by_key.items()}
    return {key.to_user_string(): definition.name for key, definition in found.items() if definition is not None}


def recorded_models(catalog: "Catalog") -> Mapping[str, str]:
    """Return the models of a catalog: the name by asset key."""
    latest = (catalog.latest(model.name) for model in catalog.models())
    return {entry.record.model.asset_key: entry.model for entry in latest if entry is not None}


def planned_trainings(
    instance: dg.DagsterInstance, keys: Sequence[str], since: int | None
) -> Iterator[PlannedTraining]:
    """Yield the trainings that runs were launched for.

    Args:
        instance: Dagster's instance.
        keys: the assets of models.
        since: only those planned after this event, by Dagster's storage id; all by default.
    """
    for key in keys:
        for record in walk_planned(instance, dg.AssetKey.from_user_string(key), since):
            yield PlannedTraining(record.run_id, key, record.partition_key or "")


def compare_runs(
    instance: dg.DagsterInstance,
    catalog: "Catalog",
    models: Mapping[str, str],
    planned: Sequence[PlannedTraining],
) -> tuple[Sequence[PlannedTraining], Sequence[Finding]]:
    """Raise an alarm for runs that ended well and have no record, and for records whose run failed.

    A run that ends well without a record was preempted, or shared its place with another one: nothing says what it made
    (law 14). A run that a failed blocking check of the version ended is what the check is for.

    Args:
        instance: Dagster's instance.
        catalog: the catalog.
        models: the name of each model by its asset key.
        planned: the trainings to look at.

    Returns:
        The trainings whose run has not ended, and the alarms.
    """
    open_, found = [], []
    runs = _runs(instance, sorted({each.run for each in planned}))
    for each in sorted(set(planned)):
        run = runs.get(each.run)
        if run is None:
            continue  # deleted
        if not run.is_finished:
            open_.append(each)
            continue
        entry = catalog.by_run_key(
            run_key(dg.AssetKey.from_user_string(each.key), each.partition or None, run.root_run_id or run.run_id)
        )
        name = models.get(each.key, each.key)
        alarm = _silent(catalog, instance, run, name) if entry is None else _failed(instance, run, entry)
        found += [alarm] if alarm is not None else []
    return open_, found


def _runs(instance: dg.DagsterInstance, ids: Sequence[str]) -> dict[str, dg.DagsterRun]:
    pages = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
    return {run.run_id: run for page in pages for run in instance.get_runs(dg.RunsFilter(run_ids=page))}


def _silent(catalog: "Catalog", instance: dg.DagsterInstance, run: dg.DagsterRun, name: str) -> Finding | None:
    said = any(tag.startswith(metadata_keys.NOT_TRAINED) for tag in run.tags)
    if run.status is not dg.DagsterRunStatus.SUCCESS or said or _is_older(catalog, instance, run, name):
        return None
    return Finding(
        kind=FindingKind.RUN_WITHOUT_RECORD,
        subject=name,
        status=FindingStatus.ALARM,
        detail=f"run {run.run_id} ended with SUCCESS and committed no version",
        fix=f"read the log of the run, and launch {name} again",
    )


def _is_older(catalog: "Catalog", instance: dg.DagsterInstance, run: dg.DagsterRun, name: str) -> bool:
    """Return whether a run ended before the model's first version: its asset may have been another one then."""
    first = next(iter(catalog.entries(name, limit=1, before=2)), None)
    record = instance.get_run_record_by_id(run.run_id)
    ended = record.end_time if record is not None else None
    return first is not None and ended is not None and ended < first.recorded.timestamp()


def _failed(instance: dg.DagsterInstance, run: dg.DagsterRun, entry: "Entry") -> Finding | None:
    facts = entry.record.run.dagster
    checks = entry.record.evaluation.checks if entry.record.evaluation else ()
    gated = any(check.is_blocking and not check.passed for check in checks)
    if run.status is dg.DagsterRunStatus.SUCCESS or facts is None or facts.run_id != run.run_id or gated:
        return None
    stats: Sequence[Any] = instance.get_run_step_stats(run.run_id, [facts.step])
    if any(each.status is not None and each.status.value == "SUCCESS" for each in stats) or _was_repeated(
        instance, run
    ):
        return None  # something else of the run failed, or a later run of it ended well
    return Finding(
        kind=FindingKind.RECORD_OF_FAILED_RUN,
        subject=entry.ref,
        status=FindingStatus.ALARM,
        detail=f"run {run.run_id} ended as {run.status.value} after it had committed {entry.ref}",
        fix=f"lineage show {entry.ref}; look at the run before the version is promoted",
    )


def _step_succeeded(instance: dg.DagsterInstance, run: dg.DagsterRun, step: str) -> bool:
    """Return whether it was something else of the run that failed."""
    stats: Sequence[Any] = instance.get_run_step_stats(run.run_id, [step])
    return any(each.status is not None and each.status.value == "SUCCESS" for each in stats)


def _was_repeated(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether a later run of the same logical run ended well."""
    root = run.root_run_id or run.run_id
    later = instance.get_runs(dg.RunsFilter(tags={"dagster/root_run_id": root}))
    return any(each.status is dg.DagsterRunStatus.SUCCESS for each in later)
