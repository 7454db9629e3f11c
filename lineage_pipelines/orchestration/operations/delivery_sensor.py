"""Delivery sensor: sees data in the workspace that nobody has added, and adds, commits and pushes it where it may."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.errors import CaptureError, LineageError, visible
from lineage_pipelines.orchestration.dvc.argument_checks import check_project
from lineage_pipelines.orchestration.ui import metadata_keys

if TYPE_CHECKING:
    from lineage_pipelines.datasets.running.data_commit import Author
    from lineage_pipelines.datasets.workspace.pending_delivery import PendingDelivery

_LONGEST_SUBJECT = 72


class DeliveryForm(dg.Config):
    """What a run takes in."""

    targets: list[str] = Field(description="Paths for `dvc add`, relative to the project.")
    state: str = Field(description="The state of these paths that was seen; another one is not taken in.")


def build_delivery_sensor(
    project: DvcProject,
    *,
    add: bool = False,
    new_files: Sequence[str] = (),
    commit_as: str | None = None,
    push: bool = False,
    name: str = "deliveries",
    seconds: int = 30,
) -> dg.SensorDefinition:
    """Return the sensor that sees what was delivered into the workspace. It is on.

    By itself it only says so in its ticks. With `add` it launches a run that does what a person would, once two ticks
    have seen the same. A delivery whose run failed is not tried again until it changes.

    Args:
        project: the DVC project.
        add: whether it may `dvc add` what was delivered into tracked paths, and `new_files`.
        new_files: globs of new files that are data, `data/monthly/*.parquet`; each is added on its own.
        commit_as: who commits what was added, `"Deliveries <deliveries@example.org>"`; None for no commit.
        push: whether data and commit are pushed; to the remotes, and with the credentials, of the account.
        name: the sensor's name; the job's is `take_in_<name>`.
        seconds: the interval between two looks.

    Raises:
        CaptureError: it may commit and not add, or push and not commit.
        DatasetError: `commit_as` is no name with an address.
    """
    check_project(project)
    author = _check_rights(add=add, commit_as=commit_as, push=push)
    job = _build_job(project, name, new_files, author, push=push)

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Look for data in the workspace that is not tracked as it is.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            found = _find(project, new_files)
        except LineageError as error:
            return dg.SensorResult(skip_reason=visible(f"the workspace cannot be compared: {error.what}"))
        if not found:
            return dg.SensorResult(skip_reason="the workspace holds what is tracked", cursor="")
        state, text = _state(found), visible(_text(found))
        if not add:
            return dg.SensorResult(skip_reason=text, cursor=state)
        last = next(iter(context.instance.get_runs(dg.RunsFilter(tags={metadata_keys.DELIVERY: state}), limit=1)), None)
        if last is not None and last.status is not dg.DagsterRunStatus.SUCCESS:
            said = f"run {last.run_id[:8]} is for that, and is {last.status.value}"
            return dg.SensorResult(skip_reason=f"{text}; {said}", cursor=state)
        if context.cursor != state:
            return dg.SensorResult(skip_reason=f"{text}; taken in when the next look finds the same", cursor=state)
        form = {"targets": _targets(found), "state": state}
        request = dg.RunRequest(
            run_config={"ops": {f"add_{name}": {"config": form}}}, tags={metadata_keys.DELIVERY: state}
        )
        return dg.SensorResult(run_requests=[request], cursor="")

    return sensor


def _check_rights(*, add: bool, commit_as: str | None, push: bool) -> "Author | None":
    from lineage_pipelines.datasets.running.data_commit import Author

    if (commit_as is not None and not add) or (push and commit_as is None):
        what = "a sensor that may push must commit, and one that may commit must add"
        fix = 'write add=True, commit_as="Deliveries <deliveries@example.org>"'
        raise CaptureError(what, where="build_delivery_sensor", fix=fix)
    return Author.parse(commit_as) if commit_as is not None else None


def _build_job(
    project: DvcProject, name: str, new_files: Sequence[str], author: "Author | None", *, push: bool
) -> dg.JobDefinition:
    # Dagster wants one name for each: the op has another one than its job.
    @dg.op(name=f"add_{name}", pool="dvc_workspace")
    def take_in(context: dg.OpExecutionContext, config: DeliveryForm) -> None:
        from lineage_pipelines.datasets.running.data_commit import add_data, commit_files, delivery_files, push_data

        found = _find(project, new_files)
        if _state(found) != config.state:
            context.log.info("the workspace has changed since it was seen; the sensor looks again")
            return
        add_data(project.root, config.targets, on_line=context.log.info)
        if author is None:
            return
        message = f"Deliver {', '.join(config.targets)}"
        subject = message if len(message) <= _LONGEST_SUBJECT else f"Deliver {len(config.targets)} paths of data"
        revision = commit_files(project.root, delivery_files(config.targets), subject, author=author)
        context.log.info("committed as %s: %s", revision, visible(subject))
        if push:
            push_data(project.root, on_line=context.log.info)

    @dg.job(
        name=f"take_in_{name}",
        description="Add what was delivered to DVC, commit it and push it, as far as it is allowed.",
    )
    def job() -> None:
        take_in()

    return job


def _find(project: DvcProject, new_files: Sequence[str]) -> "Mapping[str, PendingDelivery]":
    """Return what was delivered, by path."""
    from lineage_pipelines.datasets.workspace.pending_delivery import find_modified, find_new

    loaded = project.with_loaded_graph()
    paths = [output.path for node in loaded.graph().tracked if node.source == "add" for output in node.outs]
    modified = [found for path in paths if (found := find_modified(loaded, path)) is not None]
    new = find_new(loaded, patterns=new_files) if new_files else {}
    return {each.path: each for each in (*modified, *new.values())}


def _targets(found: "Mapping[str, PendingDelivery]") -> list[str]:
    return sorted({target for each in found.values() for target in each.targets})


def _state(found: "Mapping[str, PendingDelivery]") -> str:
    states = sorted((each.path, each.state) for each in found.values())
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()[:32]


def _text(found: "Mapping[str, PendingDelivery]") -> str:
    from lineage_pipelines.datasets.workspace.pending_delivery import combine

    together = combine(found.values())
    return together.text if together is not None else ""
