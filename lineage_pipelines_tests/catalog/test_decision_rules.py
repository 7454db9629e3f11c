"""Rollback, retirement and rejection are judged when they are committed, and again by verify."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.registry import decision_checks
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.queries.registry.decision_drafts import (
    draft_promotion,
    draft_rejection,
    draft_retirement,
    draft_rollback,
)
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.decisions.decision import Action, Decision, Rule
from lineage_pipelines.records.values.finding import Finding
from lineage_pipelines_tests.samples import make_record

ADA: dict[str, Any] = {"by": "ada", "reason": "it is due"}


@pytest.fixture
def promoted(tmp_path: Path) -> Path:
    """Three versions; production has named the first, and names the second."""
    (tmp_path / "pyproject.toml").write_text("[tool.lineage]\n")
    with opened(tmp_path) as catalog:
        for run in "123":
            catalog.append(make_record(run=run))
        for version in (1, 2):
            entry = catalog.get("flight_delay", version)
            catalog.registry.decide(draft_promotion(catalog, entry, "production", project_dir=tmp_path, **ADA))
    return tmp_path


def opened(folder: Path) -> Catalog:
    return Catalog(f"sqlite:///{folder}/catalog.db")


def decisions(folder: Path) -> Finding:
    with opened(folder) as catalog:
        return next(claim for claim in verify_catalog(catalog) if str(claim.kind) == "decisions")


def forged(catalog: Catalog, **changed: Any) -> Decision:  # fields of a decision
    return replace(draft_rollback(catalog, "flight_delay", "production", **ADA), **changed)


def never_named(catalog: Catalog) -> Decision:
    third = catalog.get("flight_delay", 3)
    return forged(catalog, version=3, record=third.digest)


def named_already(catalog: Catalog) -> Decision:
    second = catalog.get("flight_delay", 2)
    return forged(catalog, version=2, record=second.digest)


def nothing(catalog: Catalog) -> Decision:
    return forged(catalog, version=None, record=None)


def promotes_nothing(catalog: Catalog) -> Decision:
    return forged(catalog, action=Action.PROMOTE, version=None, record=None)


def retires_what_is_not_named(catalog: Catalog) -> Decision:
    draft = draft_retirement(catalog, "flight_delay", "production", **ADA)
    return replace(draft, alias="staging", previous=None)


def retires_with_a_version(catalog: Catalog) -> Decision:
    first = catalog.get("flight_delay", 1)
    return forged(catalog, action=Action.RETIRE, version=1, record=first.digest)


def claims_rules(catalog: Catalog) -> Decision:
    return forged(catalog, rules=(Rule(name="checks", passed=True, detail="all passed"),))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (never_named, "goes back to flight_delay@3, which production has never named"),
        (named_already, "goes back to flight_delay@2, which production names already"),
        (nothing, "is a rollback decision that names no version"),
        (promotes_nothing, "is a promote decision that names no version"),
        (retires_what_is_not_named, "retires staging, which named no version"),
        (retires_with_a_version, "retires an alias, and names a version"),
        (claims_rules, "states what a policy says, and is no promotion"),
    ],
)
def test_a_decision_without_ground_is_refused_and_named(
    promoted: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Any,
    words: str,
) -> None:
    with opened(promoted) as catalog:
        decision = make(catalog)
        with pytest.raises(CatalogError, match=words.replace("(", r"\(")):
            catalog.registry.decide(decision)
        assert not decisions(promoted).failed
        monkeypatch.setattr(decision_checks, "check", lambda *_: None)  # whoever writes the log without these checks
        seq = catalog.registry.decide(decision)
    found = decisions(promoted)
    assert found.failed
    assert f"entry {seq} (decision) {words}" in found.detail


def test_a_rollback_rests_on_decisions_not_on_their_index(promoted: Path) -> None:
    with opened(promoted) as catalog:
        decision = never_named(catalog)
        with catalog.connection.writing() as connection:
            connection.exec_driver_sql("INSERT INTO decided VALUES ('decision', 'flight_delay', 'production', 3, 3, 1)")
        with pytest.raises(CatalogError, match="has never named"):
            catalog.registry.decide(decision)


def test_honest_decisions_are_committed_and_pass(promoted: Path) -> None:
    with opened(promoted) as catalog:
        catalog.registry.decide(draft_rollback(catalog, "flight_delay", "production", **ADA))
        third = catalog.get("flight_delay", 3)
        catalog.registry.decide(draft_rejection(catalog, third, "production", **ADA))
        catalog.registry.decide(draft_retirement(catalog, "flight_delay", "production", **ADA))
        catalog.registry.decide(draft_promotion(catalog, third, "production", project_dir=promoted, **ADA))
        catalog.registry.decide(draft_rollback(catalog, "flight_delay", "production", **ADA))
    assert not decisions(promoted).failed
