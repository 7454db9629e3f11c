"""Promotion policy: the rules in pyproject.toml that a version must pass, their validation, and the verdict."""

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lineage_pipelines.catalog.registry.approval_rules import AssessedApproval
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records.decisions.decision import Rule
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.metric import declare_direction, is_no_worse, metric_text
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.settings import read_table
from lineage_pipelines.system.git_command import GitError, read_blobs, run_git

_EXPECTED: Mapping[str, type] = {
    "checks": list,
    "no_worse": dict,
    "complete": bool,
    "clean": bool,
    "noise": dict,
    "approvals": int,
    "approval_days": int,
    "approvers": list,
}
_RECORDED: Mapping[str, type] = {**_EXPECTED, "uncommitted": bool}
"""The rules that a decision records."""
_MAX_APPROVALS = 100
_MAX_DAYS = 3660


def check_rules(table: object, *, where: str, expected: Mapping[str, type] = _EXPECTED) -> Mapping[str, Any]:
    """Return the rules of a policy's table, checked.

    Args:
        table: the table.
        where: its place, for errors.
        expected: the rules that it may have, and their types.

    Raises:
        CatalogError: a rule is unknown, of the wrong type, or without effect.
    """
    if not isinstance(table, Mapping):
        raise CatalogError("the policy is not a table", where=where)
    for name, value in table.items():
        if name not in expected:
            raise CatalogError(f"unknown rule {name!r}", where=where, fix=f"use one of: {', '.join(_EXPECTED)}")
        kind = expected[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise CatalogError(f"the rule {name!r} is not of type {kind.__name__}", where=where)
    _check_numbers(table, where)
    _check_approvals(table, where)
    return table


def _check_numbers(table: Mapping[str, Any], where: str) -> None:
    for rule, what in (("no_worse", "a tolerance"), ("noise", "a noise band")):
        if not all(_is_amount(value) for value in table.get(rule, {}).values()):
            fix = f"write {rule} = {{ roc_auc = 0.01 }}"
            raise CatalogError(f"{what} is not a finite number of at least 0", where=where, fix=fix)
    stray = sorted(set(table.get("noise", {})) - set(table.get("no_worse", {})))
    if stray:
        fix = f"write no_worse = {{ {stray[0]} = 0.0 }} too, or leave it out"
        raise CatalogError(f"the noise of {stray[0]} has no effect: no_worse does not name it", where=where, fix=fix)


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _check_approvals(table: Mapping[str, Any], where: str) -> None:
    needed, days, names = table.get("approvals", 0), table.get("approval_days"), table.get("approvers")
    if not 0 <= needed <= _MAX_APPROVALS:
        raise CatalogError(f"approvals is not an integer from 0 to {_MAX_APPROVALS}", where=where)
    if days is not None and not 1 <= days <= _MAX_DAYS:
        raise CatalogError(f"approval_days is not an integer from 1 to {_MAX_DAYS}", where=where)
    for name, value in (("approval_days", days), ("approvers", names)):
        if value is not None and needed == 0:
            raise CatalogError(f"{name} has no effect without approvals", where=where, fix="write approvals = 1 too")
    if names is not None:
        _check_approvers(names, needed, where)


def _check_approvers(names: list[object], needed: int, where: str) -> None:
    if not all(isinstance(name, str) and name.strip() == name != "" for name in names):
        fix = 'write approvers = ["ann@example.org"], as shown by lineage key list'
        raise CatalogError("an approver is neither an owner of a key nor the id of a key", where=where, fix=fix)
    if len(set(names)) < needed:
        what = f"approvals = {needed} can never be fulfilled: there are only {len(set(names))} approvers"
        raise CatalogError(what, where=where, fix="name more approvers, or ask for fewer approvals")


_SHOWN = 12
_NOISE = 2
"""How many noise bands two versions may differ by: each of the two numbers varies by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one alias."""

    checks: tuple[str, ...] = ()
    """Names of checks that must have passed; empty for every blocking one."""
    no_worse: Mapping[str, float] = field(default_factory=dict)
    """By how much each metric may be worse."""
    complete: bool = False
    clean: bool = False
    noise: Mapping[str, float] = field(default_factory=dict)
    """By how much each metric varies when the same data is trained on again, as measured."""
    approvals: int = 0
    """How many people have to approve; the trainer and the person who promotes do not count."""
    approval_days: int | None = None
    approvers: tuple[str, ...] = ()
    """Whose approvals count, by owner or by key; empty for everyone with a key."""
    uncommitted: bool = False
    """Whether it is not the policy of the project's last commit, so that nobody can read later where it came from."""
    revision: str | None = None
    """The commit that it was read in; None without Git, and where it is not that of a commit. No part of the rules."""

    def plain(self) -> dict[str, Json]:
        """Return the policy in the form that a decision records; rules of later releases only where they are set."""
        later: dict[str, Json] = {
            "noise": {name: float(value) for name, value in self.noise.items()},
            "approvals": self.approvals,
            "approval_days": self.approval_days,
            "approvers": list(self.approvers),
            "uncommitted": self.uncommitted,
        }
        return {
            "checks": list(self.checks),
            "no_worse": {name: float(value) for name, value in self.no_worse.items()},
            "complete": self.complete,
            "clean": self.clean,
            **{name: value for name, value in later.items() if value},
        }

    def criterion(self) -> str:
        """Return the policy's requirements in one sentence."""
        parts = [f"these checks passed: {', '.join(self.checks)}" if self.checks else "every blocking check passed"]
        parts += [f"{metric} no worse by more than {self.tolerance(metric):g}" for metric in self.no_worse]
        parts += ["no fact missing"] if self.complete else []
        parts += ["trained from a clean commit"] if self.clean else []
        parts += [f"approved by {self.approvals} others"] if self.approvals else []
        return "; ".join(parts)

    def tolerance(self, metric: str) -> float:
        """Return by how much a metric may be worse, noise included."""
        return self.no_worse[metric] + _NOISE * self.noise.get(metric, 0.0)


def read_policy(project_dir: Path, alias: str) -> Policy:
    """Return the policy of an alias, from the project's pyproject.toml.

    Raises:
        CatalogError: it cannot be read, or a rule is unknown, of the wrong type, or without effect.
    """
    return _policy_of(read_table(project_dir, "promotion", alias), project_dir, alias)


def _policy_of(table: object, project_dir: Path, alias: str) -> Policy:
    where = f"{project_dir / 'pyproject.toml'} [tool.lineage.promotion.{alias}]"
    return parse_policy(check_rules(table, where=where), where=where)


def read_committed(project_dir: Path, alias: str) -> Policy:
    """Return the policy of an alias as `read_policy` does, marked where the last commit has another one.

    Raises:
        CatalogError: as `read_policy`.
    """
    table = read_table(project_dir, "promotion", alias)
    policy = _policy_of(table, project_dir, alias)
    try:
        revision, committed = _committed_table(project_dir, alias)
    except GitError:  # without Git there is no commit to compare with
        return policy
    except ValueError:
        revision, committed = "", None
    same = committed == table
    return replace(policy, uncommitted=not same, revision=revision if same else None)


def read_last_commit(project_dir: Path, alias: str) -> Policy:
    """Return the policy of an alias in the project's last commit; without Git, from its pyproject.toml.

    Raises:
        CatalogError: as `read_policy`.
    """
    try:
        revision, table = _committed_table(project_dir, alias)
    except GitError:
        return read_policy(project_dir, alias)
    except ValueError as error:
        what, where = f"the policy of the last commit cannot be read: {error}", str(project_dir / "pyproject.toml")
        raise CatalogError(what, where=where, fix="correct the file, and commit it") from error
    return replace(_policy_of(table, project_dir, alias), revision=revision)


def _committed_table(project_dir: Path, alias: str) -> tuple[str, object]:
    """Return the last commit, and the table of an alias in it; raises ValueError where the file is no TOML."""
    revision = run_git(project_dir, ["rev-parse", "HEAD"]).decode("ascii").strip()
    (content,) = read_blobs(project_dir, [f"{revision}:./pyproject.toml"])
    table: Any = tomllib.loads((content or b"").decode())
    for name in ("tool", "lineage", "promotion", alias):
        table = table.get(name, {}) if isinstance(table, Mapping) else {}
    return revision, table


def parse_policy(table: object, *, where: str) -> Policy:
    """Return a policy from its table in a file, or as a decision recorded it.

    Raises:
        CatalogError: a rule is unknown, of the wrong type, or without effect.
    """
    rules = check_rules(table, where=where, expected=_RECORDED)
    return Policy(
        checks=tuple(map(str, rules.get("checks", ()))),
        no_worse={name: float(value) for name, value in rules.get("no_worse", {}).items()},
        complete=bool(rules.get("complete", False)),
        clean=bool(rules.get("clean", False)),
        noise={name: float(value) for name, value in rules.get("noise", {}).items()},
        approvals=int(rules.get("approvals", 0)),
        approval_days=rules.get("approval_days"),
        approvers=tuple(rules.get("approvers", ())),
        uncommitted=bool(rules.get("uncommitted", False)),
    )


def evaluate_policy(
    policy: Policy,
    record: LineageRecord,
    current: LineageRecord | None,
    assessed: Sequence[AssessedApproval] = (),
    *,
    direction: Callable[[str], bool | None] | None = None,
) -> tuple[Rule, ...]:
    """Return each rule's verdict on a version.

    Decisions record the verdicts, and `lineage verify` compares them with the result of this function: the sentences
    below, and those of `approval_rules`, cannot be reworded without failing the decisions of earlier releases.

    Args:
        policy: the policy.
        record: the version.
        current: the version that the alias names now; None if it names none.
        assessed: the approvals of the version, and whether each counts.
        direction: whether a greater value of a metric is better; None to take it from the record.
    """
    return tuple(_rules(policy, record, current, assessed, direction or record.greater_is_better))


def _rules(
    policy: Policy,
    record: LineageRecord,
    current: LineageRecord | None,
    assessed: Sequence[AssessedApproval],
    direction: Callable[[str], bool | None],
) -> Iterator[Rule]:
    yield from _checks(policy, record)
    for metric in policy.no_worse:
        yield _no_worse(metric, policy, record, current, direction)
    if policy.complete:
        missing = record.completeness.missing
        detail = f"missing: {'; '.join(missing)}" if missing else "no fact is missing"
        yield Rule(name="complete", passed=not missing, detail=detail)
    if policy.clean:
        unknown = record.completeness.lacks("code.dirty")  # of an imported version, for example
        clean = record.code.revision is not None and not record.code.dirty and not unknown
        detail = "trained from a clean commit" if clean else "trained with uncommitted changes, or without a commit"
        detail = "it is not known whether it was trained with uncommitted changes" if unknown else detail
        yield Rule(name="clean", passed=clean, detail=detail)
    if policy.approvals:
        yield _approvals(policy.approvals, assessed)
    if policy.uncommitted:
        yield Rule(name="committed", passed=False, detail="the policy is not that of the project's last commit")


def _checks(policy: Policy, record: LineageRecord) -> Iterator[Rule]:
    found = {check.name: check for check in (record.evaluation.checks if record.evaluation else ())}
    blocking = [name for name, check in found.items() if check.is_blocking]
    names = policy.checks or tuple(blocking)
    if not names:
        yield Rule(name="checks", passed=False, detail="the version has no blocking check, so nothing was asked of it")
    for name in names:
        check = found.get(name)
        passed = check is not None and check.passed
        yield Rule(name=f"check {name}", passed=passed, detail=(check.detail if check else "was not made") or "passed")


def _no_worse(
    metric: str,
    policy: Policy,
    record: LineageRecord,
    current: LineageRecord | None,
    direction: Callable[[str], bool | None],
) -> Rule:
    name = f"no_worse {metric}"
    ours = record.evaluation.metrics if record.evaluation else {}
    if metric not in ours:
        return Rule(name=name, passed=False, detail=f"{metric} was not measured")
    greater = direction(metric)
    if greater is None:
        what = f"the record does not say whether a greater {metric} is better; {declare_direction(metric)}"
        return Rule(name=name, passed=False, detail=f"{what} and train again")
    if current is None:
        return Rule(name=name, passed=True, detail="there is no version to be worse than")
    theirs = current.evaluation.metrics if current.evaluation else {}
    if metric not in theirs:
        return Rule(name=name, passed=True, detail=f"the version before has no {metric}")
    value, before = ours[metric], theirs[metric]
    passed = is_no_worse(value, before, greater_is_better=greater, tolerance=policy.tolerance(metric))
    noise = f", and twice the noise band of {policy.noise[metric]:g}" if metric in policy.noise else ""
    detail = f"{metric_text(value)} against {metric_text(before)}, tolerance {policy.no_worse[metric]:g}{noise}"
    return Rule(name=name, passed=passed, detail=detail)


def _approvals(needed: int, assessed: Sequence[AssessedApproval]) -> Rule:
    counted = [each.given for each in assessed if each.void is None]
    who = ", ".join(f"{g.approval.approver} (entry {g.entry}, key {g.key[:_SHOWN]})" for g in counted)
    void = "; ".join(f"{w.given.approval.approver} (entry {w.given.entry}) {w.void}" for w in assessed if w.void)
    parts = [f"{len(counted)} of {needed}", who, f"not counted: {void}" if void else ""]
    detail = "; ".join(part for part in parts if part)
    return Rule(name="approvals", passed=len(counted) >= needed, detail=detail)
