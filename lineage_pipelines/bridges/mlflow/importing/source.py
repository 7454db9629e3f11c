"""Everything that MLflow said of a version, kept as it was said, and the key by which the version is known again."""

from typing import TYPE_CHECKING, Any

from lineage_pipelines.bridges.mlflow.importing.registry import Said
from lineage_pipelines.bridges.mlflow.importing.texts import without_secrets
from lineage_pipelines.records import Digest, Json, canonical_bytes, to_json

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run
    from mlflow.entities.model_registry import ModelVersion


def run_key(version: "ModelVersion") -> str:
    """Return the key of a version: SHA-256 (hex) of the canonical JSON of what never changes of it in MLflow."""
    number, run = str(version.version), version.run_id or None
    known: list[Json] = ["mlflow", version.name, number, version.creation_timestamp, run]
    return Digest.of(canonical_bytes(known)).hex


def everything(said: Said) -> bytes:
    """Return all that MLflow said as canonical JSON, parameters as text; without secrets."""
    version, model = said.version, said.model
    whole: dict[str, Json] = {
        "model": {
            "name": model.name,
            "description": model.description,
            "tags": dict(model.tags or {}),
            "created": model.creation_timestamp,
        },
        "version": {
            "version": said.number,
            "description": version.description,
            "source": version.source,
            "run_id": version.run_id,
            "model_id": version.model_id,
            "user_id": version.user_id,
            "stage": version.current_stage,
            "status": str(version.status),
            "status_message": version.status_message,
            "tags": dict(version.tags or {}),
            "aliases": list(said.aliases),
            "created": version.creation_timestamp,
            "updated": version.last_updated_timestamp,
        },
        "run": _run(said.run, said.experiment) if said.run is not None else None,
    }
    return canonical_bytes(to_json(without_secrets(whole), "mlflow"))


def _run(run: "Run", experiment: str | None) -> dict[str, Json]:
    info = run.info
    return {
        "run_id": info.run_id,
        "run_name": info.run_name,
        "experiment_id": info.experiment_id,
        "experiment": experiment,
        "user_id": info.user_id,
        "status": str(info.status),
        "lifecycle_stage": info.lifecycle_stage,
        "started": info.start_time,
        "ended": info.end_time,
        "artifact_uri": info.artifact_uri,
        "params": dict(run.data.params),
        "metrics": dict(run.data.metrics),
        "tags": dict(run.data.tags),
        "inputs": [_input(each) for each in (run.inputs.dataset_inputs if run.inputs else [])],
    }


def _input(given: "DatasetInput") -> dict[str, Json]:
    dataset: Any = given.dataset
    said = {name: getattr(dataset, name) for name in ("name", "digest", "source_type", "source", "schema", "profile")}
    return {**said, "tags": {tag.key: tag.value for tag in given.tags or ()}}


def reference(said: Said, server: str) -> bytes:
    """Return the note that stands for files which were not copied: canonical JSON that says where they were."""
    version = said.version
    note: dict[str, Json] = {
        "server": server,
        "model": version.name,
        "version": said.number,
        "run_id": version.run_id or None,
        "source": version.source,
    }
    return canonical_bytes(to_json(without_secrets(note), "mlflow"))
