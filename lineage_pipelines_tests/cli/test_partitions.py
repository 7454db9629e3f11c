"""Verbs on one partition of a model: decided, shown and verified apart from the others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions
from lineage_pipelines.queries.registry.decision_drafts import draft_rejection
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.decisions.decision import Action, Decision, encode_decision
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.catalog.people import forge, introduce, plain_policy
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.samples import make_record

TO = ("--to", "production", "--reason", "it is better")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """West, east, west again and east again; no_worse is asked of a promotion."""
    policy = "[tool.lineage.promotion.production]\nno_worse = { roc_auc = 0.0 }\n"
    (tmp_path / "pyproject.toml").write_text(f"[tool.lineage]\n{policy}")
    monkeypatch.chdir(tmp_path)
    with opened(tmp_path) as catalog:
        for run, region, auc in (("1", "west", 0.9), ("2", "east", 0.71), ("3", "west", 0.8), ("4", "east", 0.72)):
            catalog.append(make_record(run, auc=auc, partition=Partition(identity=region)))
    return tmp_path


def opened(folder: Path) -> Catalog:
    settings = resolve_settings(start=folder)
    return Catalog(settings.catalog, keys=settings.keys)


def wrong(folder: Path) -> Sequence[str]:
    """Return what `lineage verify` says of decisions."""
    with opened(folder) as catalog:
        claim = next(claim for claim in verify_catalog(catalog) if claim.kind == "decisions")
    return [cause.detail for cause in claim.causes]


def test_each_partition_is_promoted_against_its_own_production(regions: Path, lineage: Lineage) -> None:
    assert "production now names flight_delay[west]@1" in lineage("promote", "flight_delay[west]@1", *TO).out
    said = lineage("promote", "flight_delay@2", *TO)
    assert said.code == 0, "0.71 in the east is not compared with 0.9 in the west"
    assert "there is no version to be worse than" in said.out
    assert lineage("promote", "flight_delay[west]", *TO).code == 1, "0.8 is worse than 0.9"
    assert lineage("promote", "flight_delay[east]", *TO).code == 0
    for ref, version in (("flight_delay[west]@production", 1), ("flight_delay[east]@production", 4)):
        assert lineage("show", ref, "--format", "json").json()["version"] == version
    said = lineage("show", "flight_delay@production")
    assert said.code == 2
    assert "each partition has its own: flight_delay[east]@production, flight_delay[west]@production" in said.err
    assert wrong(regions) == []
    with opened(regions) as catalog:
        before = catalog.index.decisions()
        catalog.rebuild()
        assert catalog.index.decisions() == before


@pytest.mark.usefixtures("regions")
def test_history_is_that_of_the_partition_or_of_all(lineage: Lineage) -> None:
    for ref in ("flight_delay[west]@1", "flight_delay[east]@2", "flight_delay[east]@4"):
        assert lineage("promote", ref, *TO).code == 0
    lineage("reject", "flight_delay@3", "--reason", "slow")

    def versions(*words: str) -> list[int]:
        return [row["version"] for row in lineage("history", *words, "--format", "json").json()]

    assert versions("flight_delay") == [3, 4, 2, 1]
    assert versions("flight_delay[west]") == [3, 1]
    assert versions("flight_delay[east]", "--alias", "production") == [4, 2]
    assert versions("flight_delay[east]", "--alias", "staging") == []
    now = f"{datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    assert versions("flight_delay", "--alias", "production", "--at", now) == [4, 1], "one of each partition"
    assert versions("flight_delay[west]", "--alias", "production", "--at", now) == [1]
    assert "production[west]" in lineage("history", "flight_delay").out
    assert lineage("history", "flight_delay[south]").code == 2


def test_an_alias_of_one_partition_is_rolled_back_and_retired(regions: Path, lineage: Lineage) -> None:
    for ref in ("flight_delay[west]@1", "flight_delay[east]@2", "flight_delay[east]@4"):
        assert lineage("promote", ref, *TO).code == 0
    said = lineage("rollback", "flight_delay", "--reason", "complaints")
    assert said.code == 2
    assert "say of which partition: flight_delay[east], flight_delay[west]" in said.err
    assert lineage("rollback", "flight_delay[west]", "--reason", "complaints").code == 2, "it had no other version"
    assert lineage("rollback", "flight_delay[east]", "--reason", "complaints").code == 0
    assert lineage("retire", "flight_delay", "--reason", "over").code == 2
    assert lineage("retire", "flight_delay[west]", "--reason", "over").code == 0
    with opened(regions) as catalog:
        holders = [find_holder(catalog, "flight_delay", "production", identity=each) for each in ("west", "east")]
    assert [holder.version if holder else None for holder in holders] == [None, 2]
    assert wrong(regions) == []


@pytest.mark.usefixtures("regions")
def test_lists_and_impact_name_what_is_live_in_each_partition(lineage: Lineage) -> None:
    for ref in ("flight_delay[west]@1", "flight_delay[east]@4"):
        assert lineage("promote", ref, *TO).code == 0
    assert "4 [east], 1 [west]" in lineage("models").out
    (row,) = lineage("models", "--format", "json").json()
    assert row["production"] is None
    assert row["partitions_in_production"] == {"east": 4, "west": 1}
    rows = lineage("impact", "data/raw", "--in", "production", "--format", "json").json()["versions"]
    assert [(each["version"], each["aliases"]) for each in rows] == [
        (4, ["production[east]"]),
        (1, ["production[west]"]),
    ]
    assert lineage("impact", "flight_delay[west]@1").code == 0


@pytest.mark.usefixtures("regions")
def test_a_version_is_shown_with_its_partition_and_the_one_that_it_follows(regions: Path, lineage: Lineage) -> None:
    lineage("promote", "flight_delay[west]@1", *TO)
    said = lineage("show", "flight_delay[west]").out
    assert said.startswith("flight_delay[west] version 3")
    assert "flight_delay[west]@1" in said
    first = lineage("show", "flight_delay@1").out
    assert "nothing, it is the first of its partition" in first
    assert "  production  since " in first
    assert "promote, production, " in lineage("show", "flight_delay@1", "--full").out
    assert lineage("show", "flight_delay@1", "--format", "json").json()["model"]["partition"] == {"identity": "west"}
    with opened(regions) as catalog:
        catalog.append(make_record("5", model="minutes", partition=Partition(window=FIRST)))
    assert "from 2026-01-01 00:00" in lineage("show", "minutes").out
    assert lineage("show", "minutes", "--format", "json").json()["model"]["partition"] == {
        "window": "2026-01-01T00:00:00.000000Z"
    }


def test_an_approval_is_for_the_alias_of_the_partition(regions: Path) -> None:
    policy = plain_policy(approvals=1)
    with opened(regions) as catalog:
        ann = introduce(catalog, regions, "ann@example.org")
        entry = catalog.get("flight_delay", 1)
        for alias in ("production", "production[east]"):
            with pytest.raises(NotFoundError, match=r"cannot name flight_delay\[west\]@1"):
                ann.approve(catalog, entry, policy, alias=alias)
        ann.approve(catalog, entry, policy, alias="production[west]")


def test_an_alias_of_another_partition_is_refused_and_if_forged_found(regions: Path) -> None:
    with opened(regions) as catalog:
        entry = catalog.get("flight_delay", 1)
        decision = Decision(
            action=Action.REJECT,
            model="flight_delay",
            alias="production[east]",
            version=1,
            record=entry.digest,
            by="eve",
            reason="x",
            policy={},
        )
        for alias in ("production", "production[east]"):
            with pytest.raises(NotFoundError) as caught:
                catalog.registry.decide(replace(decision, alias=alias))
            assert caught.value.fix == "write production[west]"
        assert list_decisions(catalog, "flight_delay") == []
        forge(catalog, "decision", encode_decision(decision))
        catalog.registry.decide(draft_rejection(catalog, entry, "production", by="ada", reason="slow"))
    (found,) = wrong(regions)
    assert "is about flight_delay[west]@1, and production[east] is of another partition" in found
