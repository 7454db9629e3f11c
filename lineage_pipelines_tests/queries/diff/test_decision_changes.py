from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.diff.run.decision_changes import decisions_between
from lineage_pipelines.queries.registry.decision_drafts import (
    draft_promotion,
    draft_rejection,
    draft_retirement,
)
from lineage_pipelines_tests.catalog.people import forge, introduce, plain_policy
from lineage_pipelines_tests.samples import make_record


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", keys=tmp_path / "keys") as opened:
        opened.append(make_record(run="1"))
        yield opened


def promote(catalog: Catalog, folder: Path, version: int, *, model: str = "flight_delay") -> int:
    entry = catalog.get(model, version)
    return catalog.registry.decide(
        draft_promotion(catalog, entry, "production", by="carol", reason="x", project_dir=folder)
    )


def test_decisions_and_approvals_between_two_versions(catalog: Catalog, tmp_path: Path) -> None:
    first = catalog.get("flight_delay", 1)
    text = "approvals = 1\n"
    (tmp_path / "pyproject.toml").write_text(f"[tool.lineage.promotion.production]\n{text}")
    ann = introduce(catalog, tmp_path, "ann@example.org")
    given = ann.approve(catalog, first, plain_policy(approvals=1))
    decided = promote(catalog, tmp_path, 1)
    rejected = catalog.registry.decide(draft_rejection(catalog, first, "staging", by="dan", reason="no"))
    retired = catalog.registry.decide(draft_retirement(catalog, "flight_delay", "production", by="eve", reason="old"))
    second = catalog.append(make_record(run="2"))
    found = decisions_between(catalog, first, second)
    assert [(each.seq, each.text) for each in found] == [
        (given, "ann@example.org approved flight_delay@1 for production: read it"),
        (decided, f"carol promoted flight_delay@1 to production: x; approved by ann@example.org (entry {given})"),
        (rejected, "dan rejected flight_delay@1 for staging: no"),
        (retired, "eve retired production of flight_delay: old"),
    ]
    assert all(first.recorded <= each.at <= second.recorded for each in found)
    assert decisions_between(catalog, second, first) == found
    assert decisions_between(catalog, first, first) == ()


def test_only_what_lies_between_and_is_about_the_models(catalog: Catalog, tmp_path: Path) -> None:
    first = catalog.get("flight_delay", 1)
    other = catalog.append(make_record(run="1", model="other"))
    promote(catalog, tmp_path, 1, model="other")
    second = catalog.append(make_record(run="2"))
    promote(catalog, tmp_path, 2)
    assert decisions_between(catalog, first, second) == ()
    assert [each.text for each in decisions_between(catalog, other, second)] == [
        "carol promoted other@1 to production: x"
    ]


def test_an_entry_that_cannot_be_read_is_passed_over(catalog: Catalog) -> None:
    first = catalog.get("flight_delay", 1)
    forge(catalog, "decision", b"{}")
    forge(catalog, "approval", b"\xff")
    assert decisions_between(catalog, first, catalog.append(make_record(run="2"))) == ()
