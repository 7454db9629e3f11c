"""Mirror: one version of the catalog in MLflow: a run, a logged model with our file, a registered version.

Writing a version twice makes one: every step looks first for what an earlier attempt has made, by the record's digest,
so that a mirror that was killed, or lost the server midway, goes on where it was. A request whose answer was lost may
have been done, even later: of two that exist the later one is removed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.bridges.mlflow import version_mirror
from lineage_pipelines.bridges.mlflow.server import RefusedError, public_address, translated_errors
from lineage_pipelines.bridges.mlflow.tracking_run import candidates_are_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from lineage_pipelines.catalog.log.entries import Entry


@dataclass(frozen=True, slots=True)
class Mirror:
    """An MLflow server or store that versions are mirrored to."""

    client: "MlflowClient"
    """Of `connect`, asking nothing twice by itself."""
    address: str
    artifacts: ArtifactStore
    dagster_url: str | None = None

    def find(self, entry: "Entry") -> "ModelVersion | None":
        """Return the registered version of a record, if MLflow has it.

        Raises:
            LostServerError: MLflow cannot be reached.
        """
        with translated_errors(self.address):
            origin = entry.record.run.mlflow
            if origin is not None and origin.version is not None:
                return self._imported(origin.model or entry.model, origin.version)
            return version_mirror.registered(self.client, entry)

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
            LostServerError: MLflow cannot be reached; what it was told already is found again.
            ArtifactError: the model's file is missing or altered.
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
        joined = run = version_mirror.find_training_run(client, self.address, record)
        if run is not None:
            version_mirror.tag_training_run(client, run, entry, self.dagster_url)
        else:
            experiment = version_mirror.experiment_of(client, self.address, entry.model)
            run = version_mirror.own_run(client, experiment, entry, self.dagster_url)
        model = version_mirror.logged_model(client, run, entry, self.dagster_url)
        version_mirror.log_record(client, run, record, model.model_id)
        if joined is None or not candidates_are_runs(record):  # else they are there: the training began them
            version_mirror.mirror_candidates(client, run, entry)
        version_mirror.upload(client, model, run, entry, self.artifacts)
        if joined is None:  # the other one is its maker's to end
            version_mirror.end_run(client, run, record)
        version_mirror.register(client, model, run, entry, self.dagster_url)
