"""Who is live, since when, by whose decision, on what evidence."""

import getpass
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import ConflictError
from lineage_pipelines.queries.registry.alias_history import find_holder
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.faults.owner import unguarded

TO = ("--to", "production", "--reason", "it is better")


def write_policy(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.lineage]\n[tool.lineage.promotion.production]\n{text}\n")


def test_a_version_that_passed_its_checks_is_promoted(project: Path, lineage: Lineage) -> None:
    assert project.exists()
    said = lineage("promote", "flight_delay@1", *TO)
    assert said.code == 0
    assert "production now names flight_delay@1" in said.out
    assert lineage("show", "flight_delay@production", "--format", "json").json()["version"] == 1
    (row,) = lineage("history", "flight_delay", "--format", "json").json()
    assert (row["action"], row["version"], row["by"], row["reason"]) == (
        "promote",
        1,
        getpass.getuser(),
        "it is better",
    )
    assert row["known_by"] == "os"
    assert row["rules"] == [{"name": "check min_roc_auc", "passed": True, "detail": "at least 0.7"}]


@pytest.mark.usefixtures("project")
def test_a_version_that_failed_one_is_not_and_nothing_changes(lineage: Lineage) -> None:
    said = lineage("promote", "flight_delay@3", *TO)
    assert said.code == 1
    assert "nothing was changed" in said.out
    assert "FAILED" in said.out
    assert lineage("history", "flight_delay", "--format", "json").json() == []
    assert lineage("show", "flight_delay@production").code == 2


@pytest.mark.usefixtures("project")
def test_an_override_is_shown_everywhere_as_one(lineage: Lineage) -> None:
    said = lineage("promote", "flight_delay@3", *TO, "--override")
    assert said.code == 0
    assert "against the policy" in said.out
    assert "promote (override)" in lineage("history", "flight_delay").out
    assert "AGAINST THE POLICY: it is better" in lineage("show", "flight_delay@3").out
    assert "decided" not in lineage("show", "flight_delay@1").out
    lineage("promote", "flight_delay@1", *TO, "--override")
    rows = lineage("history", "flight_delay", "--format", "json").json()
    assert [row["override"] for row in rows] == [False, True], "what the policy allows needs no override"


@pytest.mark.parametrize(
    ("policy", "ref", "failed"),
    [
        ("no_worse = { roc_auc = 0.06 }", "flight_delay@2", []),
        ("no_worse = { f1 = 0.1 }", "flight_delay@2", ["no_worse f1"]),
        ("complete = true", "flight_delay@1", ["complete"]),
        ("clean = true", "flight_delay@1", ["clean"]),
        ('checks = ["leakage"]', "flight_delay@1", ["check leakage"]),
        ('checks = ["slices_covered"]', "flight_delay@3", []),
        ('checks = ["slices_covered"]\nno_worse = { roc_auc = 0.01 }', "flight_delay@3", ["no_worse roc_auc"]),
    ],
)
def test_the_policy_of_the_project_decides(
    project: Path, lineage: Lineage, policy: str, ref: str, failed: list[str]
) -> None:
    lineage("promote", "flight_delay@1", *TO)
    write_policy(project, policy)
    said = lineage("promote", ref, *TO, "--format", "json")
    assert [rule["name"] for rule in said.json()["rules"] if not rule["passed"]] == failed
    assert said.code == bool(failed)


@pytest.mark.parametrize("policy", ["chekcs = []", "complete = 1", "no_worse = { roc_auc = -1 }", "checks = 3"])
def test_a_policy_that_means_nothing_is_refused(project: Path, lineage: Lineage, policy: str) -> None:
    write_policy(project, policy)
    said = lineage("promote", "flight_delay@1", *TO)
    assert said.code == 3
    assert "tool.lineage.promotion.production" in said.err
    assert lineage("history", "flight_delay", "--format", "json").json() == []


@pytest.mark.usefixtures("project")
def test_a_rollback_goes_to_what_was_live_before(lineage: Lineage) -> None:
    for version in (1, 2):
        lineage("promote", f"flight_delay@{version}", *TO)
    assert lineage("rollback", "flight_delay", "--reason", "complaints").code == 0
    assert lineage("show", "flight_delay@production", "--format", "json").json()["version"] == 1
    assert lineage("retire", "flight_delay", "--reason", "the end").code == 0
    assert lineage("show", "flight_delay@production").code == 2
    actions = [row["action"] for row in lineage("history", "flight_delay", "--format", "json").json()]
    assert actions == ["retire", "rollback", "promote", "promote"]


def test_any_past_instant_can_be_asked(project: Path, lineage: Lineage) -> None:
    for version in (1, 2):
        lineage("promote", f"flight_delay@{version}", *TO)
    lineage("reject", "flight_delay@3", "--reason", "July is in Celsius")
    newest, second, first = (row["at"] for row in lineage("history", "flight_delay", "--format", "json").json())
    at = ("history", "flight_delay", "--alias", "production", "--format", "json", "--at")
    assert [row["version"] for row in lineage(*at, first).json()] == [1]
    assert [row["version"] for row in lineage(*at, second).json()] == [2]
    assert [row["version"] for row in lineage(*at, newest).json()] == [2], "a rejection changes nothing"
    assert lineage(*at, "2013-01-01T00:00Z").json() == []
    with Catalog(resolve_settings(start=project).catalog, read_only=True) as catalog:
        holder = find_holder(catalog, "flight_delay", "production")
    assert holder is not None
    assert holder.version == 2


def test_two_who_decide_at_once_do_not_overwrite_each_other(project: Path, lineage: Lineage) -> None:
    settings = resolve_settings(start=project)
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        entry = catalog.get("flight_delay", 1)
        late = draft_promotion(catalog, entry, "production", by="ada", reason="x", project_dir=project)
        lineage("promote", "flight_delay@2", *TO)
        with pytest.raises(ConflictError, match="was changed meanwhile"):
            catalog.registry.decide(late)
    assert lineage("show", "flight_delay@production", "--format", "json").json()["version"] == 2


def test_a_forged_decision_is_found(project: Path, lineage: Lineage) -> None:
    lineage("promote", "flight_delay@1", *TO)
    claims = {claim["claim"]: claim for claim in lineage("verify", "--format", "json").json()}
    assert claims["decisions"]["verdict"] == "PASS"
    with unguarded(project / ".lineage" / "catalog.db") as raw:
        (body,) = raw.execute("SELECT body FROM log WHERE kind = 'decision'").fetchone()
        forged = body.replace(b'"passed":true', b'"passed":false')
        assert forged != body
        raw.execute("UPDATE log SET body = ? WHERE kind = 'decision'", [forged])
    claims = {claim["claim"]: claim for claim in lineage("verify", "--format", "json").json()}
    assert claims["decisions"]["verdict"] == "FAIL"
    assert "does not follow from the policy" in claims["decisions"]["detail"]
    assert claims["signatures"]["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("promote", "flight_delay@1", "--to", "production"), "--reason"),
        (("promote", "flight_delay@1", "--reason", "x"), "--to"),
        (("promote", "flight_delay@9", *TO), "versions 1 to 3"),
        (("promote", "flight_delay@1", "--to", "Prod!", "--reason", "x"), "not an alias"),
        (("rollback", "flight_delay", "--reason", "x"), "no version before"),
        (("retire", "flight_delay", "--reason", "x"), "names no version"),
        (("history", "nothing"), "flight_delay"),
        (("reconcile",), "DAGSTER_HOME"),
        (("history", "flight_delay", "--at", "2013-01-01T00:00Z"), "--alias"),
        (("history", "flight_delay", "--alias", "production", "--at", "noon"), "not a time"),
        (("history", "flight_delay", "--alias", "production", "--at", "2013-01-01T00:00"), "time zone"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_bad_request_is_told_in_words(lineage: Lineage, words: tuple[str, ...], told: str) -> None:
    said = lineage(*words)
    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err
