"""The policy in force is an entry of the log: its changes show, and without a checkout it decides all the same."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.transparency.signing import ApprovalKey
from lineage_pipelines.queries.registry.approval_status import draft_approval, list_approvals
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion, draft_rollback
from lineage_pipelines.queries.registry.policy_in_force import find_policy, list_policies
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.decisions.approval import policy_digest
from lineage_pipelines.records.decisions.decision import encode_decision
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.history import history_document, history_json
from lineage_pipelines_tests.catalog.people import Person, forge, plain_policy
from lineage_pipelines_tests.samples import make_record

ADA: dict[str, Any] = {"by": "ada", "reason": "it is due"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository whose policy of production asks for nothing beyond the checks."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    commit(folder, "")
    return folder


@pytest.fixture
def catalog(url: str, tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(url, keys=tmp_path / "keys") as opened:
        for run in "123":
            opened.append(make_record(run=run))
        yield opened


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(folder: Path, rules: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.lineage.promotion.production]\n{rules}")


def commit(folder: Path, rules: str) -> str:
    write(folder, rules)
    git(folder, "add", "pyproject.toml")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Decide")
    return git(folder, "rev-parse", "HEAD")


def promote(catalog: Catalog, folder: Path, version: int, **said: Any) -> int:
    entry = catalog.get("flight_delay", version)
    return catalog.registry.decide(draft_promotion(catalog, entry, "production", project_dir=folder, **{**ADA, **said}))


def failures(catalog: Catalog) -> list[str]:
    return [claim.detail for claim in verify_catalog(catalog) if claim.failed]


def test_a_policy_is_an_entry_once_and_again_when_it_changed(catalog: Catalog, project: Path) -> None:
    first = git(project, "rev-parse", "HEAD")
    promote(catalog, project, 1)
    promote(catalog, project, 2, by="bob")
    catalog.registry.decide(draft_rollback(catalog, "flight_delay", "production", **ADA))
    (only,) = list_policies(catalog, "flight_delay")
    assert (only.change.revision, only.change.by, only.before) == (first, "ada", None)
    second = commit(project, "clean = false\nno_worse = { roc_auc = 0.01 }\n")
    last = promote(catalog, project, 3, by="bob")
    catalog.rebuild()
    _, changed = list_policies(catalog, "flight_delay", "production")
    assert changed.seq == last - 1
    assert (changed.change.revision, changed.change.by) == (second, "bob")
    assert changed.change.policy == plain_policy(no_worse={"roc_auc": 0.01})
    assert failures(catalog) == []


def test_a_changed_policy_and_the_promotion_under_it_are_marked(catalog: Catalog, project: Path) -> None:
    from lineage_pipelines.queries.registry.alias_history import list_decisions

    promote(catalog, project, 1)
    revision = commit(project, "no_worse = { roc_auc = 0.01 }\n")
    last = promote(catalog, project, 2)
    promote(catalog, project, 3)
    changed = [each for each in list_policies(catalog, "flight_delay") if each.before is not None]
    decided = list_decisions(catalog, "flight_delay")
    rows: Any = history_json(decided, (), changed)
    assert [(row["action"], row.get("policy_changed")) for row in rows] == [
        ("promote", False),
        ("promote", True),
        ("policy", None),
        ("promote", False),
    ]
    assert (rows[1]["entry"], rows[2]["entry"]) == (last, last - 1)
    assert rows[2]["before"] == plain_policy()
    text = " ".join(render_text(history_document(decided, (), changed)).split())
    assert text.count("under a changed policy") == 1
    assert "new policy" in text
    assert f"no_worse none → roc_auc 0.01; commit {revision[:8]}" in text


def test_a_promotion_under_another_policy_than_the_one_in_force_is_found(catalog: Catalog, project: Path) -> None:
    """Whoever writes into the log past `decide` does not get around the policy without a change that shows."""
    commit(project, "no_worse = { roc_auc = 0.01 }\n")
    promote(catalog, project, 1)
    entry = catalog.get("flight_delay", 2)
    honest = draft_promotion(catalog, entry, "production", project_dir=project, **ADA)
    compared = replace(honest.compared, criterion="x") if honest.compared else None
    forged = replace(honest, policy=plain_policy(), rules=honest.rules[:1], compared=compared)
    seq = forge(catalog, "decision", encode_decision(forged))
    (found,) = failures(catalog)
    place = seq - 2
    assert f"entry {seq} (decision) was judged under another policy than the one in force, of entry {place}" in found


def test_decisions_of_releases_that_committed_no_policies_stay_valid(catalog: Catalog, project: Path) -> None:
    old = []
    for version, rules in ((1, ""), (2, "complete = false\nno_worse = { roc_auc = 0.01 }\n")):
        commit(project, rules)
        entry = catalog.get("flight_delay", version)
        draft = draft_promotion(catalog, entry, "production", project_dir=project, **ADA)
        old.append(forge(catalog, "decision", encode_decision(replace(draft, policy_revision=None))))
    assert failures(catalog) == []
    promote(catalog, project, 3)
    assert failures(catalog) == []
    (only,) = list_policies(catalog, "flight_delay")
    assert only.seq > old[-1]


def test_without_a_checkout_the_policy_in_force_decides(catalog: Catalog, project: Path, tmp_path: Path) -> None:
    revision = commit(project, "complete = true\n")
    promote(catalog, project, 1, override=True)
    entry, nowhere = catalog.get("flight_delay", 2), tmp_path / "nowhere"
    nowhere.mkdir()
    draft = draft_promotion(catalog, entry, "production", project_dir=nowhere, **ADA)
    assert draft.policy == plain_policy(complete=True)
    assert draft.policy_revision == revision
    assert {rule.name for rule in draft.rules if not rule.passed} == {"complete"}
    write(nowhere, "")  # a file that no commit holds does not replace a policy of a commit
    other = draft_promotion(catalog, entry, "production", project_dir=nowhere, override=True, **ADA)
    assert [rule.name for rule in other.rules if not rule.passed] == ["committed"]
    catalog.registry.decide(other)
    assert len(list_policies(catalog, "flight_delay")) == 1
    in_force = find_policy(catalog, "flight_delay", "production")
    assert in_force is not None
    assert in_force.change.policy == plain_policy(complete=True)
    assert failures(catalog) == []


def test_an_approval_is_given_under_the_committed_policy(catalog: Catalog, project: Path, tmp_path: Path) -> None:
    commit(project, "approvals = 1\n")
    key = ApprovalKey(tmp_path / "ann.pem", create=True)
    catalog.registry.introduce_key(key.introduction("ann@example.org"))
    ann, entry = Person("ann@example.org", key), catalog.get("flight_delay", 1)
    write(project, "approvals = 2\n")  # not committed: promote refuses it, and nobody approves under it
    statement = draft_approval(catalog, entry, "production", key=key.keyid, reason="read it", project_dir=project)
    assert statement.policy == policy_digest(plain_policy(approvals=1))
    catalog.registry.approve(ann.key.approve(statement))
    (shown,) = list_approvals(catalog, "flight_delay", project_dir=project)
    assert shown.void is None
    write(project, "approvals = 1\n")
    promote(catalog, project, 1, by="carol")
    assert failures(catalog) == []
