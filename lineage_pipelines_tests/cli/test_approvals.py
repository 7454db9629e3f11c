"""Approvals from the command line: who may, what they count for, and what nobody gets past."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.transparency.signing import ApprovalKey
from lineage_pipelines.queries.registry.alias_history import list_decisions
from lineage_pipelines.queries.registry.approval_status import list_approvals
from lineage_pipelines.records.decisions.approval import encode_envelope
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.history import approval_line, history_document, history_json
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.catalog.people import Person, forge, plain_policy, size
from lineage_pipelines_tests.cli.conftest import Lineage, Said
from lineage_pipelines_tests.cli.test_decisions import TO, write_policy

TWO = "approvals = 2\napproval_days = 30"
FOR = ("approve", "flight_delay@2", "--to", "production", "--reason", "read the slices")


@pytest.fixture(autouse=True)
def carol(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Carol's account, with a configuration folder of its own, in a project that asks for two approvals."""
    monkeypatch.setenv("LOGNAME", "carol")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project / "config"))
    write_policy(project, TWO)


@pytest.fixture
def people(project: Path, lineage: Lineage) -> Path:
    """The keys of ann, bob, of carol who asks, and of ada who trained."""
    for name in ("ann", "bob", "carol", "ada"):
        assert lineage("key", "new", "--owner", f"{name}@example.org", "--output", f"{name}.pem").code == 0
    return project


def opened(project: Path) -> Catalog:
    settings = resolve_settings(start=project)
    return Catalog(settings.catalog, keys=settings.keys)


def entries(project: Path) -> int:
    with opened(project) as catalog:
        return size(catalog)


def by(lineage: Lineage, *names: str) -> None:
    for name in names:
        said = lineage(*FOR, "--key", f"{name}.pem")
        assert said.code == 0, said.err


def promote(lineage: Lineage, *words: str) -> tuple[int, Any]:
    said = lineage("promote", "flight_delay@2", *TO, "--format", "json", *words)
    return said.code, said.json()


def rule(decision: Any) -> Any:
    (found,) = [rule for rule in decision["rules"] if rule["name"] == "approvals"]
    return found


def refused(said: Said, code: int, told: str) -> None:
    assert said.code == code
    assert told in said.err
    assert said.out == ""
    assert "Traceback" not in said.err


@pytest.mark.usefixtures("people")
def test_two_people_with_keys_of_their_own_make_a_promotion(lineage: Lineage) -> None:
    assert promote(lineage)[0] == 1
    by(lineage, "ann")
    code, decision = promote(lineage)
    assert (code, decision["entry"]) == (1, None)
    assert rule(decision)["detail"].startswith("1 of 2; ann@example.org (entry ")
    by(lineage, "bob")
    code, decision = promote(lineage)
    assert code == 0
    assert [each["approver"] for each in decision["approvals"]] == ["ann@example.org", "bob@example.org"]
    assert decision["compared"]["criterion"] == "every blocking check passed; approved by 2 others"
    assert [each["version"] for each in decision["compared"]["candidates"]] == [2]
    claims = {claim["claim"]: claim["verdict"] for claim in lineage("verify", "--format", "json").json()}
    assert claims["decisions"] == "PASS"
    assert "approved by ann@example.org (entry " in " ".join(lineage("history", "flight_delay").out.split())


def test_the_numbers_compared_are_kept_and_shown(people: Path, lineage: Lineage) -> None:
    write_policy(people, "no_worse = { roc_auc = 0.01 }\nnoise = { roc_auc = 0.002 }")
    lineage("promote", "flight_delay@1", *TO)
    said = lineage("promote", "flight_delay@2", *TO)
    assert "tolerance 0.01, and twice the noise band of 0.002" in said.out
    assert "version 2  version 1" in said.out
    newest = lineage("history", "flight_delay", "--format", "json").json()[0]
    candidates = newest["compared"]["candidates"]
    assert [(each["version"], each["metrics"]["roc_auc"]) for each in candidates] == [(2, 0.75), (1, 0.7)]
    assert "roc_auc no worse by more than 0.014" in newest["compared"]["criterion"]


@pytest.mark.parametrize(("noise", "passed"), [("", False), ("noise = { roc_auc = 0.01 }", False),
                                               ("noise = { roc_auc = 0.03 }", True)])  # fmt: skip
def test_twice_the_noise_is_tolerated_on_top(people: Path, lineage: Lineage, noise: str, passed: bool) -> None:
    """Version 1 is worse than version 2 by 0.05."""
    write_policy(people, f"no_worse = {{ roc_auc = 0.0 }}\n{noise}")
    lineage("promote", "flight_delay@2", *TO)
    assert lineage("promote", "flight_delay@1", *TO).code == (not passed)


# Row 61: who does not count, and what for


def expired(project: Path) -> None:
    """Ann's approval, as it is when its time is over."""
    now = datetime.now(UTC)
    with opened(project) as catalog:
        ann = Person("ann@example.org", ApprovalKey(project / "ann.pem"))
        times = {"given": now - timedelta(minutes=9), "expires": now - timedelta(minutes=1)}
        signed = ann.sign(catalog.get("flight_delay", 2), plain_policy(approvals=2, approval_days=30), **times)
        forge(catalog, "approval", encode_envelope(signed))


def other_policy(project: Path) -> None:
    write_policy(project, f"{TWO}\ncomplete = false\nno_worse = {{ roc_auc = 0.5 }}")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda _, lineage: lineage("key", "revoke", key_of(lineage, "ann"), "--reason", "stolen"), "was revoked"),
        (lambda project, _: other_policy(project), "was given under another policy"),
        (lambda project, _: write_policy(project, 'approvals = 2\napprovers = ["x", "y"]'), "another policy"),
    ],
)
def test_what_happens_after_an_approval_may_void_it(
    people: Path, lineage: Lineage, spoil: Callable[[Path, Lineage], object], told: str
) -> None:
    by(lineage, "ann", "bob")
    spoil(people, lineage)
    before = entries(people)
    code, decision = promote(lineage)
    assert (code, decision["entry"]) == (1, None)
    assert not rule(decision)["passed"]
    assert told in rule(decision)["detail"]
    assert entries(people) == before


def key_of(lineage: Lineage, name: str) -> str:
    listed = lineage("key", "list", "--format", "json").json()
    with opened(Path()) as catalog:
        bodies = [json.loads(row.body) for row in catalog.log.walk("key")]
    (key,) = [body["key"] for body in bodies if body.get("owner") == f"{name}@example.org"]
    assert key in {each["key"] for each in listed}
    return str(key)


@pytest.mark.parametrize(
    ("give", "told"),
    [
        (lambda _, lineage: by(lineage, "carol"), "carol@example.org (entry 11) asks for the promotion, as carol"),
        (lambda project, _: expired(project), "ann@example.org (entry 11) expired"),
        (lambda _, lineage: lineage(*FOR[:2], "--to", "staging", *FOR[4:], "--key", "ann.pem"), "for the alias stagin"),
        (
            lambda _, lineage: lineage("approve", "flight_delay@1", *FOR[2:], "--key", "ann.pem"),
            "is for another record, flight_delay@1",
        ),
    ],
)
def test_an_approval_that_does_not_count_is_named_with_the_reason(
    people: Path, lineage: Lineage, give: Callable[[Path, Lineage], object], told: str
) -> None:
    by(lineage, "bob")
    give(people, lineage)
    before = entries(people)
    code, decision = promote(lineage)
    assert (code, decision["entry"]) == (1, None)
    assert rule(decision)["detail"].startswith("1 of 2; bob@example.org (entry 10, ")
    assert told in rule(decision)["detail"]
    assert entries(people) == before


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((*FOR, "--key", "ada.pem"), 3, "ada@example.org trained flight_delay@2 (as ada), and nobody may approve"),
        ((*FOR, "--key", "ann.pem", "--expires", "2013-01-01T00:00Z"), 2, "is in the past"),
        ((*FOR, "--key", "ann.pem", "--expires", "2099-01-01T00:00"), 2, "has no time zone"),
        ((*FOR, "--key", "ann.pem", "--expires", "2099-01-01"), 2, "has no time zone"),
        ((*FOR, "--key", "ann.pem", "--expires", "9999-12-31T23:59-14:00"), 2, "not a time"),
        ((*FOR, "--key", "ann.pem", "--expires", "soon"), 2, "not a time"),
        ((*FOR, "--key", "ann.pem", "--expires-in", "0d"), 2, "not a span of time"),
        ((*FOR, "--key", "ann.pem", "--expires-in", "7"), 2, "not a span of time"),
        ((*FOR, "--expires", "2099-01-01T00:00Z", "--expires-in", "7d"), 2, "not both"),
        ((*FOR, "--key", ".lineage/keys/log.pem"), 3, "it signs the log"),
        (("approve", "flight_delay@9", *FOR[2:], "--key", "ann.pem"), 2, "versions 1 to 3"),
        (("approve", "flight_delay@production", *FOR[2:], "--key", "ann.pem"), 2, "no version of flight_delay"),
        (("approve", "flight_delay@2", "--to", "Prod!", "--reason", "x"), 2, "not an alias"),
        (("approve", "flight_delay@2", "--to", "production"), 2, "--reason"),
        (("approve", "flight_delay@2", "--reason", "x"), 2, "--to"),
    ],
)
def test_what_may_not_be_approved_is_told_and_nothing_is_stored(
    people: Path, lineage: Lineage, words: tuple[str, ...], code: int, told: str
) -> None:
    before = entries(people)
    said = lineage(*words)
    refused(said, code, told)
    assert (code == 3) == ("the rule 'approvals'" in said.err)
    assert entries(people) == before


@pytest.mark.usefixtures("people")
def test_an_approval_that_no_policy_asks_for_is_told(lineage: Lineage) -> None:
    said = lineage(*FOR[:3], "staging", *FOR[4:], "--key", "ann.pem")
    assert (said.code, said.out) == (0, "")
    assert said.err.endswith("note: the policy of staging requires no approvals\n")
    assert "note" not in lineage(*FOR, "--key", "ann.pem").err


def test_who_has_no_key_that_counts_is_told(people: Path, lineage: Lineage, tmp_path: Path) -> None:
    ApprovalKey(tmp_path / "eve.pem", create=True)
    before = entries(people)
    refused(lineage(*FOR, "--key", "eve.pem"), 2, "the log does not know the approval key")
    lineage("key", "revoke", key_of(lineage, "ann"), "--reason", "stolen")
    refused(lineage(*FOR, "--key", "ann.pem"), 3, "was revoked by entry 10")
    write_policy(people, 'approvals = 1\napprovers = ["bob@example.org"]')
    refused(lineage(*FOR, "--key", "carol.pem"), 3, "approvals by carol@example.org do not count")
    assert entries(people) == before + 1
    by(lineage, "bob")
    assert promote(lineage)[0] == 0


def test_a_key_and_not_only_a_name_may_be_asked_for(people: Path, lineage: Lineage) -> None:
    """Anybody can make a key that says it is ann's; the policy may say which one is."""
    assert lineage("key", "new", "--owner", "ann@example.org", "--output", "not_ann.pem").code == 0
    write_policy(people, f'approvals = 1\napprovers = ["{key_of_file(people, "ann.pem")}"]')
    refused(lineage(*FOR, "--key", "not_ann.pem"), 3, "approvals by ann@example.org do not count")
    by(lineage, "ann")
    assert promote(lineage)[0] == 0


def key_of_file(project: Path, name: str) -> str:
    return ApprovalKey(project / name).keyid


# Attempts to cheat


@pytest.mark.parametrize("owner", ["ann@example.org", "ann+2@example.org", "ann"])
@pytest.mark.usefixtures("people")
def test_one_person_with_two_keys_is_one(lineage: Lineage, owner: str) -> None:
    assert lineage("key", "new", "--owner", owner, "--output", "again.pem").code == 0
    by(lineage, "ann", "again")
    code, decision = promote(lineage)
    assert code == 1
    assert f"{owner} (entry 12) has approved it already in entry 11" in rule(decision)["detail"]
    assert len(decision["approvals"]) == 1


@pytest.mark.usefixtures("people")
def test_two_approvals_with_one_key_are_one(lineage: Lineage) -> None:
    by(lineage, "ann", "ann")
    code, decision = promote(lineage)
    assert code == 1
    assert "has approved it already in entry 10" in rule(decision)["detail"]


def test_an_approval_of_another_version_that_is_written_in_by_hand_counts_for_nothing(
    people: Path, lineage: Lineage
) -> None:
    by(lineage, "ann", "bob")
    with opened(people) as catalog:
        body = next(row.body for row in catalog.log.walk("approval"))
        forge(catalog, "approval", body)
        catalog.append(_again(catalog.get("flight_delay", 2).record))
    said = lineage("promote", "flight_delay@4", *TO, "--format", "json")
    assert said.code == 1
    assert rule(said.json())["detail"].startswith("0 of 2; not counted: ")
    assert rule(said.json())["detail"].count("is for another record, flight_delay@2") == 3
    code, decision = promote(lineage)
    assert code == 0
    assert "has approved it already" in rule(decision)["detail"]


def _again(record: LineageRecord) -> LineageRecord:
    """The record of another run that came out the same."""
    return replace(record, model=replace(record.model, run_key="5f" * 32, previous=None))


@pytest.mark.usefixtures("people")
def test_an_override_needs_no_approval_and_is_shown_as_one(lineage: Lineage) -> None:
    by(lineage, "ann")
    code, decision = promote(lineage, "--override")
    assert (code, decision["override"], rule(decision)["passed"]) == (0, True, False)
    assert "promote (override)" in lineage("history", "flight_delay").out
    assert "AGAINST THE POLICY" in lineage("show", "flight_delay@2").out
    claims = {claim["claim"]: claim["verdict"] for claim in lineage("verify", "--format", "json").json()}
    assert claims["decisions"] == "PASS"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("approvals = -1", "not an integer from 0 to 100"),
        ("approvals = true", "is not of type int"),
        ('approvals = "two"', "is not of type int"),
        ("approvals = 1.5", "is not of type int"),
        ("approvals = 1\napproval_days = 0", "not an integer from 1"),
        ("approvals = 1\napproval_days = 100000", "not an integer from 1"),
        ("approval_days = 30", "no effect without approvals"),
        ('approvers = ["ann"]', "no effect without approvals"),
        ("approvals = 1\napprovers = []", "can never be fulfilled"),
        ('approvals = 2\napprovers = ["ann", "ann"]', "can never be fulfilled"),
        ("approvals = 1\napprovers = [1]", "is neither an owner of a key"),
        ('approvals = 1\napprovers = [" ann"]', "is neither an owner of a key"),
        ("noise = { roc_auc = 0.1 }", "no_worse does not name it"),
        ("no_worse = { roc_auc = 0.1 }\nnoise = { roc_auc = -0.1 }", "a noise band is not"),
        ("no_worse = { roc_auc = inf }", "a tolerance is not"),
        ("no_worse = { roc_auc = nan }", "a tolerance is not"),
        ('no_worse = { roc_auc = "noise" }', "a tolerance is not"),
        ("aprovals = 1", "unknown rule"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(people: Path, lineage: Lineage, policy: str, told: str) -> None:
    write_policy(people, policy)
    before = entries(people)
    for words in (("promote", "flight_delay@2", *TO), (*FOR, "--key", "ann.pem")):
        refused(lineage(*words), 3, told)
    assert entries(people) == before


# What is shown


def test_approvals_are_told_with_who_and_when_and_whether_they_count(people: Path, lineage: Lineage) -> None:
    assert lineage(*FOR, "--key", "ann.pem", "--expires-in", "7d").code == 0
    by(lineage, "bob")
    lineage("key", "revoke", key_of(lineage, "bob"), "--reason", "stolen")
    expired(people)
    with opened(people) as catalog:
        approved = list_approvals(catalog, "flight_delay", project_dir=people)
        assert list_approvals(catalog, "flight_delay", "staging") == []
        assert list_approvals(catalog, "minutes") == []
        decided = list_decisions(catalog, "flight_delay")
    assert [each.approval.approver[:3] for each in approved] == ["ann", "bob", "ann"]
    assert approved[0].void is None
    assert "was revoked by entry 12" in str(approved[1].void)
    assert "expired" in str(approved[2].void)
    text = render_text(history_document(decided, approved))
    assert text.count("approve (void)") == 2
    assert "read the slices; until " in text
    assert "; VOID: the key " in text
    rows: Any = history_json(decided, approved)
    assert [(row["action"], row["by"][:3], row["entry"]) for row in rows] == [
        ("approve", "ann", 13),
        ("approve", "bob", 11),
        ("approve", "ann", 10),
    ]
    assert [row["void"] is None for row in rows] == [False, False, True]
    assert "by ann@example.org, until " in approval_line(approved[0])
    assert "VOID: expired" in approval_line(approved[2])


def test_an_approval_under_a_policy_that_changed_is_shown_as_void(people: Path, lineage: Lineage) -> None:
    by(lineage, "ann")
    other_policy(people)
    with opened(people) as catalog:
        (approved,) = list_approvals(catalog, "flight_delay", project_dir=people)
        assert approved.void == "the policy has changed since"
        write_policy(people, "approvals = -1")
        (approved,) = list_approvals(catalog, "flight_delay", project_dir=people)
        assert approved.void is None, "a policy that cannot be read says nothing about it"
