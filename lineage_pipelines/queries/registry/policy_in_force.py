"""Policy in force: the last policy of an alias in the log, and the one that decides now, with or without a checkout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.registry.promotion_policy import Policy, parse_policy, read_committed, read_last_commit
from lineage_pipelines.records.decisions.policy_change import PolicyChange, decode_policy_change
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPolicy:
    """A policy in the log."""

    seq: int
    at: datetime
    """When it was committed, in UTC."""
    change: PolicyChange
    before: Mapping[str, Json] | None = None
    """The policy that it replaced; None for the first one of its alias."""


def list_policies(catalog: Catalog, model: str, alias: str | None = None) -> Sequence[LoggedPolicy]:
    """Return the policies of a model's aliases that were in force, oldest first.

    Args:
        catalog: the catalog.
        model: the model's name.
        alias: only those of this alias, without a partition.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid change of a policy.
    """
    found, last = [], dict[str, Mapping[str, Json]]()
    for entry in catalog.registry.policies_of(model, alias):
        change = decode_policy_change(entry.body)
        before = last.get(change.alias)
        found.append(LoggedPolicy(seq=entry.seq, at=parse_time(entry.recorded), change=change, before=before))
        last[change.alias] = change.policy
    return found


def find_policy(catalog: Catalog, model: str, alias: str) -> LoggedPolicy | None:
    """Return the policy in force: the last one in the log; None if it has none yet.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid change of a policy.
    """
    return next(reversed(list_policies(catalog, model, alias)), None)


def read_promotion_policy(catalog: Catalog, model: str, alias: str, project_dir: Path) -> Policy:
    """Return the policy that decides about a promotion: that of the project, or the one in force without a project.

    It is marked as uncommitted if it is not that of the last commit, or comes without Git after one from a commit.

    Raises:
        CatalogError: it cannot be read, or a rule is unknown, of the wrong type, or without effect.
    """
    if not _has_policies(project_dir):
        return _in_force(catalog, model, alias)
    policy, logged = read_committed(project_dir, alias), find_policy(catalog, model, alias)
    unfounded = policy.revision is None and logged is not None and logged.change.revision is not None
    if unfounded and logged is not None and policy.plain() != _parsed(logged).plain():
        return replace(policy, uncommitted=True)
    return policy


def read_approval_policy(catalog: Catalog, model: str, alias: str, project_dir: Path) -> Policy:
    """Return the policy that approvals are given under: that of the project's last commit, whatever the checkout has.

    Raises:
        CatalogError: as `read_promotion_policy`.
    """
    return read_last_commit(project_dir, alias) if _has_policies(project_dir) else _in_force(catalog, model, alias)


def _has_policies(project_dir: Path) -> bool:
    return (project_dir / "pyproject.toml").is_file()


def _in_force(catalog: Catalog, model: str, alias: str) -> Policy:
    logged = find_policy(catalog, model, alias)
    return _parsed(logged) if logged is not None else Policy()


def _parsed(logged: LoggedPolicy) -> Policy:
    policy = parse_policy(logged.change.policy, where=f"the policy of entry {logged.seq}")
    return replace(policy, revision=logged.change.revision)
