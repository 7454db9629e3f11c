"""Retraining trigger: a reason that a policy accepts for training a model again, found by comparing states."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.orchestration.compat import latest_cron_tick
from lineage_pipelines.orchestration.retraining.project_changes import Change, ProjectChanges, compare_project
from lineage_pipelines.orchestration.retraining.retraining_policy import RetrainingPolicy
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.phrase import some_of

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A reason to train again."""

    text: str
    """`new data in data/orders.csv`."""
    keys: tuple[str, ...]
    """What is true now, by digest: the same state has the same keys."""
    at_once: bool = False
    """Whether it is complete when it is seen; a delivery may still go on."""
    due: str | None = None
    """The time of a schedule that it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedModel:
    """A model with a policy, as its code location defines it now."""

    name: str
    key: dg.AssetKey
    policy: RetrainingPolicy
    project: DvcProject
    inputs: Sequence[str]
    """Paths of the project."""
    source: Callable[[], Digest | None]
    """Returns the digest of the training function and what it imports."""
    defaults: Callable[[], Mapping[str, Json]]
    """Returns the defaults of the parameter class."""


def find_triggers(
    model: WatchedModel, last: "Entry", instance: dg.DagsterInstance, served: dict[str, str]
) -> Iterator[Trigger]:
    """Yield the reasons to train a model again that its policy accepts.

    Args:
        model: the model.
        last: its last version.
        instance: Dagster's instance, for the checks.
        served: the last time of each model's schedule that was served; a model that is not there begins now.

    Raises:
        DatasetError: the project cannot be compared.
    """
    policy = model.policy
    if policy.on_new_data or policy.on_code or policy.on_parameters:
        yield from _changes(model, last, compare_project(model.project, model.inputs, last.record))
    for name in policy.on_failed_check:
        yield from _failed_check(dg.AssetCheckKey(model.key, name), last, instance)
    if policy.on_schedule is not None:
        due = latest_cron_tick(policy.on_schedule, datetime.now(UTC)).isoformat()
        if served.setdefault(model.name, due) != due:
            yield Trigger(text=f"schedule {policy.on_schedule}", keys=(f"schedule {due}",), at_once=True, due=due)


def _changes(model: WatchedModel, last: "Entry", found: ProjectChanges) -> Iterator[Trigger]:
    policy, record = model.policy, last.record
    if policy.on_new_data and found.data:
        yield _changed("new data in", found.data)
    if policy.on_code:
        now, before = model.source(), record.code.source
        changed = now is not None and (before is None or before.digest != now)
        training = [Change(f"the source of {model.name}", str(now))] if changed else []
        if code := [*training, *found.code]:
            yield _changed("other code:", code)
    if policy.on_parameters:
        now_defaults = model.defaults()
        before_defaults = record.parameter_defaults or {}
        defaults = [
            Change(name, repr(value)) for name, value in now_defaults.items() if before_defaults.get(name) != value
        ]
        if parameters := [*defaults, *found.parameters]:
            yield _changed("other parameters:", parameters)


def _changed(what: str, changes: Sequence[Change]) -> Trigger:
    keys = tuple(sorted(f"{change.path} {change.now}" for change in changes))
    return Trigger(text=f"{what} {some_of(sorted({change.path for change in changes}))}", keys=keys)


def _failed_check(key: dg.AssetCheckKey, last: "Entry", instance: dg.DagsterInstance) -> Iterator[Trigger]:
    """Yield the failure of a check since a version was trained, other than in the run that trained it."""
    found = instance.get_latest_asset_check_evaluation_record(key)
    run = last.record.run.dagster
    if found is None or found.status.value != "FAILED" or (run is not None and found.run_id == run.run_id):
        return
    # The event's own time: that of the record is in whole seconds.
    evaluated = found.event.timestamp if found.event is not None else found.create_timestamp
    if evaluated > last.recorded.timestamp():
        yield Trigger(text=f"the check {key.name} has failed", keys=(f"check {key.name} {found.id}",), at_once=True)
