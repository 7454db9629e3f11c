"""Model folder: a model file of the artifact store, byte for byte, in the folder that MLflow's clients load.

Nothing is loaded and saved again, so that the file in MLflow has the digest that the record names (skops writes other
bytes each time). The layout is that of `mlflow.sklearn.save_model(serialization_format="skops")`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.artifacts.trusted_types import refuse_untrusted
from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.errors import ArtifactError

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.records.statement.environment import Environment
    from lineage_pipelines.records.statement.training_run import ModelFile

MODEL_FILE = "model.skops"
FORMAT = "skops"
_NEEDED = ("scikit-learn", "skops", "numpy", "scipy", "pandas")
"""What loading a skops file in MLflow needs besides the types of the model."""


def write_model_folder(
    entry: "Entry",
    artifacts: ArtifactStore,
    into: Path,
    *,
    run_id: str,
    model_id: str,
    trusted_types: Sequence[str] = (),
) -> None:
    """Write the model's folder.

    Args:
        entry: the version.
        artifacts: where its file is; it is checked on the way.
        into: an empty folder.
        run_id: MLflow's run.
        model_id: MLflow's logged model.
        trusted_types: types that this project trusts beyond scikit-learn, NumPy and SciPy. MLflow's clients obey the
            list in the folder, so that no version is mirrored that asks for others.

    Raises:
        ArtifactError: the file is missing or altered, is not a skops file, or needs types that are not trusted.
    """
    record = entry.record
    if record.artifact.format != FORMAT:
        what = f"a model file of the format {record.artifact.format!r} is not mirrored"
        raise ArtifactError(what, where=entry.ref, fix="skops files are")
    refuse_untrusted(record.artifact.trusted_types, trusted_types, asked_by=f"{entry.ref}, record {entry.digest}")
    artifacts.fetch(record.artifact.digest, into / MODEL_FILE)
    requirements = sorted(_requirements(record.artifact, artifacts, record.environment))
    _write_environment(into, record.environment.python, requirements)
    _write_mlmodel(into, entry, requirements, run_id=run_id, model_id=model_id)


def _requirements(model: "ModelFile", artifacts: ArtifactStore, environment: "Environment") -> Iterator[str]:
    named = dict(line.split("==", 1) for line in model.requirements if "==" in line)
    try:
        lines = artifacts.read(environment.packages).decode().splitlines()
    except ArtifactError:  # the model is worth more than the list beside it; `lineage verify` names what is gone
        lines = []
    installed = dict(line.split("==", 1) for line in lines if "==" in line)
    for name in sorted({*named, *_NEEDED}):
        version = named.get(name) or installed.get(name)
        yield f"{name}=={version}" if version else name


def _write_environment(into: Path, python: str, requirements: Sequence[str]) -> None:
    import yaml

    number = _number(python)
    (into / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    python_env = {"python": number, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={number}", "pip", {"pip": list(requirements)}],
    }
    for name, document in (("python_env.yaml", python_env), ("conda.yaml", conda)):
        (into / name).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _write_mlmodel(into: Path, entry: "Entry", requirements: Sequence[str], *, run_id: str, model_id: str) -> None:
    # By hand, in MLflow's format (Storage Format, in its documentation): `mlflow.models` takes a second to import.
    import yaml
    from mlflow.version import VERSION

    artifact = entry.record.artifact
    named = dict(line.split("==", 1) for line in requirements if "==" in line)
    function = {
        "loader_module": "mlflow.sklearn",
        "model_path": MODEL_FILE,
        "predict_fn": "predict",
        "python_version": _number(entry.record.environment.python),
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
    }
    sklearn = {
        "pickled_model": MODEL_FILE,
        "serialization_format": FORMAT,
        "skops_trusted_types": list(artifact.trusted_types) or None,
        "sklearn_version": named.get("scikit-learn", "unknown"),
        "code": None,
    }
    document = {
        "flavors": {"python_function": function, "sklearn": sklearn},
        "metadata": {tags.RECORD: str(entry.digest)},
        "mlflow_version": VERSION,
        "model_id": model_id,
        "model_size_bytes": artifact.size,
        "model_uuid": model_id,
        "run_id": run_id,
        "utc_time_created": f"{entry.record.run.finished:%Y-%m-%d %H:%M:%S.%f}",
    }
    (into / "MLmodel").write_text(yaml.safe_dump(document), encoding="utf-8")


def _number(python: str) -> str:
    """Return `3.11.7` of `CPython 3.11.7`."""
    return python.rpartition(" ")[2]
