"""MLflow's aliases become decisions; what was decided here is not moved by them."""

from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.registry.alias_history import list_decisions
from lineage_pipelines.records.decisions.decision import Decision
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.bridges.registry_import.conftest import Lineage
from lineage_pipelines_tests.bridges.registry_import.registry import Team


def _decisions(project: Path) -> list[Decision]:
    with Catalog(resolve_settings(start=project).catalog, create=False, read_only=True) as catalog:
        return [each.decision for each in list_decisions(catalog, "delays")]


def _told(bring: Lineage) -> dict[str, tuple[int | None, bool]]:
    said = bring("--artifacts", "none", "--format", "json").json()["models"][0]
    return {each["alias"]: (each["version"], each["done"]) for each in said["aliases"]}


def _deliver(team: Team, count: int) -> None:
    for _ in range(count):
        team.register("delays", team.train())


def test_an_alias_is_decided_once_and_again_when_it_has_moved(team: Team, bring: Lineage, project: Path) -> None:
    _deliver(team, 3)
    team.client.set_registered_model_alias("delays", "production", "2")
    assert _told(bring) == {"production": (2, True)}
    assert _told(bring) == {"production": (2, True)}
    (decision,) = _decisions(project)
    assert (decision.version, decision.override) == (2, True)
    assert decision.reason.startswith("imported from MLflow, which keeps no history of aliases")
    team.client.set_registered_model_alias("delays", "production", "3")
    assert _told(bring) == {"production": (3, True)}
    assert [each.version for each in _decisions(project)] == [2, 3]


def test_what_was_decided_here_stays(team: Team, bring: Lineage, lineage: Lineage, project: Path) -> None:
    _deliver(team, 2)
    team.client.set_registered_model_alias("delays", "production", "1")
    bring("--artifacts", "none")
    assert lineage("promote", "delays@2", "--to", "production", "--reason", "better", "--override").code == 0
    said = bring("--artifacts", "none")
    assert said.code == 1
    assert "production names delays@1 there: it names delays@2 here, by a decision of this catalog" in said.out
    assert [each.version for each in _decisions(project)] == [1, 2]


def test_aliases_that_are_none_here_are_told(team: Team, bring: Lineage, project: Path) -> None:
    _deliver(team, 1)
    for alias in ("Champion", "été", "x" * 40):
        team.client.set_registered_model_alias("delays", alias, "1")
    assert _told(bring) == dict.fromkeys(("Champion", "été", "x" * 40), (1, False))
    assert _decisions(project) == []


def test_an_alias_that_mlflow_has_no_more_is_noted_and_left(team: Team, bring: Lineage, project: Path) -> None:
    _deliver(team, 1)
    team.client.set_registered_model_alias("delays", "staging", "1")
    bring("--artifacts", "none")
    team.client.delete_registered_model_alias("delays", "staging")
    said = bring("--artifacts", "none")
    assert "MLflow no longer has an alias staging" in said.out
    assert len(_decisions(project)) == 1


@pytest.mark.filterwarnings("ignore:.*transition_model_version_stage:FutureWarning")
def test_old_stages_count_where_no_alias_has_their_name(team: Team, bring: Lineage) -> None:
    _deliver(team, 4)
    for number, stage in (("1", "Production"), ("2", "Production"), ("3", "Staging"), ("4", "Archived")):
        team.client.transition_model_version_stage("delays", number, stage)
    team.client.set_registered_model_alias("delays", "staging", "4")
    assert _told(bring) == {"production": (2, True), "staging": (4, True)}


def test_a_dry_run_decides_nothing(team: Team, bring: Lineage, project: Path) -> None:
    _deliver(team, 1)
    bring("--artifacts", "none")
    team.client.set_registered_model_alias("delays", "production", "1")
    said = bring("--dry-run")
    assert said.code == 0
    assert "production would name delays@1" in said.out
    assert _decisions(project) == []
