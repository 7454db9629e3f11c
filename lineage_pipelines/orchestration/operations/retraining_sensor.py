"""Retraining sensor: launches the trainings that the retraining policies of models ask for, each once.

A tick compares the project with the last version of each model and launches one run for all that are due, with the
observations and stages that they need. The state of the project that a run was launched for is a tag of the run: it is
not launched for twice, whether it made a version, was skipped or failed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from lineage_pipelines.capture.git.git_state import find_root
from lineage_pipelines.capture.parameters import parameter_defaults
from lineage_pipelines.capture.sources.closure import source_closure
from lineage_pipelines.errors import LineageError, visible
from lineage_pipelines.orchestration.compat import without_beta_warnings
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.retraining.duration import format_duration
from lineage_pipelines.orchestration.retraining.retraining_trigger import Trigger, WatchedModel, find_triggers
from lineage_pipelines.orchestration.training.model_asset import find_definition
from lineage_pipelines.orchestration.training.model_definition import ModelDefinition
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry

_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_LONGEST = 200


def build_retraining_sensor(
    assets: Sequence[dg.AssetsDefinition] | None = None, *, name: str = "retraining", seconds: int = 30
) -> dg.SensorDefinition:
    """Return the sensor that trains models again as their `RetrainingPolicy` says. It is on.

    A delivery counts when two ticks have seen the same; it makes one run, however many inputs and models it is for.
    It needs the resource `lineage`.

    Args:
        assets: sources, stages and models together: what a training needs of them is part of its run. All of the code
            location by default.
        name: the sensor's name.
        seconds: the interval between two looks.
    """

    @dg.sensor(
        name=name,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        target=_target(assets),
        description="Train models again as their retraining policies say.",
    )
    def sensor(context: dg.SensorEvaluationContext, lineage: LineageResource) -> dg.SensorResult:
        given = _assets_of_location(context) if assets is None else assets
        defined = [(asset, found) for asset in given if (found := find_definition(asset)) is not None]
        watched = [made for asset, model in defined if (made := _watch(asset, model)) is not None]
        cursor = Cursor.read(context.cursor)
        busy = _busy_assets(context)
        due: list[Due] = []
        notes: list[str] = []
        for model in watched:
            run = busy.get(model.key)
            verdict = f"run {run[:8]} is for it" if run else _look(context, lineage, model, cursor)
            if isinstance(verdict, Due):
                due.append(verdict)
            else:
                notes.append(f"{model.name}: {visible(verdict)}")
        requests = [_request(due, {model.name: _chain(asset, given) for asset, model in defined})] if due else []
        # Sorted, and without clocks: an unchanged tick stores the same text.
        reason = "; ".join(notes)[:1000] or "no model has a retraining policy"
        return dg.SensorResult(run_requests=requests, skip_reason=None if requests else reason, cursor=cursor.text())

    return sensor


@dataclass(frozen=True, slots=True)
class Due:
    """A model that is to be trained again."""

    model: str
    key: str
    """The state of the project that it is trained for."""
    why: str


@dataclass(slots=True)
class Cursor:
    """What the sensor keeps from one tick to the next, by model."""

    seen: dict[str, str] = field(default_factory=dict)
    """The key of the state that the last tick saw, while it is not trained for."""
    schedule: dict[str, str] = field(default_factory=dict)
    """The last due time of a schedule that was served."""

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """Read the cursor as Dagster stored it."""
        return cls(**json.loads(text)) if text else cls()

    def text(self) -> str:
        """Return the cursor as Dagster stores it."""
        return json.dumps({"seen": self.seen, "schedule": self.schedule}, sort_keys=True)


def _look(
    context: dg.SensorEvaluationContext, lineage: LineageResource, model: WatchedModel, cursor: Cursor
) -> Due | str:
    """Return what is due, or why nothing is."""
    with lineage.open_catalog() as catalog:
        last = catalog.latest(model.name)
    if last is None:
        return "it has no version yet; launch the first training yourself"
    try:
        triggers = list(find_triggers(model, last, context.instance, cursor.schedule))
    except LineageError as error:
        return f"the project cannot be compared: {error.what}"
    return _judge(context.instance, model, last, triggers, cursor)


def _judge(
    instance: dg.DagsterInstance, model: WatchedModel, last: "Entry", triggers: Sequence[Trigger], cursor: Cursor
) -> Due | str:
    before = cursor.seen.pop(model.name, None)
    if not triggers:
        return f"nothing has changed since {last.ref}"
    key = _key(last, triggers)
    why = "; ".join(trigger.text for trigger in triggers)
    if held := _held_back(instance, model, last, key):
        return f"{why}; {held}"
    if before != key and not any(trigger.at_once for trigger in triggers):
        cursor.seen[model.name] = key
        return f"{why}; it is trained when the next look finds the same"
    served = [trigger.due for trigger in triggers if trigger.due is not None]
    cursor.schedule |= {model.name: served[0]} if served else {}
    return Due(model=model.name, key=key, why=why)


def _key(last: "Entry", triggers: Sequence[Trigger]) -> str:
    """Return the name of what is trained for: the version that it follows, and what is different since."""
    state = [last.digest.hex, *sorted(key for trigger in triggers for key in trigger.keys)]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]


def _held_back(instance: dg.DagsterInstance, model: WatchedModel, last: "Entry", key: str) -> str | None:
    tried = instance.get_runs(dg.RunsFilter(tags={metadata_keys.retraining_key_tag(model.name): key}), limit=1)
    if tried:
        return f"run {tried[0].run_id[:8]} was for that, and ended as {tried[0].status.value}"
    least = model.policy.shortest_interval
    earliest = last.record.run.finished + least
    if earliest > datetime.now(UTC):
        return f"not before {earliest:%Y-%m-%d %H:%M} UTC, {format_duration(least)} after {last.ref}"
    return None


def _request(due: Sequence[Due], chains: Mapping[str, Sequence[dg.AssetKey]]) -> dg.RunRequest:
    """Ask for one run for all that are due."""
    tags = {metadata_keys.retraining_key_tag(each.model): each.key for each in due}
    tags |= {metadata_keys.retraining_tag(each.model): each.why[:_LONGEST] for each in due}
    keys = sorted({key for each in due for key in chains[each.model]})
    run_key = hashlib.sha256(json.dumps(sorted(each.key for each in due)).encode()).hexdigest()
    return dg.RunRequest(run_key=run_key, asset_selection=keys, tags=tags)


def _watch(asset: dg.AssetsDefinition, model: ModelDefinition) -> WatchedModel | None:
    policy = model.retraining
    if policy is None or not policy.is_automatic:
        return None

    def source() -> Digest | None:
        found, _, _ = source_closure(
            model.function,
            root=find_root(model.project.root),
            extra_sources=model.extra_sources,
            memory=model.memory,
        )
        return found.digest if found is not None else None

    def defaults() -> Mapping[str, Json]:
        parameters = model.signature.parameters_class
        return parameter_defaults(parameters) if parameters is not None else {}

    return WatchedModel(
        name=model.name,
        key=asset.key,
        policy=policy,
        project=model.project,
        inputs=[declared.path for declared in model.inputs.values()],
        source=source,
        defaults=defaults,
    )


def _target(assets: Sequence[dg.AssetsDefinition] | None) -> dg.AssetSelection:
    if assets is not None:
        return dg.AssetSelection.assets(*assets)
    with without_beta_warnings():
        return dg.AssetSelection.all(include_sources=True)


def _assets_of_location(context: dg.SensorEvaluationContext) -> Sequence[dg.AssetsDefinition]:
    found = context.repository_def.assets_defs_by_key.values() if context.repository_def is not None else ()
    return list({id(asset): asset for asset in found}.values())


def _chain(model: dg.AssetsDefinition, assets: Sequence[dg.AssetsDefinition]) -> Sequence[dg.AssetKey]:
    """Return a model and what of these assets is before it: the stages, whole, and the tracked files."""
    makers = {key: asset for asset in assets for key in asset.keys}
    found: set[dg.AssetKey] = set()
    ahead = list(model.keys)
    while ahead:
        key = ahead.pop()
        if key in makers and key not in found:
            # The outputs of a stage are made together; of tracked files only those that are read are observed.
            together = makers[key].keys if makers[key].is_materializable else {key}
            found |= together
            ahead += [dep.asset_key for each in together for dep in makers[key].specs_by_key[each].deps]
    return sorted(found)


def _busy_assets(context: dg.SensorEvaluationContext) -> Mapping[dg.AssetKey, str]:
    """Return the run that is going on, or waits, for each asset."""
    found: dict[dg.AssetKey, str] = {}
    for run in context.instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED))):
        found |= dict.fromkeys(_assets_of(run, context.repository_def), run.run_id)
    return found


def _assets_of(run: dg.DagsterRun, repository: dg.RepositoryDefinition | None) -> Iterable[dg.AssetKey]:
    if run.asset_selection is not None:
        return run.asset_selection
    if repository is None or not repository.has_job(run.job_name):
        return ()
    return repository.get_job(run.job_name).asset_layer.selected_asset_keys
