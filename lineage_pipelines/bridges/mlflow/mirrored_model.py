"""The logged model and the registered version of a version in MLflow; each is found before it is made."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.artifacts import ArtifactStore
from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.mirrored_run import only
from lineage_pipelines.bridges.mlflow.model_folder import FORMAT, write_model_folder
from lineage_pipelines.bridges.mlflow.names import quoted
from lineage_pipelines.bridges.mlflow.run_parts import description, params_of, version_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion

    from lineage_pipelines.catalog import Entry


def logged_model(client: "MlflowClient", run: "Run", entry: "Entry", dagster_url: str | None) -> "LoggedModel":
    """Return the logged model of a version, made when it is not there; its file may not be there yet."""
    from mlflow.entities import LoggedModelOutput

    same = f"tags.`{tags.RECORD}` = {quoted(str(entry.digest))}"
    found = client.search_logged_models([run.info.experiment_id], same)
    of_run = [model for model in found if model.source_run_id == run.info.run_id]
    known = only(
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


def upload(client: "MlflowClient", model: "LoggedModel", run: "Run", entry: "Entry", artifacts: ArtifactStore) -> None:
    """Put the model's file where MLflow keeps it, unless an earlier attempt has finished that.

    Raises:
        ArtifactError: the file is missing or altered, or is no skops file.
    """
    if str(model.status) == "READY":
        return
    with tempfile.TemporaryDirectory(prefix="lineage-mlflow-") as folder:
        write_model_folder(entry, artifacts, Path(folder), run_id=run.info.run_id, model_id=model.model_id)
        client.log_model_artifacts(model.model_id, folder)
    client.finalize_logged_model(model.model_id, "READY")


def register(client: "MlflowClient", model: "LoggedModel", run: "Run", entry: "Entry", dagster_url: str | None) -> None:
    """Register a version, or tag the one that the training registered of its own run under the same name."""
    theirs = client.search_model_versions(f"run_id = {quoted(run.info.run_id)}")
    said = version_tags(entry, dagster_url)
    for version in theirs:
        if version.name == entry.model and tags.RECORD not in version.tags:
            # The record's digest last: by it the version is found, and then all is said.
            for name, value in sorted(said.items(), key=lambda tag: tag[0] == tags.RECORD):
                client.set_model_version_tag(version.name, version.version, name, value)
            return
    _provide_model(client, entry)
    client.create_model_version(
        entry.model,
        source=f"models:/{model.model_id}",
        run_id=run.info.run_id,
        model_id=model.model_id,
        tags=said,
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


def registered(client: "MlflowClient", entry: "Entry") -> "ModelVersion | None":
    """Return the registered version that bears a record's digest, if there is one."""
    same = f"name = {quoted(entry.model)} and tags.`{tags.RECORD}` = {quoted(str(entry.digest))}"
    found = client.search_model_versions(same)
    return only(found, lambda one: int(one.version), lambda one: client.delete_model_version(one.name, one.version))
