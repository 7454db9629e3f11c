"""What approvals are worth at an instant, and whether what was decided on them can be found out to be false."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.transparency.signing import ApprovalKey
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.queries.registry.approval_status import read_approvals, recheck_approvals
from lineage_pipelines.queries.registry.decision_drafts import compare, draft_promotion
from lineage_pipelines.queries.registry.promotion_policy import evaluate_policy, parse_policy
from lineage_pipelines.queries.verify.decision_replay import recheck_decisions
from lineage_pipelines.queries.verify.keyring import list_keys, recheck_keys
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.decisions.approval import SignedApproval, encode_envelope
from lineage_pipelines.records.decisions.decision import (
    Comparison,
    CountedApproval,
    Decision,
    decode_decision,
    encode_decision,
)
from lineage_pipelines.records.decisions.key_event import (
    KeyChange,
    KeyEvent,
    decode_key_event,
    encode_key_event,
)
from lineage_pipelines.records.statement.metric import direction_by_words
from lineage_pipelines_tests.catalog.people import Person, forge, introduce, plain_policy
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.samples import at_schema_1, make_record, with_metrics

RULES = {"approvals": 2, "approval_days": 30, "no_worse": {"roc_auc": 0.0}}
POLICY = plain_policy(**RULES)
NOW = datetime.now(UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog of two versions, whose project asks for two approvals."""
    text = "approvals = 2\napproval_days = 30\nno_worse = { roc_auc = 0.0 }\n"
    (tmp_path / "pyproject.toml").write_text(f"[tool.lineage.promotion.production]\n{text}")
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", keys=tmp_path / "keys") as opened:
        opened.append(make_record(run="1", auc=0.7))
        opened.append(make_record(run="2", auc=0.75))
        yield opened


@pytest.fixture
def entry(catalog: Catalog) -> Entry:
    return catalog.get("flight_delay", 2)


@pytest.fixture
def ann(catalog: Catalog, tmp_path: Path) -> Person:
    return introduce(catalog, tmp_path, "ann@example.org")


@pytest.fixture
def bob(catalog: Catalog, tmp_path: Path) -> Person:
    return introduce(catalog, tmp_path, "bob@example.org")


def draft(catalog: Catalog, entry: Entry, tmp_path: Path) -> Decision:
    return draft_promotion(catalog, entry, "production", by="carol", reason="x", project_dir=tmp_path)


@pytest.fixture
def made(catalog: Catalog, entry: Entry, ann: Person, bob: Person, tmp_path: Path) -> Decision:
    """A promotion with two approvals, as it was drafted; it is not in the log."""
    for person in (ann, bob):
        person.approve(catalog, entry, POLICY)
    return draft(catalog, entry, tmp_path)


def wrong(catalog: Catalog) -> list[str]:
    decisions = [(row.seq, decode_decision(row.body)) for row in catalog.log.walk("decision")]
    events = [(row.seq, decode_key_event(row.body)) for row in catalog.log.walk("key")]
    return [
        *recheck_keys(events),
        *recheck_approvals(catalog.log.walk("approval"), events),
        *recheck_decisions(catalog, decisions),
    ]


def worth(catalog: Catalog, decision: Decision, entry: Entry, at: datetime) -> list[str | None]:
    approvals, seen = read_approvals(catalog, entry.model)
    return [each.void for each in approvals.assess(decision, entry.record, at=at, seen=seen)]


def test_an_approval_counts_until_it_expires_by_itself_or_by_the_policy(
    catalog: Catalog, entry: Entry, ann: Person, bob: Person, tmp_path: Path
) -> None:
    end = NOW + timedelta(days=7)
    ann.approve(catalog, entry, POLICY, expires=end)
    bob.approve(catalog, entry, POLICY)
    decision = draft(catalog, entry, tmp_path)
    assert worth(catalog, decision, entry, end - timedelta(seconds=1)) == [None, None]
    assert worth(catalog, decision, entry, end) == [f"expired {end:%Y-%m-%dT%H:%MZ}", None]
    assert [str(void)[:7] for void in worth(catalog, decision, entry, NOW + timedelta(days=31))] == ["expired"] * 2
    endless = replace(decision, policy=plain_policy(**{**RULES, "approval_days": 3660}))
    assert "another policy" in str(worth(catalog, endless, entry, end)[0])


# Honest histories


def test_honest_histories_are_never_called_false(
    catalog: Catalog, entry: Entry, ann: Person, made: Decision, tmp_path: Path
) -> None:
    late = introduce(catalog, tmp_path, "dan@example.org")
    late.approve(catalog, entry, POLICY)  # between draft and commit: more than was counted
    catalog.registry.decide(made)
    catalog.registry.revoke_key(ann.key.keyid, "the laptop was stolen")
    catalog.append(make_record(run="3", auc=0.6))
    worse = draft_promotion(
        catalog,
        catalog.get("flight_delay", 3),
        "production",
        by="carol",
        reason="x",
        project_dir=tmp_path,
        override=True,
    )
    assert worse.override
    catalog.registry.decide(worse)
    assert wrong(catalog) == []


def test_a_decision_from_before_there_were_approvals_is_judged_as_it_was(catalog: Catalog, entry: Entry) -> None:
    """Its policy had four rules, and nothing of it may change."""
    policy = plain_policy(no_worse={"roc_auc": 0.01}, clean=False)
    assert set(policy) == {"checks", "no_worse", "complete", "clean"}
    draft_of_old = draft_promotion(catalog, entry, "staging", by="ada", reason="x", project_dir=Path("/nowhere"))
    old = replace(draft_of_old, compared=None)
    assert (old.approvals, old.judged, old.seen) == (None, None, None)
    assert set(old.policy) == set(policy)
    assert [rule.name for rule in old.rules] == ["check min_roc_auc"]
    catalog.registry.decide(old)
    assert wrong(catalog) == []


def test_a_decision_that_took_the_direction_from_the_name_follows_from_the_policy_of_then(catalog: Catalog) -> None:
    """Releases of schema 1 let `logloss` rise; nobody rewrote anything, whatever one thinks of it now."""
    entries = []
    for run, value in (("21", 0.3), ("22", 0.9)):
        record = with_metrics(make_record(run=run, model="eta"), logloss=value)
        entries.append(catalog.append(at_schema_1(record)))
    first, second = entries
    old = draft_promotion(catalog, first, "staging", by="ada", reason="x", project_dir=Path("/nowhere"))
    catalog.registry.decide(old)
    policy = plain_policy(no_worse={"logloss": 0.01}, clean=False)
    rules = evaluate_policy(
        parse_policy(policy, where="test"), second.record, first.record, direction=direction_by_words
    )
    assert all(rule.passed for rule in rules)
    then = draft_promotion(catalog, second, "staging", by="ada", reason="x", project_dir=Path("/nowhere"))
    compared = compare(second, first, parse_policy(policy, where="test"))
    forge(catalog, "decision", encode_decision(replace(then, policy=policy, rules=rules, compared=compared)))
    assert wrong(catalog) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "passed"),
    [
        ({"roc_auc": 0.7}, {"roc_auc": 0.7}, True),
        ({"roc_auc": 0.69}, {"roc_auc": 0.7}, True),
        ({"roc_auc": 0.68}, {"roc_auc": 0.7}, False),
        ({"roc_auc": 0.1}, {"f1": 0.9}, True),
        ({"roc_auc": 0.1}, None, True),
        ({"f1": 0.9}, {"roc_auc": 0.1}, False),
    ],
)
def test_a_policy_asks_to_be_no_worse_than_what_the_version_before_measured(
    ours: dict[str, float], theirs: dict[str, float] | None, passed: bool
) -> None:
    policy = parse_policy(plain_policy(no_worse={"roc_auc": 0.015}), where="test")
    before = with_metrics(make_record("1"), **theirs) if theirs is not None else None
    rules = {rule.name: rule for rule in evaluate_policy(policy, with_metrics(make_record("2"), **ours), before)}
    assert rules["no_worse roc_auc"].passed is passed


def _git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_a_policy_that_is_not_that_of_the_last_commit_takes_an_override(
    catalog: Catalog, entry: Entry, tmp_path: Path
) -> None:
    """Nobody changes the policy, promotes, and puts it back without a trace."""
    file, committed = tmp_path / "pyproject.toml", "[tool.lineage.promotion.production]\ncomplete = true\n"
    file.write_text(committed)
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", "pyproject.toml")
    _git(tmp_path, "commit", "-qm", "Begin")

    def draft(*, override: bool = False) -> Decision:
        return draft_promotion(
            catalog, entry, "production", by="ada", reason="x", project_dir=tmp_path, override=override
        )

    assert "uncommitted" not in draft().policy
    assert {rule.name: rule.passed for rule in draft().rules}["complete"] is False
    file.write_text("[tool.lineage.promotion.production]\ncomplete = false\n")
    changed = draft(override=True)
    assert changed.override
    assert [rule.detail for rule in changed.rules if not rule.passed] == [
        "the policy is not that of the project's last commit"
    ]
    catalog.registry.decide(changed)
    file.write_text(committed)
    assert wrong(catalog) == []  # it says of itself what it was, and that is what is replayed
    file.write_text(f"{committed}uncommitted = false\n")
    with pytest.raises(CatalogError, match="unknown rule 'uncommitted'"):
        draft()
    file.write_text(f"{committed}# a comment changes no rule\n")
    assert "uncommitted" not in draft().policy
    file.write_text("[tool.lineage")
    _git(tmp_path, "commit", "-qam", "Break it")
    file.write_text(committed)
    assert draft().policy["uncommitted"] is True


# Decisions that one who can write to the catalog makes up


@pytest.mark.parametrize(
    ("forged", "told"),
    [
        (lambda d: replace(d, approvals=d.approvals[:1]), "counts other approvals than the log holds"),
        (lambda d: replace(d, approvals=None), "counts other approvals than the log holds"),
        (lambda d: replace(d, approvals=(*d.approvals, d.approvals[0])), "counts other approvals than the log holds"),
        (lambda d: replace(d, seen=d.seen - 1), "does not follow from the policy"),
        (lambda d: replace(d, seen=None), "does not follow from the policy"),
        (lambda d: replace(d, judged=None), "states an impossible time"),
        (lambda d: replace(d, judged=d.judged - timedelta(hours=2)), "states an impossible time"),
        (lambda d: replace(d, judged=d.judged + timedelta(hours=2)), "states an impossible time"),
        (lambda d: replace(d, seen=99), "states an impossible time"),
        (lambda d: replace(d, by="ann"), "does not follow from the policy"),
        (lambda d: replace(d, policy=plain_policy(**{**RULES, "approvals": 1})), "does not follow from the policy"),
        (lambda d: replace(d, policy={**d.policy, "approvals": "none"}), "holds no valid policy"),
        (lambda d: replace(d, policy=plain_policy(no_worse={"roc_auc": 0.0})), "does not follow from the policy"),
        (lambda d: replace(d, rules=d.rules[:-1]), "does not follow from the policy"),
        (
            lambda d: replace(
                d, compared=Comparison(candidates=d.compared.candidates[:0], criterion=d.compared.criterion)
            ),
            "compares other numbers than the records hold",
        ),
    ],
)
def test_a_decision_that_was_made_up_is_found(
    catalog: Catalog, made: Decision, forged: Callable[[Decision], Decision], told: str
) -> None:
    seq = forge(catalog, "decision", encode_decision(forged(made)))
    found = wrong(catalog)
    assert any(f"entry {seq} (decision)" in each and told in each for each in found), found


def test_a_promotion_with_a_key_that_had_been_revoked_is_found(catalog: Catalog, ann: Person, made: Decision) -> None:
    catalog.registry.revoke_key(ann.key.keyid, "stolen")
    seq = forge(catalog, "decision", encode_decision(made))
    (found,) = wrong(catalog)
    assert found.startswith(f"entry {seq} (decision) counts the approval of ann@example.org")
    assert "was revoked by entry" in found


def test_a_promotion_on_what_had_expired_meanwhile_is_found(
    catalog: Catalog, entry: Entry, ann: Person, bob: Person, tmp_path: Path
) -> None:
    """Judged half an hour before it was committed, when the approval still counted."""
    past, end = NOW - timedelta(minutes=30), NOW - timedelta(minutes=10)
    for person in (ann, bob):
        signed = person.sign(entry, POLICY, given=past - timedelta(minutes=1), expires=end)
        forge(catalog, "approval", encode_envelope(signed))
    decision = draft(catalog, entry, tmp_path)
    assert decision.approvals == ()
    approvals, seen = read_approvals(catalog, entry.model)
    assessed = approvals.assess(decision, entry.record, at=past, seen=seen)
    assert [each.void for each in assessed] == [None, None]
    counted = tuple(
        CountedApproval(entry=each.given.entry, approver=each.given.approval.approver, key=each.given.key)
        for each in assessed
    )
    text = ", ".join(f"{each.approver} (entry {each.entry}, key {each.key[:12]})" for each in counted)
    rules = (*decision.rules[:-1], replace(decision.rules[-1], passed=True, detail=f"2 of 2; {text}"))
    forge(catalog, "decision", encode_decision(replace(decision, judged=past, approvals=counted, rules=rules)))
    found = wrong(catalog)
    assert [each.partition("which ")[2][:7] for each in found] == ["expired", "expired"]


# Approvals and keys that one who can write to the catalog makes up


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda ann, entry, _: ann.sign(entry, POLICY, approver="bob@example.org"), "its key is ann@example.org's"),
        (lambda ann, entry, _: ann.sign(entry, POLICY, given=NOW - timedelta(hours=2)), "claims to be given at"),
        (lambda ann, entry, _: ann.sign(entry, POLICY, given=NOW + timedelta(hours=2)), "claims to be given at"),
        (lambda ann, entry, _: ann.sign(entry, POLICY, given=datetime.max.replace(tzinfo=UTC)), "claims to be given"),
        (lambda ann, entry, _: replace(ann.sign(entry, POLICY), signature=b"\1" * 64), "signature is not of these"),
        (
            lambda ann, entry, _: replace(ann.sign(entry, POLICY), key="5f" * 32),
            "did not know its key as one for approvals",
        ),
        (
            lambda ann, entry, folder: replace(
                Person(ann.owner, ApprovalKey(folder / "keys" / "log.pem")).sign(entry, POLICY)
            ),
            "did not know its key as one for approvals",
        ),
        (lambda ann, entry, _: replace(ann.sign(entry, POLICY), payload=b"{}"), "fields are missing"),
    ],
)
def test_an_approval_that_was_made_up_counts_for_nothing_and_is_found(
    catalog: Catalog, ann: Person, tmp_path: Path, make: Callable[..., SignedApproval], told: str
) -> None:
    bob = introduce(catalog, tmp_path, "bob@example.org")
    entry = catalog.get("flight_delay", 2)
    seq = forge(catalog, "approval", encode_envelope(make(ann, entry, tmp_path)))
    bob.approve(catalog, entry, POLICY)
    decision = draft(catalog, entry, tmp_path)
    assert [each.approver for each in decision.approvals or ()] == ["bob@example.org"]
    (found,) = wrong(catalog)
    assert found.startswith(f"entry {seq} (approval)")
    assert told in found


def test_what_is_no_envelope_is_found(catalog: Catalog, entry: Entry, tmp_path: Path) -> None:
    seq = forge(catalog, "approval", b"{}")
    assert draft(catalog, entry, tmp_path).approvals == ()
    assert wrong(catalog) == [f"entry {seq} (approval): not the envelope of an approval"]


def test_an_approval_before_its_key_or_after_its_end_is_found(
    catalog: Catalog, entry: Entry, ann: Person, tmp_path: Path
) -> None:
    late = Person("dan@example.org", ApprovalKey(tmp_path / "dan.pem", create=True))
    early = forge(catalog, "approval", encode_envelope(late.sign(entry, POLICY)))
    catalog.registry.introduce_key(late.key.introduction(late.owner))
    catalog.registry.revoke_key(ann.key.keyid, "stolen")
    after = forge(catalog, "approval", encode_envelope(ann.sign(entry, POLICY)))
    first, second = wrong(catalog)
    assert first.startswith(f"entry {early} (approval) of dan@example.org: the log did not know its key")
    assert second.startswith(f"entry {after} (approval) of ann@example.org: its key had been revoked")
    assert draft(catalog, entry, tmp_path).approvals == ()


def test_an_approval_that_is_written_in_again_is_found(catalog: Catalog, entry: Entry, ann: Person) -> None:
    signed = ann.sign(entry, POLICY)
    seq = catalog.registry.approve(signed)
    again = forge(catalog, "approval", encode_envelope(signed))
    assert wrong(catalog) == [f"entry {again} (approval) repeats entry {seq}"]


def test_a_key_whose_holder_did_not_introduce_it_approves_nothing(
    catalog: Catalog, entry: Entry, bob: Person, tmp_path: Path
) -> None:
    """Eve signs with a key that she calls ann's, and with bob's public key under her own name."""
    eve = ApprovalKey(tmp_path / "eve.pem", create=True)
    unproven = replace(eve.introduction("eve@example.org"), owner="ann@example.org")
    first = forge(catalog, "key", encode_key_event(unproven))
    second = forge(catalog, "key", encode_key_event(replace(bob.key.introduction("eve"), owner="bob")))
    forge(catalog, "approval", encode_envelope(Person("ann@example.org", eve).sign(entry, POLICY)))
    found = wrong(catalog)
    assert found[0] == f"entry {first} (key) does not prove possession of the key of ann@example.org"
    assert found[1] == f"entry {second} (key) introduces a key that the log already knows"
    assert "did not know its key as one for approvals" in found[2]
    assert draft(catalog, entry, tmp_path).approvals == ()
    owners = {key.key: key.owner for key in list_keys(catalog)}
    assert owners[bob.key.keyid] == "bob@example.org"


def test_a_key_of_the_log_is_not_made_one_for_approvals(catalog: Catalog, entry: Entry, tmp_path: Path) -> None:
    log = ApprovalKey(tmp_path / "keys" / "log.pem")
    forge(catalog, "key", encode_key_event(log.introduction("ann@example.org")))
    forge(catalog, "approval", encode_envelope(Person("ann@example.org", log).sign(entry, POLICY)))
    assert draft(catalog, entry, tmp_path).approvals == ()
    assert "already knows" in wrong(catalog)[0]


def test_a_revocation_of_a_key_that_the_log_does_not_know_changes_nothing(catalog: Catalog) -> None:
    forge(catalog, "key", encode_key_event(KeyEvent(change=KeyChange.REVOKED, key="5f" * 32, reason="x")))
    assert wrong(catalog) == []
    assert len(list_keys(catalog)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log SET body = CAST('{' AS BLOB) WHERE kind = 'key'",
        "UPDATE log SET body = CAST('{' AS BLOB) WHERE kind = 'approval'",
        "UPDATE log SET recorded = '0001-01-01T00:00:00.000000Z'",
        "UPDATE log SET recorded = '9999-12-31T23:59:59.999999Z'",
        "UPDATE log SET recorded = 'noon' WHERE kind <> 'record'",
        "UPDATE log SET kind = 'key' WHERE kind = 'approval'",
        "UPDATE log SET kind = 'approval' WHERE kind = 'decision'",
        "DELETE FROM log WHERE kind = 'approval'",
        "DELETE FROM log WHERE kind = 'key'",
    ],
)
def test_whatever_was_changed_is_an_answer_and_not_an_error(
    catalog: Catalog, made: Decision, tmp_path: Path, statement: str
) -> None:
    catalog.registry.decide(made)
    catalog.close()
    with unguarded(tmp_path / "catalog.db") as raw:
        raw.execute(statement)
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", read_only=True) as altered:
        claims = verify_catalog(altered)
    assert any(claim.failed for claim in claims)
