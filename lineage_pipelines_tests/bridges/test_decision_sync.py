"""Decisions and approvals in MLflow: aliases name what they name here, and who said so stands in tags."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.queries.registry.decision_drafts import (
    draft_rejection,
    draft_retirement,
    draft_rollback,
)
from lineage_pipelines_tests.bridges.team import Team, a_team
from lineage_pipelines_tests.catalog.people import introduce, plain_policy
from lineage_pipelines_tests.mlflow_server import MlflowServer


@pytest.fixture
def team(shared_mlflow: MlflowServer, tmp_path: Path) -> Iterator[Team]:
    """A team with a server."""
    with a_team(tmp_path / "team", shared_mlflow.address, f"delay-{uuid.uuid4().hex[:8]}") as opened:
        yield opened


def _named(team: Team, alias: str = "production") -> str | None:
    """Return the number in the catalog of what an alias names in MLflow."""
    aliases = team.client.get_registered_model(team.model).aliases
    if alias not in aliases:
        return None
    return str(team.client.get_model_version_by_alias(team.model, alias).tags["lineage.version"])


def test_promotions_move_the_alias_and_say_who_and_why(team: Team) -> None:
    first, second = team.train("1"), team.train("2")
    team.promote(first, reason="the first one")
    assert team.deliver().refused == []
    assert _named(team) == "1"
    team.promote(second, reason="0.02 better")
    assert team.deliver().sent == 1
    assert _named(team) == "2"
    assert "promote by ada" in team.registered()["2"].tags["lineage.decided.production"]
    assert team.registered()["2"].tags["lineage.decided.production"].endswith(": 0.02 better")
    team.catalog.registry.decide(
        draft_rollback(team.catalog, team.model, "production", by="bob", reason="worse at JFK")
    )
    team.deliver()
    assert _named(team) == "1"
    assert "rollback by bob" in team.registered()["1"].tags["lineage.decided.production"]


def test_a_retired_alias_names_nothing(team: Team) -> None:
    entry = team.train()
    team.promote(entry, "staging")
    team.promote(entry)
    team.deliver()
    team.catalog.registry.decide(draft_retirement(team.catalog, team.model, "staging", by="bob", reason="not needed"))
    assert team.deliver().refused == []
    assert _named(team, "staging") is None
    assert _named(team) == "1"


def test_a_rejection_leaves_an_alias_that_others_have_set(team: Team) -> None:
    entry = team.train()
    team.deliver()
    team.client.set_registered_model_alias(team.model, "champion", team.registered()["1"].version)
    team.catalog.registry.decide(draft_rejection(team.catalog, entry, "champion", by="bob", reason="too slow"))
    assert team.deliver().refused == []
    assert _named(team, "champion") == "1"
    assert "reject by bob" in team.registered()["1"].tags["lineage.decided.champion"]


def test_the_last_decision_counts_whichever_is_told(team: Team) -> None:
    entries = [team.train(str(number)) for number in range(1, 4)]
    for entry in entries:
        team.promote(entry)
    owed = team.catalog.outbox.pending("mlflow")
    mirror = team.mirror()
    for entry in entries:
        mirror.write(entry)
    team.catalog.outbox.mark_delivered(
        "mlflow", owed[:5]
    )  # all but the last promotion were told by somebody who has lost the answer
    team.deliver()
    assert _named(team) == "3"


def test_approvals_are_tags(team: Team, tmp_path: Path) -> None:
    entry = team.train()
    ann, bob = (introduce(team.catalog, tmp_path, f"{name}@example.org") for name in ("ann", "bob"))
    ann.approve(team.catalog, entry, plain_policy(approvals=2), reason="read the slices")
    assert team.deliver().refused == []
    bob.approve(team.catalog, entry, plain_policy(approvals=2), reason="agreed")
    assert team.deliver().sent == 1
    lines = team.registered()["1"].tags["lineage.approved.production"].splitlines()
    assert [line.partition(" at ")[0] for line in lines] == ["ann@example.org", "bob@example.org"]
    assert lines[0].endswith(": read the slices")


def test_the_alias_of_a_partition_has_its_name_in_mlflow(team: Team) -> None:
    regions = ("west", "east", "Via Roma 1")
    entries = [team.train(str(number), partition=region) for number, region in enumerate(regions, 1)]
    for entry in entries:
        team.promote(entry)
    assert team.deliver().refused == []
    aliases = team.client.get_registered_model(team.model).aliases
    odd = next(alias for alias in aliases if alias.startswith("production-Via_Roma_1"))
    assert {alias: _named(team, alias) for alias in aliases} == {
        "production-west": "1",
        "production-east": "2",
        odd: "3",
    }
    assert "promote by ada" in team.registered()["1"].tags["lineage.decided.production"]
    assert "Via Roma 1" not in str(team.registered()["3"].description), "Markdown holds no text of a user"
    retired = draft_retirement(team.catalog, team.model, "production", identity="west", by="bob", reason="not needed")
    team.catalog.registry.decide(retired)
    assert team.deliver().refused == []
    assert set(team.client.get_registered_model(team.model).aliases) == {"production-east", odd}


def test_two_aliases_that_mlflow_cannot_tell_apart_are_refused(team: Team) -> None:
    team.promote(team.train("1"), "production-west")
    team.promote(team.train("2", partition="west"))
    ((_, why),) = team.deliver().refused
    assert "MLflow cannot tell production[west]" in why
    assert _named(team, "production-west") == "1"
