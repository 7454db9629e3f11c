"""Mirror: one version of the catalog in MLflow: a run, a logged model with our file, a registered version.

Writing a version twice makes one: every step looks first for what an earlier attempt has made, by the record's digest,
so that a mirror that was killed, or lost the server midway, goes on where it was. A request whose answer was lost may
have been done, even later: of two that exist the later one is removed.
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.mlflow_limits import as_text, chunks, cut, filter_value, valid_keys, valid_tags
from lineage_pipelines.bridges.mlflow.model_folder import FORMAT, write_model_folder
from lineage_pipelines.bridges.mlflow.run_payload import (
    datasets_of,
    description,
    metrics_of,
    params_of,
    run_tags,
    source_tags,
    version_tags,
)
from lineage_pipelines.bridges.mlflow.server import RefusedError, public_address, translated_errors
from lineage_pipelines.bridges.mlflow.tracking_session import candidates_are_runs
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import Candidate

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion

    from lineage_pipelines.catalog.log.entries import Entry

_PARENT = "mlflow.parentRunId"
_ABOUT_THE_TRAINING = frozenset({"mlflow.runName", "mlflow.user", "mlflow.source.type", "mlflow.source.name"})
"""Tags that the training itself has set on a run that it began."""
_METRICS_AT_ONCE = 1000
_PARAMS_AT_ONCE = 100
_FINISHED = "FINISHED"
_Made = TypeVar("_Made")


def _keep_first(found: Sequence[_Made], order: Callable[[_Made], int], drop: Callable[[_Made], object]) -> _Made | None:
    """Return the one that was made first; duplicates of ours, made again after a lost answer, are removed."""
    made = sorted(found, key=order)
    for other in made[1:]:
        drop(other)
    return made[0] if made else None


def _find_training_run(client: "MlflowClient", address: str, record: LineageRecord) -> "Run | None":
    """Return the run that the training function began itself, if it is there."""
    tracked = record.run.mlflow
    if tracked is None or tracked.run_id is None or tracked.server != public_address(address):
        return None
    run = next(iter(_by_id(client, tracked.run_id)), None)
    return run if run is not None and run.info.lifecycle_stage == "active" else None


def _by_id(client: "MlflowClient", run_id: str) -> "Sequence[Run]":
    from mlflow.exceptions import MlflowException

    try:
        return [client.get_run(run_id)]
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return []  # it was deleted for good


def _find_experiment(client: "MlflowClient", address: str, model: str) -> str:
    """Return the id of the experiment: MLFLOW_EXPERIMENT_NAME, else the model's name; made when it is not there.

    Raises:
        RefusedError: it was deleted.
    """
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or model
    found = client.get_experiment_by_name(name)
    if found is None:
        return client.create_experiment(name)
    if found.lifecycle_stage != "active":
        fix = "restore it (mlflow experiments restore), or name another: MLFLOW_EXPERIMENT_NAME=…"
        raise RefusedError(f"the experiment {name!r} was deleted", where=public_address(address), fix=fix)
    return found.experiment_id


def _own_run(client: "MlflowClient", experiment: str, entry: "Entry", dagster_url: str | None) -> "Run":
    """Return our run of a version, made when it is not there."""
    same = f"tags.`{tags.RECORD}` = {filter_value(str(entry.digest))} and tags.`{tags.VERSION}` = '{entry.version}'"
    found = client.search_runs([experiment], same)
    return _keep_first(found, lambda run: run.info.start_time, lambda run: client.delete_run(run.info.run_id)) or (
        client.create_run(
            experiment,
            start_time=_instant(entry.record.run.started.timestamp()),
            tags=run_tags(entry, dagster_url),
            run_name=entry.ref,
        )
    )


def _tag_training_run(client: "MlflowClient", run: "Run", entry: "Entry", dagster_url: str | None) -> None:
    """Tag a run that the training began with the version that came of it; tags that the training set stay."""
    from mlflow.entities import RunTag

    wanted_tags = {
        n: v for n, v in run_tags(entry, dagster_url).items() if n not in _ABOUT_THE_TRAINING & set(run.data.tags)
    }
    for part in chunks(wanted_tags.items(), _PARAMS_AT_ONCE):
        client.log_batch(run.info.run_id, tags=[RunTag(*each) for each in part])


def _log_record(client: "MlflowClient", run: "Run", record: LineageRecord, model_id: str) -> None:
    """Write params, metrics and datasets of a record, as far as they are not there."""
    metrics = metrics_of(record.evaluation)
    _log(client, run, params_of(record), metrics, at=_finished(record), model_id=model_id)
    client.log_inputs(run.info.run_id, datasets_of(record))


def _log(
    client: "MlflowClient",
    run: "Run",
    params: Mapping[str, str],
    metrics: Mapping[str, float],
    *,
    at: int,
    model_id: str | None = None,
) -> None:
    from mlflow.entities import Metric, Param

    # MLflow accepts a parameter once only; a metric that is logged again has two points.
    new = ((name, value) for name, value in params.items() if name not in run.data.params)
    for values in chunks(new, _PARAMS_AT_ONCE):
        client.log_batch(run.info.run_id, params=[Param(*each) for each in values])
    measured = ((name, value) for name, value in metrics.items() if run.data.metrics.get(name) != value)
    for points in chunks(measured, _METRICS_AT_ONCE):
        client.log_batch(run.info.run_id, metrics=[Metric(n, v, at, 0, model_id=model_id) for n, v in points])


def _mirror_candidates(client: "MlflowClient", run: "Run", entry: "Entry") -> None:
    """Make a nested run for each alternative that the training considered."""
    if not entry.record.candidates:
        return
    of_record = f"tags.`{tags.RECORD}` = {filter_value(str(entry.digest))}"
    nested = f"tags.`{_PARENT}` = {filter_value(run.info.run_id)} and {of_record}"
    known = {each.data.tags.get(tags.CANDIDATE): each for each in client.search_runs([run.info.experiment_id], nested)}
    at = _finished(entry.record)
    for number, candidate in enumerate(entry.record.candidates):
        found = known.get(str(number))
        if found is not None and found.info.status == _FINISHED:
            continue
        wanted_tags = source_tags(entry.record) | _candidate_tags(candidate, number, run, entry)
        made = found or client.create_run(run.info.experiment_id, start_time=at, tags=wanted_tags)
        params = valid_keys({name: as_text(value) for name, value in candidate.parameters.items()})
        _log(client, made, params, valid_keys(candidate.metrics), at=at)
        client.set_terminated(made.info.run_id, _FINISHED, end_time=at)


def _candidate_tags(candidate: Candidate, number: int, run: "Run", entry: "Entry") -> dict[str, str]:
    return valid_tags(
        {
            _PARENT: run.info.run_id,
            "mlflow.runName": cut(candidate.name, 250),
            tags.RECORD: str(entry.digest),
            tags.CANDIDATE: str(number),
            tags.SELECTED: "true" if candidate.selected else "false",
            tags.REASON: candidate.reason,
        }
    )


def _end_run(client: "MlflowClient", run: "Run", record: LineageRecord) -> None:
    """End our run when the training ended."""
    if run.info.status != _FINISHED:
        client.set_terminated(run.info.run_id, _FINISHED, end_time=_finished(record))


def _finished(record: LineageRecord) -> int:
    """Return when the training ended, in milliseconds."""
    return _instant(record.run.finished.timestamp())


def _instant(seconds: float) -> int:
    return int(seconds * 1000)


def _logged_model(client: "MlflowClient", run: "Run", entry: "Entry", dagster_url: str | None) -> "LoggedModel":
    """Return the logged model of a version, made when it is not there; its file may not be there yet."""
    from mlflow.entities import LoggedModelOutput

    same = f"tags.`{tags.RECORD}` = {filter_value(str(entry.digest))}"
    found = client.search_logged_models([run.info.experiment_id], same)
    of_run = [model for model in found if model.source_run_id == run.info.run_id]
    known = _keep_first(
        of_run, lambda model: model.creation_timestamp, lambda model: client.delete_logged_model(model.model_id)
    )
    if known is not None:
        return known
    made = client.create_logged_model(
        run.info.experiment_id,
        name=entry.model.replace(".", "_"),  # which MLflow allows in names of registered models only
        source_run_id=run.info.run_id,
        tags=version_tags(entry, dagster_url),
        params=params_of(entry.record),
        model_type=FORMAT,
    )
    client.log_outputs(run.info.run_id, [LoggedModelOutput(made.model_id, 0)])
    return made


def _upload(mirror: "Mirror", model: "LoggedModel", run: "Run", entry: "Entry") -> None:
    """Put the model's file where MLflow keeps it, unless an earlier attempt has finished that.

    Raises:
        ArtifactError: the file is missing or altered, is not a skops file, or needs types that are not trusted.
    """
    if str(model.status) == "READY":
        return
    with tempfile.TemporaryDirectory(prefix="lineage-mlflow-") as folder:
        write_model_folder(
            entry,
            mirror.artifacts,
            Path(folder),
            run_id=run.info.run_id,
            model_id=model.model_id,
            trusted_types=mirror.trusted_types,
        )
        mirror.client.log_model_artifacts(model.model_id, folder)
    mirror.client.finalize_logged_model(model.model_id, "READY")


def _register(
    client: "MlflowClient", model: "LoggedModel", run: "Run", entry: "Entry", dagster_url: str | None
) -> None:
    """Register a version, or tag the one that the training registered of its own run under the same name."""
    theirs = client.search_model_versions(f"run_id = {filter_value(run.info.run_id)}")
    wanted_tags = version_tags(entry, dagster_url)
    for version in theirs:
        if version.name == entry.model and tags.RECORD not in version.tags:
            # The record's digest last: by it the version is found, and then it has all tags.
            for name, value in sorted(wanted_tags.items(), key=lambda tag: tag[0] == tags.RECORD):
                client.set_model_version_tag(version.name, version.version, name, value)
            return
    _provide_model(client, entry)
    client.create_model_version(
        entry.model,
        source=f"models:/{model.model_id}",
        run_id=run.info.run_id,
        model_id=model.model_id,
        tags=wanted_tags,
        description=description(entry, dagster_url),
        await_creation_for=0,
    )


def _provide_model(client: "MlflowClient", entry: "Entry") -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(entry.model, description=entry.record.model.description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _find_version(client: "MlflowClient", entry: "Entry") -> "ModelVersion | None":
    """Return the registered version that bears a record's digest, if there is one."""
    same = f"name = {filter_value(entry.model)} and tags.`{tags.RECORD}` = {filter_value(str(entry.digest))}"
    found = client.search_model_versions(same)
    return _keep_first(
        found, lambda one: int(one.version), lambda one: client.delete_model_version(one.name, one.version)
    )


@dataclass(frozen=True, slots=True)
class Mirror:
    """An MLflow server or store that versions are mirrored to."""

    client: "MlflowClient"
    """Of `connect`, asking nothing twice by itself."""
    address: str
    artifacts: ArtifactStore
    dagster_url: str | None = None
    trusted_types: Sequence[str] = ()
    """Types that the project trusts beyond those of scikit-learn, NumPy and SciPy."""

    def find(self, entry: "Entry") -> "ModelVersion | None":
        """Return the registered version of a record, if MLflow has it.

        Raises:
            LostServerError: MLflow cannot be reached.
        """
        with translated_errors(self.address):
            origin = entry.record.run.mlflow
            if origin is not None and origin.version is not None:
                return self._imported(origin.model or entry.model, origin.version)
            return _find_version(self.client, entry)

    def _imported(self, model: str, version: str) -> "ModelVersion | None":
        try:
            with translated_errors(self.address):
                return self.client.get_model_version(model, version)
        except RefusedError:  # it was deleted there since
            return None

    def write(self, entry: "Entry") -> "ModelVersion":
        """Make MLflow know a version, and return it as MLflow has it.

        Raises:
            RefusedError: MLflow refuses something of it.
            LostServerError: MLflow cannot be reached; what was already sent is found again.
            ArtifactError: the model's file is missing or altered, or needs types that are not trusted.
        """
        found = self.find(entry)
        if found is None:
            with translated_errors(self.address):
                self._make(entry)
            found = self.find(entry)
        if found is None:
            raise RefusedError(
                f"MLflow does not find {entry.ref}, which it has just registered", where=public_address(self.address)
            )
        return found

    def _make(self, entry: "Entry") -> None:
        client, record = self.client, entry.record
        joined = run = _find_training_run(client, self.address, record)
        if run is not None:
            _tag_training_run(client, run, entry, self.dagster_url)
        else:
            experiment = _find_experiment(client, self.address, entry.model)
            run = _own_run(client, experiment, entry, self.dagster_url)
        model = _logged_model(client, run, entry, self.dagster_url)
        _log_record(client, run, record, model.model_id)
        if joined is None or not candidates_are_runs(record):  # else they are there: the training began them
            _mirror_candidates(client, run, entry)
        _upload(self, model, run, entry)
        if joined is None:  # the other one is its maker's to end
            _end_run(client, run, record)
        _register(client, model, run, entry, self.dagster_url)
