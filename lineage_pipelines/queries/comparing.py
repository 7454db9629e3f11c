"""The evidence that a promotion keeps: the versions and their numbers, and which approvals counted."""

from collections.abc import Iterable

from lineage_pipelines.catalog import Entry
from lineage_pipelines.catalog.approving import WeighedApproval
from lineage_pipelines.queries.policy import Policy
from lineage_pipelines.records import ComparedVersion, Comparison, CountedApproval, Digest


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
        data=_measured_on(entry),
    )


def _measured_on(entry: Entry) -> Digest | None:
    evaluation = entry.record.evaluation
    for snapshot in entry.record.data:
        if evaluation is not None and snapshot.name == evaluation.snapshot and snapshot.digest.sha256 is not None:
            return Digest("sha256", snapshot.digest.sha256)
    return None


def counted(weighed: Iterable[WeighedApproval]) -> tuple[CountedApproval, ...]:
    """Return the approvals that count, as a decision keeps them."""
    return tuple(
        CountedApproval(entry=each.given.entry, approver=each.given.approval.approver, key=each.given.key)
        for each in weighed
        if each.void is None
    )
