"""Imported versions through the other verbs: they answer, and say what is not known."""

from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines.queries.versions.model_loader import load_model
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.bridges.registry_import.conftest import Lineage, versions
from lineage_pipelines_tests.bridges.registry_import.registry import COMMIT, FILES, Team


@pytest.fixture
def imported(team: Team, bring: Lineage, project: Path) -> Path:
    """The project with two versions of `flight_delays`; the first one of the registry was deleted."""
    for alpha in ("0.1", "0.2", "0.3"):
        team.deliver("Flight delays", params={"alpha": alpha}, metrics={"roc_auc": 0.7 + float(alpha) / 10})
    team.client.delete_model_version("Flight delays", "1")
    assert bring().code == 0
    return project


def test_show_says_where_it_comes_from_and_what_is_missing_first(imported: Path, lineage: Lineage) -> None:
    said = lineage("show", "flight_delays@2", "--full").out
    mlflow = versions(imported, "flight_delays")[1].record.run.mlflow
    assert mlflow is not None
    assert (
        f"from MLflow's 'Flight delays', version 3; run {mlflow.run_id}, experiment flights, sqlite:mlflow.db"
        in " ".join(said.split())
    )
    parts = ["Missing", "Inferred, not seen", "Declared, not seen", "Data", "no snapshot is known", "Code", "Artifact"]
    places = [said.index(part) for part in parts]
    assert places == sorted(places)
    assert "perhaps changed" in said
    assert "clean" not in said
    assert "a model folder of MLflow" in said


def test_diff_names_what_cannot_be_compared(imported: Path, lineage: Lineage) -> None:  # noqa: ARG001  # made before
    said = lineage("diff", "flight_delays@1", "flight_delays@2", "--full")
    assert said.code == 1
    assert "alpha 0.2 → 0.3" in said.out
    unknown = "not known of either, so that it is not compared: code.dirty, code.source, data"
    assert unknown in " ".join(said.out.split())
    assert lineage("diff", "flight_delays@1", "flight_delays@1").code == 0


def test_trace_impact_and_log_answer(imported: Path, lineage: Lineage) -> None:
    mlflow = versions(imported, "flight_delays")[1].record.run.mlflow
    assert mlflow is not None
    traced = lineage("trace", "flight_delays").out
    assert f"its data is not known, MLflow's run {mlflow.run_id}" in " ".join(traced.split())
    assert "repository not known" in traced
    assert lineage("impact", COMMIT[:12]).out.count("flight_delays@1-2") == 1
    assert "0.73" in lineage("log", "flight_delays").out


def test_a_policy_of_clean_commits_is_not_kept_by_what_is_not_known(imported: Path, lineage: Lineage) -> None:
    policy = "[tool.lineage.promotion.production]\nclean = true\n"
    (imported / "pyproject.toml").write_text(f"[tool.lineage]\n{policy}")
    said = lineage("promote", "flight_delays@2", "--to", "production", "--reason", "x")
    assert said.code == 1
    assert "it is not known whether it was trained with uncommitted changes" in said.out
    assert lineage("promote", "flight_delays@2", "--to", "production", "--reason", "x", "--override").code == 0
    assert "flight_delays" in lineage("show", "flight_delays@production").out


@pytest.mark.parametrize("what", ["data/model.pkl of its model folder", "the data of the MLflow run"])
def test_verify_reads_the_files_of_a_model_folder_and_what_mlflow_said(
    imported: Path, lineage: Lineage, what: str
) -> None:
    store = ArtifactStore(resolve_settings(start=imported).artifacts)
    record = versions(imported, "flight_delays")[0].record
    assert record.run.mlflow is not None
    assert record.run.mlflow.source is not None
    name = record.run.mlflow.source if what.endswith("run") else Digest.of(FILES["data/model.pkl"])
    assert lineage("verify").code == 0
    Path(store.url_of(name)).unlink()
    said = lineage("verify", "--format", "json")
    assert said.code == 1
    (claim,) = [claim for claim in said.json() if claim["claim"] == "artifacts"]
    assert claim["verdict"] == "FAIL"
    assert what in str(claim)


def test_it_is_never_loaded(imported: Path, team: Team, bring: Lineage) -> None:
    team.register("Flight delays", team.train())
    bring("--artifacts", "none")
    with pytest.raises(ArtifactError, match="flight_delays@2 is a model folder of MLflow, which is never loaded"):
        load_model("flight_delays@2", project_dir=imported)
    with pytest.raises(ArtifactError, match="flight_delays@3 is a note on where MLflow had the model"):
        load_model("flight_delays@3", project_dir=imported)
