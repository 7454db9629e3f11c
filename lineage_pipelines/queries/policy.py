"""What a version must show before an alias may name it: the policy in pyproject.toml, and its verdict.

    [tool.lineage.promotion.production]
    checks = ["min_roc_auc", "unique_rows"]   # must have passed; without it, every blocking check
    no_worse = { roc_auc = 0.01 }             # than the version that the alias names now, beyond a tolerance
    complete = true                           # no fact may be missing
    clean = true                              # trained from a clean commit

Without a policy every blocking check must have passed. A version that nothing was asked of does not pass.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records import Json, LineageRecord, Rule, lower_is_better


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one alias."""

    checks: tuple[str, ...] = ()
    """Names of checks that must have passed; empty for every blocking one."""
    no_worse: Mapping[str, float] = field(default_factory=dict)
    """Metric to how much worse it may be."""
    complete: bool = False
    clean: bool = False

    def plain(self) -> dict[str, Json]:
        """Return the policy as a decision keeps it."""
        return {
            "checks": list(self.checks),
            "no_worse": {name: float(value) for name, value in self.no_worse.items()},
            "complete": self.complete,
            "clean": self.clean,
        }


def read_policy(project_dir: Path, alias: str) -> Policy:
    """Return the policy of an alias, from the project's pyproject.toml.

    Raises:
        CatalogError: it cannot be read, or has a rule that is unknown or of the wrong type.
    """
    import tomllib

    path = project_dir / "pyproject.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        document = {}
    except (OSError, ValueError) as error:
        raise CatalogError(f"the policy cannot be read: {error}", where=str(path), fix="correct the file") from error
    table = document.get("tool", {}).get("lineage", {}).get("promotion", {}).get(alias, {})
    return parse_policy(table, where=f"{path} [tool.lineage.promotion.{alias}]")


def parse_policy(table: object, *, where: str) -> Policy:
    """Return a policy from its table.

    Raises:
        CatalogError: a rule is unknown or of the wrong type.
    """
    expected: dict[str, Any] = {"checks": list, "no_worse": dict, "complete": bool, "clean": bool}
    if not isinstance(table, Mapping):
        raise CatalogError("the policy is no table", where=where)
    for name, value in table.items():
        if name not in expected:
            raise CatalogError(f"unknown rule {name!r}", where=where, fix=f"use one of: {', '.join(expected)}")
        if not isinstance(value, expected[name]):
            raise CatalogError(f"the rule {name!r} is no {expected[name].__name__}", where=where)
    tolerances = dict(table.get("no_worse", {}))
    if not all(isinstance(value, int | float) and value >= 0 for value in tolerances.values()):
        raise CatalogError(
            "a tolerance is not a number from 0 on", where=where, fix="write no_worse = { roc_auc = 0.01 }"
        )
    return Policy(
        checks=tuple(map(str, table.get("checks", ()))),
        no_worse={name: float(value) for name, value in tolerances.items()},
        complete=bool(table.get("complete", False)),
        clean=bool(table.get("clean", False)),
    )


def judge(policy: Policy, record: LineageRecord, current: LineageRecord | None) -> tuple[Rule, ...]:
    """Return each rule's verdict on a version.

    Args:
        policy: the policy.
        record: the version.
        current: the version that the alias names now, if it names one.
    """
    return tuple(_rules(policy, record, current))


def _rules(policy: Policy, record: LineageRecord, current: LineageRecord | None) -> Iterator[Rule]:
    yield from _checks(policy, record)
    for metric, tolerance in policy.no_worse.items():
        yield _no_worse(metric, tolerance, record, current)
    if policy.complete:
        missing = record.completeness.missing
        detail = f"missing: {'; '.join(missing)}" if missing else "no fact is missing"
        yield Rule(name="complete", passed=not missing, detail=detail)
    if policy.clean:
        clean = record.code.revision is not None and not record.code.dirty
        detail = "trained from a clean commit" if clean else "trained with uncommitted changes, or without a commit"
        yield Rule(name="clean", passed=clean, detail=detail)


def _checks(policy: Policy, record: LineageRecord) -> Iterator[Rule]:
    found = {check.name: check for check in (record.evaluation.checks if record.evaluation else ())}
    blocking = [name for name, check in found.items() if check.severity == "error"]
    names = policy.checks or tuple(blocking)
    if not names:
        yield Rule(name="checks", passed=False, detail="the version has no blocking check, so nothing was asked of it")
    for name in names:
        check = found.get(name)
        passed = check is not None and check.passed
        yield Rule(name=f"check {name}", passed=passed, detail=(check.detail if check else "was not made") or "passed")


def _no_worse(metric: str, tolerance: float, record: LineageRecord, current: LineageRecord | None) -> Rule:
    name = f"no_worse {metric}"
    ours = record.evaluation.metrics if record.evaluation else {}
    if metric not in ours:
        return Rule(name=name, passed=False, detail=f"{metric} was not measured")
    if current is None:
        return Rule(name=name, passed=True, detail="there is no version to be worse than")
    theirs = current.evaluation.metrics if current.evaluation else {}
    if metric not in theirs:
        return Rule(name=name, passed=True, detail=f"the version before has no {metric}")
    worse = (ours[metric] - theirs[metric]) * (1 if lower_is_better(metric) else -1)
    detail = f"{ours[metric]:.5g} against {theirs[metric]:.5g}, tolerance {tolerance:g}"
    return Rule(name=name, passed=worse <= tolerance + 1e-12, detail=detail)
