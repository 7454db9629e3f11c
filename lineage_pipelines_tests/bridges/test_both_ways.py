"""Both directions at once: we mirror into a registry, others register there, and it is imported, all the while."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineage_pipelines.bridges.mlflow.mirror_comparison import compare
from lineage_pipelines.bridges.mlflow.registry_import.importer import import_registry
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines_tests.bridges.team import Team, a_team
from lineage_pipelines_tests.mlflow_server import MlflowServer

OURS, THEIRS = 8, 20


def _import(team: Team) -> int:
    with Catalog(team.settings.catalog, keys=team.settings.keys) as catalog:
        answer = import_registry(
            team.settings.mlflow or "",
            catalog=catalog,
            artifacts=team.settings.artifacts,
            project_dir=team.folder,
            by="ada",
            copy=False,
        )
    return sum(model.imported for model in answer.models)


def _others_register(team: Team) -> None:
    client = team.client
    client.create_registered_model("others")
    experiment = client.create_experiment("by hand")
    for number in range(THEIRS):
        run = client.create_run(experiment).info.run_id
        client.log_metric(run, "roc_auc", 0.5 + number / 100)
        client.create_model_version(("delay", "others")[number % 2], f"runs:/{run}/model", run)


def _we_train(team: Team) -> None:
    for number in range(1, OURS + 1):
        team.train(str(number))
        team.deliver()


def _we_import(team: Team) -> None:
    for _ in range(5):
        _import(team)


def test_both_directions_at_once_make_each_version_once_on_both_sides(
    own_mlflow: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", own_mlflow.address)
    with a_team(tmp_path / "team", own_mlflow.address, "delay") as team:
        team.mirror()
        team.client.create_registered_model("delay")
        with ThreadPoolExecutor() as pool:
            works = [pool.submit(work, team) for work in (_others_register, _we_train, _we_import)]
        for work in works:
            work.result()
        team.deliver()
        _import(team)
        assert _import(team) == 0
        _check(team)


def _check(team: Team) -> None:
    found = team.client.search_model_versions("name = 'delay'")
    mirrored = [each for each in found if "lineage.record" in each.tags]
    assert len({each.tags["lineage.record"] for each in mirrored}) == len(mirrored) == OURS
    assert len(found) == OURS + THEIRS // 2
    records = [entry.record for entry in team.catalog.entries("delay")]
    imported = [record.run.mlflow for record in records if record.run.mlflow is not None]
    assert len(records) == OURS + THEIRS // 2
    assert sorted(int(each.version or 0) for each in imported) == sorted(
        int(each.version) for each in found if "lineage.record" not in each.tags
    )
    assert len(team.catalog.entries("others")) == THEIRS // 2
    assert [*compare(team.catalog, team.mirror(), dry_run=True)] == []
    claims = verify_catalog(team.catalog, artifacts=team.artifacts)
    assert [claim for claim in claims if claim.failed and claim.kind != "artifacts"] == []
