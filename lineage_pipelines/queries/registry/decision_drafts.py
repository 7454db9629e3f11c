"""Drafts of decisions: what a promotion, rollback, retirement or rejection would state, with its evidence."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.registry.approval_rules import AssessedApproval
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions, live_identities
from lineage_pipelines.queries.registry.approval_status import read_approvals
from lineage_pipelines.queries.registry.free_text import check_reason
from lineage_pipelines.queries.registry.policy_in_force import read_promotion_policy
from lineage_pipelines.queries.registry.promotion_policy import Policy, evaluate_policy
from lineage_pipelines.records.decisions.decision import Action, ComparedVersion, Comparison, CountedApproval, Decision
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.identity_proof import IdentityProof
from lineage_pipelines.records.values.model_name import check_new_alias, scoped


def compare(entry: Entry, current: Entry | None, policy: Policy) -> Comparison:
    """Return what a version was compared with, number by number.

    Args:
        entry: the version that is to be promoted.
        current: the version that the alias names now, if it names one.
        policy: the policy.
    """
    candidates = tuple(_candidate(each) for each in (entry, current) if each is not None)
    return Comparison(candidates=candidates, criterion=policy.criterion())


def _candidate(entry: Entry) -> ComparedVersion:
    evaluation = entry.record.evaluation
    return ComparedVersion(
        version=entry.version,
        record=entry.digest,
        metrics=dict(evaluation.metrics) if evaluation else {},
        data=_measured_sha256(entry),
    )


def _measured_sha256(entry: Entry) -> Digest | None:
    measured = entry.record.measured_on
    sha256 = measured.digest.sha256 if measured else None
    return Digest("sha256", sha256) if sha256 else None


def counted(assessed: Iterable[AssessedApproval]) -> tuple[CountedApproval, ...]:
    """Return the approvals that count, in the form that a decision records."""
    return tuple(
        CountedApproval(entry=each.given.entry, approver=each.given.approval.approver, key=each.given.key)
        for each in assessed
        if each.void is None
    )


def draft_promotion(
    catalog: Catalog,
    entry: Entry,
    alias: str,
    *,
    by: str,
    known_by: IdentityProof | None = None,
    reason: str,
    project_dir: Path,
    override: bool = False,
) -> Decision:
    """Return the decision that makes an alias name a version, with the verdict of the project's policy.

    The alias is that of the version's partition, where it has an identity; the policy is the same for all partitions.

    Raises:
        CatalogError: the policy or the catalog cannot be read.
        RecordError: the alias or the reason is not allowed.
    """
    check_new_alias(alias)
    policy = read_promotion_policy(catalog, entry.model, alias, project_dir)
    current = find_holder(catalog, entry.model, alias, identity=entry.identity)
    draft = Decision(
        action=Action.PROMOTE,
        model=entry.model,
        alias=scoped(alias, entry.identity),
        version=entry.version,
        record=entry.digest,
        previous=current.digest if current else None,
        by=by,
        known_by=known_by,
        reason=check_reason(reason),
        policy=policy.plain(),
        policy_revision=policy.revision,
        compared=compare(entry, current, policy),
    )
    assessed: tuple[AssessedApproval, ...] = ()
    if policy.approvals:
        draft, assessed = _approved(catalog, draft, entry)
    rules = evaluate_policy(policy, entry.record, current.record if current else None, assessed)
    return replace(draft, rules=rules, override=override and not all(rule.passed for rule in rules))


def _approved(catalog: Catalog, draft: Decision, entry: Entry) -> tuple[Decision, tuple[AssessedApproval, ...]]:
    approvals, seen = read_approvals(catalog, entry.model, entry.version)
    now = datetime.now(UTC)
    assessed = approvals.assess(draft, entry.record, at=now, seen=seen)
    return replace(draft, approvals=counted(assessed), judged=now, seen=seen), assessed


def draft_rejection(catalog: Catalog, entry: Entry, alias: str, *, by: str, reason: str) -> Decision:
    """Return the decision that an alias must not name a version."""
    current = find_holder(catalog, entry.model, alias, identity=entry.identity)
    named = scoped(alias, entry.identity)
    return _draft(Action.REJECT, entry.model, named, entry, current, by=by, reason=reason)


def draft_rollback(
    catalog: Catalog, model: str, alias: str, *, identity: str | None = None, by: str, reason: str
) -> Decision:
    """Return the decision that makes an alias, of one partition if given, name the version before the current one.

    Raises:
        NotFoundError: the alias names no version, or has not named another one before.
    """
    current = find_holder(catalog, model, alias, identity=identity)
    named = [
        decided.decision.version
        for decided in list_decisions(catalog, model, scoped(alias, identity))
        if decided.decision.moves_alias and decided.decision.version is not None
    ]
    earlier = [version for version in named if current is not None and version != current.version]
    if current is None or not earlier:
        what = f"{alias} of {scoped(model, identity)} has no version before this one to go back to"
        raise NotFoundError(what, fix=_which(catalog, model, alias, identity))
    target = catalog.get(model, earlier[-1])
    return _draft(Action.ROLLBACK, model, scoped(alias, identity), target, current, by=by, reason=reason)


def draft_retirement(
    catalog: Catalog, model: str, alias: str, *, identity: str | None = None, by: str, reason: str
) -> Decision:
    """Return the decision that makes an alias, of one partition if given, name no version.

    Raises:
        NotFoundError: it names no version now.
    """
    current = find_holder(catalog, model, alias, identity=identity)
    if current is None:
        what = f"{alias} of {scoped(model, identity)} names no version"
        raise NotFoundError(what, fix=_which(catalog, model, alias, identity))
    return _draft(Action.RETIRE, model, scoped(alias, identity), None, current, by=by, reason=reason)


def _which(catalog: Catalog, model: str, alias: str, identity: str | None) -> str:
    """Return what to do: name the partition, where the alias names versions of some and none was named."""
    others = [each for each in live_identities(catalog, model, alias) if each is not None]
    if identity is None and others:
        return f"say of which partition: {', '.join(scoped(model, each) for each in others)}"
    return f"lineage history {model}"


def _draft(
    action: Action, model: str, alias: str, target: Entry | None, current: Entry | None, *, by: str, reason: str
) -> Decision:
    return Decision(
        action=action,
        model=model,
        alias=alias,
        version=target.version if target else None,
        record=target.digest if target else None,
        previous=current.digest if current else None,
        by=by,
        reason=check_reason(reason),
        policy=Policy().plain(),
    )
