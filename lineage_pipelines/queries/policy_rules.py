"""Whether the table of a policy means something: a misspelt rule, or one without effect, allows what it refuses."""

import math
from collections.abc import Mapping
from typing import Any

from lineage_pipelines.errors import CatalogError

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
_MOST_APPROVALS = 100
_MOST_DAYS = 3660


def check_rules(table: object, *, where: str) -> Mapping[str, Any]:
    """Return the rules of a policy's table.

    Raises:
        CatalogError: a rule is unknown, of the wrong type, or means nothing.
    """
    if not isinstance(table, Mapping):
        raise CatalogError("the policy is no table", where=where)
    for name, value in table.items():
        if name not in _EXPECTED:
            raise CatalogError(f"unknown rule {name!r}", where=where, fix=f"use one of: {', '.join(_EXPECTED)}")
        kind = _EXPECTED[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise CatalogError(f"the rule {name!r} is no {kind.__name__}", where=where)
    _check_numbers(table, where)
    _check_approvals(table, where)
    return table


def _check_numbers(table: Mapping[str, Any], where: str) -> None:
    for rule, what in (("no_worse", "a tolerance"), ("noise", "a noise band")):
        if not all(_is_amount(value) for value in table.get(rule, {}).values()):
            fix = f"write {rule} = {{ roc_auc = 0.01 }}"
            raise CatalogError(f"{what} is not a number from 0 on", where=where, fix=fix)
    stray = sorted(set(table.get("noise", {})) - set(table.get("no_worse", {})))
    if stray:
        fix = f"write no_worse = {{ {stray[0]} = 0.0 }} too, or leave it out"
        raise CatalogError(f"the noise of {stray[0]} has no effect: no_worse does not name it", where=where, fix=fix)


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _check_approvals(table: Mapping[str, Any], where: str) -> None:
    needed, days, names = table.get("approvals", 0), table.get("approval_days"), table.get("approvers")
    if not 0 <= needed <= _MOST_APPROVALS:
        raise CatalogError(f"approvals is not a number from 0 to {_MOST_APPROVALS}", where=where)
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise CatalogError(f"approval_days is not a number from 1 to {_MOST_DAYS}", where=where)
    for name, value in (("approval_days", days), ("approvers", names)):
        if value is not None and needed == 0:
            raise CatalogError(f"{name} has no effect without approvals", where=where, fix="write approvals = 1 too")
    if names is not None:
        _check_approvers(names, needed, where)


def _check_approvers(names: list[object], needed: int, where: str) -> None:
    if not all(isinstance(name, str) and name.strip() == name != "" for name in names):
        fix = 'write approvers = ["ann@example.org"], as lineage key list has them'
        raise CatalogError("an approver is not the owner of a key, and not a key's id", where=where, fix=fix)
    if len(set(names)) < needed:
        what = f"approvals = {needed} can never be reached: there are {len(set(names))} approvers"
        raise CatalogError(what, where=where, fix="name more approvers, or ask for fewer approvals")
