"""`load_model` gives back the very estimator, or nothing."""

import pkgutil
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from lineage_pipelines import load_model
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.bridges.mlflow.model_folder import write_model_folder
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import ArtifactError, NotFoundError
from lineage_pipelines.replay.reevaluation import _model
from lineage_pipelines.replay.reproduction_run import Options
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.orchestration.conftest import build_defs, instance, shop
from lineage_pipelines_tests.orchestration.shop import Shop, run

__all__ = ["instance", "shop"]


@pytest.fixture
def trained(shop: Shop, instance: dg.DagsterInstance) -> Shop:
    assert run(build_defs(shop), "refresh", instance).success
    return shop


def _object(shop: Shop) -> Path:
    with shop.catalog() as catalog:
        digest = catalog.get("churn", 1).record.artifact.digest
    store = Path(resolve_settings(start=shop.root).artifacts)
    (path,) = [path for path in store.rglob("*") if path.is_file() and digest.hex[-20:] in path.name]
    return path


@pytest.mark.parametrize("ref", ["churn", "churn@1"])
def test_the_estimator_predicts_what_it_did(trained: Shop, ref: str) -> None:
    model: Any = load_model(ref, project_dir=trained.root)
    table = pd.read_csv(trained.root / "data/parts/test.csv")
    from sklearn.metrics import roc_auc_score

    score = model.predict_proba(table[["amount", "visits"]])[:, 1]
    with trained.catalog() as catalog:
        evaluation = catalog.get("churn", 1).record.evaluation
    assert evaluation is not None
    assert roc_auc_score(table["left"], score) == evaluation.metrics["roc_auc"]


def test_an_altered_file_is_not_loaded(trained: Shop) -> None:
    path = _object(trained)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError) as told:
        load_model("churn@1", project_dir=trained.root)
    with trained.catalog() as catalog:
        assert catalog.get("churn", 1).record.artifact.digest.hex in str(told.value)


def test_a_missing_file_is_told_by_its_digest(trained: Shop) -> None:
    _object(trained).unlink()
    with pytest.raises(ArtifactError, match=r"missing|not in"):
        load_model("churn@1", project_dir=trained.root)


def _asking(shop: Shop, *types: str) -> Path:
    """Commit a version whose record asks for types; return its model file, which asks for the first of them."""
    path = shop.root / "asking.skops"
    skops.io.dump(FunctionTransformer(pkgutil.resolve_name(types[0])), path)
    settings = resolve_settings(start=shop.root)
    digest = ArtifactStore(settings.artifacts).put_file(path)
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        record = catalog.get("churn", 1).record
        artifact = replace(record.artifact, digest=digest, size=path.stat().st_size, trusted_types=types)
        model = replace(record.model, run_key="cf" * 32, previous=None)
        catalog.append(replace(record, model=model, artifact=artifact))
    return path


def test_types_that_only_the_record_trusts_are_not_loaded(trained: Shop) -> None:
    _asking(trained, "posix.system", "operator.call")
    with pytest.raises(ArtifactError, match=r"types that are not trusted here: posix\.system\n") as told:
        load_model("churn@2", project_dir=trained.root)
    assert "churn@2, record " in told.value.where


def test_the_reader_trusts_more_by_argument_or_setting(trained: Shop) -> None:
    _asking(trained, "textwrap.dedent")
    loaded: Any = load_model("churn@2", project_dir=trained.root, trusted_types=["textwrap.dedent"])
    assert loaded.func is textwrap.dedent
    (trained.root / "pyproject.toml").write_text('[tool.lineage]\ntrusted_types = ["textwrap.dedent"]\n')
    assert type(load_model("churn@2", project_dir=trained.root)) is FunctionTransformer


def test_they_are_neither_mirrored_nor_measured_again(trained: Shop, tmp_path: Path) -> None:
    _asking(trained, "posix.system")
    artifacts = ArtifactStore(resolve_settings(start=trained.root).artifacts)
    with trained.catalog() as catalog:
        entry = catalog.get("churn", 2)
    with pytest.raises(ArtifactError, match="not trusted here"):
        write_model_folder(entry, artifacts, tmp_path, run_id="r", model_id="m")
    with pytest.raises(ArtifactError, match="not trusted here"):
        _model(entry, Options(project_dir=trained.root, artifacts=artifacts), tmp_path / "model")
    assert list(tmp_path.glob("m*")) == []


def test_another_library_is_warned_about(trained: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    real = importlib.metadata.version
    monkeypatch.setattr(
        "lineage_pipelines.queries.versions.model_loader.version",
        lambda name: "9.9" if name == "scikit-learn" else real(name),
    )
    with pytest.warns(UserWarning, match=r"churn@1 was trained with scikit-learn .*, but 9\.9 is installed"):
        load_model("churn@1", project_dir=trained.root)


def test_what_is_not_there_is_told(trained: Shop) -> None:
    with pytest.raises(NotFoundError, match="version 1"):
        load_model("churn@2", project_dir=trained.root)
