"""Model loader: load the model of a version from the file that its record names."""

import tempfile
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.artifacts.model_file import load_model_file
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import ArtifactError, visible
from lineage_pipelines.queries.refs import resolve
from lineage_pipelines.queries.tombstones import purged_words
from lineage_pipelines.records.statement.training_run import ModelFile
from lineage_pipelines.settings import resolve_settings


def load_model(
    ref: str,
    *,
    catalog: str | None = None,
    artifacts: str | None = None,
    project_dir: str | Path | None = None,
    trusted_types: Sequence[str] = (),
) -> object:
    """Return the estimator of a version, `load_model("flight_delay@3")`.

    The file's digest is compared with the record before the file is parsed, and only types that the reader trusts are
    instantiated: those of scikit-learn, NumPy and SciPy, `[tool.lineage] trusted_types`, and `trusted_types`. What the
    record asks for counts for nothing. Warns about libraries whose version differs from that at training.

    Args:
        ref: `model@7`, `model` (its latest version) or the beginning of a record digest.
        catalog: the catalog's URL; by default from the environment or pyproject.toml.
        artifacts: the artifact store, likewise.
        project_dir: the folder from which pyproject.toml is searched upwards; the current one by default.
        trusted_types: qualified names of more types, whose code you have read.

    Raises:
        NotFoundError: there is no such version.
        ArtifactError: the file is missing, altered or purged, or needs types that are not trusted.
    """
    start = Path(project_dir) if project_dir is not None else None
    settings = resolve_settings(catalog=catalog, artifacts=artifacts, start=start)
    with Catalog(settings.catalog, create=False, read_only=True) as opened:
        entry, purged = resolve(opened, ref), purged_words(opened)
    file = entry.record.artifact
    if file.format != "skops":
        raise ArtifactError(f"{entry.ref} is {_kind(file)}, which is never loaded", fix=_fix(file))
    _warn_about_versions(entry.ref, file)
    with tempfile.TemporaryDirectory(prefix="lineage-") as folder:
        path = ArtifactStore(settings.artifacts, purged=purged).fetch(file.digest, Path(folder) / "model.skops")
        trusted = (*settings.trusted_types, *trusted_types)
        return load_model_file(path, trusted_types=trusted, asked_by=f"{entry.ref}, record {entry.digest}")


def _kind(file: ModelFile) -> str:
    known = {"mlflow": "a model folder of MLflow", "mlflow-reference": "a note on where MLflow had the model"}
    return known.get(file.format, f"a {file.format} file")


def _fix(file: ModelFile) -> str:
    if file.format == "mlflow-reference":
        return "its files are not here: look for them in MLflow (lineage show says which version it is there)"
    return "fetch it from the artifact store by its digest and load it yourself, if you trust it"


def _warn_about_versions(ref: str, file: ModelFile) -> None:
    for requirement in file.requirements:
        name, _, trained = requirement.partition("==")
        try:
            here = version(name)
        except PackageNotFoundError:
            here = "no version"
        if here != trained:
            warnings.warn(
                visible(f"{ref} was trained with {name} {trained}, but {here} is installed"), UserWarning, stacklevel=3
            )
