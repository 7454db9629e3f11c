"""What differs between the catalog and MLflow is listed, and put right where it is ours."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lineage_pipelines.bridges.mlflow.mirror_comparison import compare
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines_tests.bridges.team import Team, a_team
from lineage_pipelines_tests.mlflow_server import MlflowServer, free_port


@pytest.fixture
def team(shared_mlflow: MlflowServer, tmp_path: Path) -> Iterator[Team]:
    """A team with a server, one version in production, all told."""
    with a_team(tmp_path / "team", shared_mlflow.address, f"delay-{uuid.uuid4().hex[:8]}") as opened:
        opened.promote(opened.train("1"))
        opened.train("2")
        opened.deliver()
        yield opened


def _compare(team: Team, *, dry_run: bool = False) -> list[tuple[str, str, str]]:
    return [(each.kind, each.subject, each.status) for each in compare(team.catalog, team.mirror(), dry_run=dry_run)]


def test_two_that_agree_have_no_drift(team: Team) -> None:
    assert _compare(team) == []
    assert _compare(team, dry_run=True) == []


def test_what_is_owed_is_told(team: Team) -> None:
    entry = team.train("3")
    assert _compare(team, dry_run=True) == [("owed to MLflow", f"entry {entry.seq}", "to be sent")]
    assert _compare(team) == [("owed to MLflow", "1 more", "sent")]
    assert _compare(team) == []


def test_versions_from_before_the_mirror_are_told_with_their_standing(team: Team) -> None:
    with Catalog(team.settings.catalog, keys=team.settings.keys) as unmirrored:
        early = replace(team, catalog=unmirrored)
        early.promote(early.train("3"), reason="before anybody thought of MLflow")
    assert _compare(team, dry_run=True)[0] == ("version not in MLflow", f"{team.model}@3", "to be mirrored")
    assert _compare(team)[0] == ("version not in MLflow", f"{team.model}@3", "mirrored")
    assert _compare(team) == []
    held = team.client.get_model_version_by_alias(team.model, "production")
    assert held.tags["lineage.version"] == "3"
    assert held.tags["lineage.decided.production"].endswith("before anybody thought of MLflow")


def test_what_was_deleted_in_mlflow_is_mirrored_again(team: Team) -> None:
    team.client.delete_registered_model(team.model)
    assert [done for _, _, done in _compare(team)] == ["mirrored", "mirrored"]
    assert _compare(team) == []
    assert sorted(team.registered()) == ["1", "2"]
    assert team.client.get_model_version_by_alias(team.model, "production").tags["lineage.version"] == "1"


def test_an_alias_that_somebody_moved_in_mlflow_is_moved_back(team: Team) -> None:
    team.client.set_registered_model_alias(team.model, "production", team.registered()["2"].version)
    team.client.set_registered_model_alias(team.model, "their-own", team.registered()["2"].version)
    assert _compare(team, dry_run=True) == [("alias differs", f"{team.model}@production", "to be moved")]
    assert _compare(team) == [("alias differs", f"{team.model}@production", "moved")]
    assert team.client.get_model_version_by_alias(team.model, "production").tags["lineage.version"] == "1"
    assert _compare(team) == []


def test_versions_of_others_are_listed_and_left(team: Team) -> None:
    run = team.registered()["1"].run_id
    theirs = team.client.create_model_version(team.model, f"runs:/{run}/model", run)
    assert _compare(team) == [("version without lineage", f"{team.model} version {theirs.version} in MLflow", "left")]


def test_a_forged_record_is_an_alarm(team: Team) -> None:
    run = team.registered()["1"].run_id
    forged = {"lineage.record": f"sha256:{'0' * 64}", "lineage.version": "7"}
    theirs = team.client.create_model_version(team.model, f"runs:/{run}/model", run, tags=forged)
    assert _compare(team) == [("version without record", f"{team.model} version {theirs.version} in MLflow", "ALARM")]


def test_a_number_that_was_edited_is_an_alarm(team: Team) -> None:
    version = team.registered()["2"]
    team.client.set_model_version_tag(version.name, version.version, "lineage.version", "1")
    assert [what for what, _, _ in _compare(team)] == ["version without record"]


def test_a_server_that_is_away_is_said(team: Team) -> None:
    away = replace(team, settings=replace(team.settings, mlflow=f"http://127.0.0.1:{free_port()}"))
    assert [(what, done) for what, _, done in _compare(away)] == [("MLflow not compared", "not sent")]


def test_the_alias_of_a_partition_that_somebody_moved_is_moved_back(team: Team) -> None:
    team.promote(team.train("7", partition="west"))
    assert _compare(team) == [("owed to MLflow", "2 more", "sent")]
    assert _compare(team) == []
    team.client.set_registered_model_alias(team.model, "production-west", team.registered()["1"].version)
    assert _compare(team) == [("alias differs", f"{team.model}[west]@production", "moved")]
    held = team.client.get_model_version_by_alias(team.model, "production-west")
    assert held.tags["lineage.version"] == "3"
