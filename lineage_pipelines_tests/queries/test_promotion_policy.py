"""The rules of a promotion policy: what they may hold, and each verdict with its words."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.errors import CatalogError
from lineage_pipelines.queries.registry.promotion_policy import (
    Policy,
    check_rules,
    evaluate_policy,
    parse_policy,
    read_committed,
    read_last_commit,
    read_policy,
)
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import CheckResult, CheckSeverity
from lineage_pipelines_tests.samples import make_record, with_metrics

BASE = make_record()


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"no_worse": {"roc_auc": 0}},
        {"no_worse": {"roc_auc": 0.5}, "noise": {"roc_auc": 0.0}},
        {"approvals": 0},
        {"approvals": 100},
        {"approvals": 1, "approval_days": 1},
        {"approvals": 1, "approval_days": 3660},
        {"approvals": 2, "approvers": ["ann", "bob"]},
    ],
)
def test_rules_at_their_bounds_are_accepted(rules: dict[str, Any]) -> None:
    assert check_rules(rules, where="test") == rules


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([], "not a table"),
        ({"other": 1}, "unknown rule 'other'"),
        ({"uncommitted": True}, "unknown rule 'uncommitted'"),
        ({"complete": 1}, "not of type bool"),
        ({"approvals": True}, "not of type int"),
        ({"approvals": 1.0}, "not of type int"),
        ({"no_worse": {"roc_auc": -0.1}}, "a tolerance is not"),
        ({"no_worse": {"roc_auc": float("inf")}}, "a tolerance is not"),
        ({"no_worse": {"roc_auc": "x"}}, "a tolerance is not"),
        ({"no_worse": {"a": 0.1, "b": -1}}, "a tolerance is not"),
        ({"no_worse": {"a": 0.1}, "noise": {"a": -0.1}}, "a noise band is not"),
        ({"no_worse": {"a": 0.1}, "noise": {"b": 0.1}}, "the noise of b has no effect"),
        ({"approvals": -1}, "not an integer from 0 to 100"),
        ({"approvals": 101}, "not an integer from 0 to 100"),
        ({"approvals": 1, "approval_days": 0}, "not an integer from 1 to 3660"),
        ({"approvals": 1, "approval_days": 3661}, "not an integer from 1 to 3660"),
        ({"approval_days": 3}, "approval_days has no effect"),
        ({"approvals": 0, "approvers": ["ann"]}, "approvers has no effect"),
        ({"approvals": 1, "approvers": []}, "can never be fulfilled"),
        ({"approvals": 2, "approvers": ["ann", "ann"]}, "can never be fulfilled: there are only 1"),
        ({"approvals": 1, "approvers": ["ann", " "]}, "an approver is neither"),
        ({"approvals": 1, "approvers": ["ann", ""]}, "an approver is neither"),
        ({"approvals": 1, "approvers": ["ann "]}, "an approver is neither"),
        ({"approvals": 1, "approvers": [1]}, "an approver is neither"),
    ],
)
def test_rules_without_effect_or_beyond_their_bounds_are_refused(rules: Any, words: str) -> None:
    with pytest.raises(CatalogError, match=words):
        check_rules(rules, where="test")


FULL: dict[str, Any] = {
    "checks": ["a", "b"],
    "no_worse": {"roc_auc": 0.01},
    "complete": True,
    "clean": True,
    "noise": {"roc_auc": 0.002},
    "approvals": 2,
    "approval_days": 30,
    "approvers": ["ann", "bob"],
    "uncommitted": True,
}


def test_a_policy_comes_back_as_it_is_recorded() -> None:
    assert parse_policy(FULL, where="test").plain() == FULL
    empty = {"checks": [], "no_worse": {}, "complete": False, "clean": False}
    assert Policy().plain() == parse_policy({}, where="test").plain() == empty
    for name, value in FULL.items():
        if name not in ("noise", "approval_days", "approvers"):
            assert parse_policy({name: value}, where="test").plain() == {**empty, name: value}


def test_the_criterion_names_each_rule_and_the_tolerance_counts_noise_twice() -> None:
    assert Policy().criterion() == "every blocking check passed"
    policy = parse_policy(FULL, where="test")
    assert policy.tolerance("roc_auc") == pytest.approx(0.014)
    assert Policy(no_worse={"f1": 0.5}).tolerance("f1") == 0.5
    assert policy.criterion() == (
        "these checks passed: a, b; roc_auc no worse by more than 0.014; no fact missing; "
        "trained from a clean commit; approved by 2 others"
    )


def _rules(record: LineageRecord, current: LineageRecord | None = None, **rules: Any) -> dict[str, tuple[bool, str]]:
    policy = parse_policy(rules, where="test")
    return {rule.name: (rule.passed, rule.detail) for rule in evaluate_policy(policy, record, current)}


def _with_code(*, missing: tuple[str, ...] = (), **code: Any) -> LineageRecord:
    completeness = replace(BASE.completeness, missing=missing)
    return replace(BASE, code=replace(BASE.code, **code), completeness=completeness)


@pytest.mark.parametrize(
    ("record", "passed", "detail"),
    [
        (_with_code(dirty=False), True, "trained from a clean commit"),
        (_with_code(dirty=True), False, "trained with uncommitted changes, or without a commit"),
        (_with_code(dirty=False, revision=None), False, "trained with uncommitted changes, or without a commit"),
        (
            _with_code(dirty=False, missing=("code.dirty: imported",)),
            False,
            "it is not known whether it was trained with uncommitted changes",
        ),
    ],
)
def test_a_clean_commit_is_one_that_is_known_to_be_clean(record: LineageRecord, passed: bool, detail: str) -> None:
    assert _rules(record, clean=True)["clean"] == (passed, detail)
    assert "clean" not in _rules(record, clean=False)


def test_missing_facts_are_listed() -> None:
    assert _rules(_with_code(), complete=True)["complete"] == (True, "no fact is missing")
    missing = _rules(_with_code(missing=("a", "b")), complete=True)["complete"]
    assert missing == (False, "missing: a; b")
    assert "complete" not in _rules(_with_code(missing=("a",)))


def _checked(*checks: CheckResult) -> LineageRecord:
    assert BASE.evaluation is not None
    return replace(BASE, evaluation=replace(BASE.evaluation, checks=checks))


def test_every_blocking_check_is_asked_or_those_that_are_named() -> None:
    a = CheckResult(name="a", passed=True, severity=CheckSeverity.ERROR, detail="")
    b = CheckResult(name="b", passed=False, severity=CheckSeverity.WARN, detail="low")
    record = _checked(a, b)
    assert _rules(record) == {"check a": (True, "passed")}
    assert _rules(record, checks=["b", "c"]) == {"check b": (False, "low"), "check c": (False, "was not made")}
    nothing = {"checks": (False, "the version has no blocking check, so nothing was asked of it")}
    assert _rules(_checked(b)) == nothing
    assert _rules(replace(BASE, evaluation=None)) == nothing
    assert _rules(replace(BASE, evaluation=None), checks=["a"]) == {"check a": (False, "was not made")}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({}, {"roc_auc": 0.7}, (False, "roc_auc was not measured")),
        ({"roc_auc": 0.7}, None, (True, "there is no version to be worse than")),
        ({"roc_auc": 0.7}, {"f1": 0.7}, (True, "the version before has no roc_auc")),
        ({"roc_auc": 0.5}, {"roc_auc": 0.7}, (False, "0.5 against 0.7, tolerance 0.1")),
        ({"roc_auc": 0.65}, {"roc_auc": 0.7}, (True, "0.65 against 0.7, tolerance 0.1")),
    ],
)
def test_a_metric_is_held_against_the_version_that_is_there(
    ours: dict[str, float], theirs: dict[str, float] | None, expected: tuple[bool, str]
) -> None:
    current = with_metrics(BASE, **theirs) if theirs is not None else None
    assert _rules(with_metrics(BASE, **ours), current, no_worse={"roc_auc": 0.1})["no_worse roc_auc"] == expected


def test_the_noise_of_a_metric_widens_its_tolerance_and_is_named() -> None:
    found = _rules(
        with_metrics(BASE, roc_auc=0.5),
        with_metrics(BASE, roc_auc=0.7),
        no_worse={"roc_auc": 0.1},
        noise={"roc_auc": 0.06},
    )
    detail = "0.5 against 0.7, tolerance 0.1, and twice the noise band of 0.06"
    assert found["no_worse roc_auc"] == (True, detail)


def test_a_metric_without_a_direction_is_refused() -> None:
    passed, detail = _rules(with_metrics(BASE, oddity=1.0), with_metrics(BASE, oddity=1.0), no_worse={"oddity": 9})[
        "no_worse oddity"
    ]
    assert not passed
    assert detail.startswith("the record does not say whether a greater oddity is better; ")
    assert detail.endswith(" and train again")


def _git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_a_policy_is_committed_where_the_last_commit_has_the_same_table(tmp_path: Path) -> None:
    file, text = tmp_path / "pyproject.toml", "[tool.lineage.promotion.production]\ncomplete = true\n"
    file.write_text(text)
    policy = Policy(complete=True)
    without_git = read_policy(tmp_path, "production"), read_committed(tmp_path, "production")
    assert (*without_git, read_last_commit(tmp_path, "production")) == (policy, policy, policy)
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "commit", "-qm", "Begin", "--allow-empty")
    assert read_committed(tmp_path, "production") == replace(policy, uncommitted=True)
    assert read_last_commit(tmp_path, "production") == Policy(revision=_revision(tmp_path))
    assert read_committed(tmp_path, "staging") == Policy(revision=_revision(tmp_path))
    for committed, same in (
        ("tool = 1\n", False),
        ("[tool.lineage]\n", False),
        ("[tool.lineage.promotion.staging]\ncomplete = true\n", False),
        ("[tool.lineage.promotion.production]\nclean = true\n", False),
        ("[tool", False),
        (text, True),
    ):
        file.write_text(committed)
        _git(tmp_path, "add", "pyproject.toml")
        _git(tmp_path, "commit", "-qm", "Change")
        file.write_text(text)
        revision = _revision(tmp_path) if same else None
        assert read_committed(tmp_path, "production") == replace(policy, uncommitted=not same, revision=revision)
    assert read_last_commit(tmp_path, "production") == replace(policy, revision=_revision(tmp_path))


def _revision(folder: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_last_commit_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    (tmp_path / "pyproject.toml").write_text("[tool")
    _git(tmp_path, "add", "pyproject.toml")
    _git(tmp_path, "commit", "-qm", "Begin")
    with pytest.raises(CatalogError, match="the policy of the last commit cannot be read"):
        read_last_commit(tmp_path, "production")
