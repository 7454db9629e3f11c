"""Approval status: which approvals in the log count for a promotion, which still count, and which are invalid."""

import secrets
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry, LogEntry
from lineage_pipelines.catalog.registry.approval_rules import (
    Approver,
    AssessedApproval,
    GivenApproval,
    Terms,
    approver_of,
    approvers,
    assess,
    read_approval,
    terms_of,
    void_reason,
)
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.queries.registry.free_text import check_reason
from lineage_pipelines.queries.registry.policy_in_force import read_approval_policy
from lineage_pipelines.records.decisions.approval import Approval, policy_digest, trainers
from lineage_pipelines.records.decisions.decision import Decision
from lineage_pipelines.records.decisions.key_event import KeyEvent, decode_key_event
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.model_name import check_new_alias, scoped, split_scoped

_OTHERS = 3
"""How many approvals of other versions a promotion lists, to explain why they do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalStatus:
    """An approval in the log, and whether it counts now."""

    seq: int
    at: datetime
    """When it was committed, in UTC."""
    key: str
    approval: Approval
    void: str | None
    """Why it does not count now; None while it counts for its record, alias and policy."""


class Approvals:
    """Every approval of a log, and the keys for approvals.

    Args:
        entries: the entries of the kind `approval`, in order.
        events: every key event with its place, in order.
    """

    def __init__(self, entries: Iterable[LogEntry], events: Iterable[tuple[int, KeyEvent]]) -> None:
        self.known: Mapping[str, Approver] = approvers(events)
        self.recorded: dict[int, datetime] = {}
        self._by_model: dict[str, list[GivenApproval]] = defaultdict(list)
        self._by_version: dict[tuple[str, int], list[GivenApproval]] = defaultdict(list)
        for entry in entries:
            given = _given(entry, self.known)
            if given is not None:
                self.recorded[entry.seq] = parse_time(entry.recorded)
                self._by_model[given.approval.model].append(given)
                self._by_version[given.approval.model, given.approval.version].append(given)

    def of_model(self, model: str) -> Sequence[GivenApproval]:
        """Return the approvals of a model's versions, oldest first."""
        return self._by_model.get(model, [])

    def assess(
        self, decision: Decision, record: LineageRecord, *, at: datetime, seen: int
    ) -> tuple[AssessedApproval, ...]:
        """Return which approvals up to the entry `seen` of the log count for a promotion at the instant `at`.

        The newest approvals of other versions are included, with the reason why they do not count.
        """
        own = self._by_version.get((decision.model, decision.version or 0), [])
        given = [*(each for each in own if each.entry <= seen), *self._others(decision, seen)]
        return assess(decision, trainers(record), given, self.known, at=at, seen=seen)

    def _others(self, decision: Decision, seen: int) -> Sequence[GivenApproval]:
        every = self.of_model(decision.model)
        until = bisect_right(every, seen, key=lambda each: each.entry)
        newest = (every[index] for index in range(until - 1, -1, -1))
        others = (each for each in newest if each.approval.version != decision.version)
        return list(islice(others, _OTHERS))[::-1]


def _given(entry: LogEntry, known: Mapping[str, Approver]) -> GivenApproval | None:
    try:
        return read_approval(entry.seq, entry.body, parse_time(entry.recorded), known)
    except RecordError:  # reported by `recheck_approvals`
        return None


def read_approvals(catalog: Catalog, model: str, version: int | None = None) -> tuple[Approvals, int]:
    """Return the approvals of a model's versions, and the entry up to which they and the keys were read.

    With a version: its approvals, and as many of the newest approvals of other versions as `Approvals.assess` lists.

    Keys are read before and after the approvals, so that the result is complete up to the returned entry even if others
    write meanwhile.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid key event.
    """
    before = _key_events(catalog)
    if version is None:
        entries = list(catalog.registry.decisions_of(model, approvals=True))
    else:
        entries = list(catalog.registry.approvals_near(model, version, others=_OTHERS))
    seen = max((*(seq for seq, _ in before), *(entry.seq for entry in entries)), default=0)
    return Approvals(entries, _key_events(catalog)), seen


def _key_events(catalog: Catalog) -> list[tuple[int, KeyEvent]]:
    return [(entry.seq, decode_key_event(entry.body)) for entry in catalog.log.walk("key")]


def draft_approval(
    catalog: Catalog,
    entry: Entry,
    alias: str,
    *,
    key: str,
    reason: str,
    project_dir: Path,
    expires: datetime | None = None,
) -> Approval:
    """Return the statement that a person signs, under the policy of the project's last commit.

    Args:
        catalog: the catalog.
        entry: the version.
        alias: the alias that may name it.
        key: the id of the approver's key.
        reason: why.
        project_dir: where pyproject.toml is.
        expires: when the approval expires; None for never.

    Raises:
        NotFoundError: the log does not know the key.
        CatalogError: the key is not for approvals, was revoked, or is not among those that the policy names; the policy
            or the catalog cannot be read.
        RecordError: the alias or the reason is not allowed.
    """
    check_new_alias(alias)
    policy = read_approval_policy(catalog, entry.model, alias, project_dir).plain()
    approver = approver_of(_key_events(catalog), key)
    allowed = terms_of(policy).approvers
    if allowed and approver.owner not in allowed and key not in allowed:
        what = f"approvals by {approver.owner} do not count under the policy of {alias}"
        raise CatalogError(what, where="the rule 'approvers'", fix=f"ask one of: {', '.join(allowed)}")
    return Approval(
        record=entry.digest,
        model=entry.model,
        version=entry.version,
        alias=scoped(alias, entry.identity),
        policy=policy_digest(policy),
        approver=approver.owner,
        reason=check_reason(reason),
        nonce=secrets.token_hex(16),
        given=datetime.now(UTC),
        expires=expires,
    )


def list_approvals(
    catalog: Catalog,
    model: str,
    alias: str | None = None,
    *,
    version: int | None = None,
    project_dir: Path | None = None,
) -> Sequence[ApprovalStatus]:
    """Return the approvals of a model's versions and whether they count now, oldest first.

    Args:
        catalog: the catalog.
        model: the model's name.
        alias: only those for this alias, as approvals have it: of a partition `production[west]`.
        version: only those of this version.
        project_dir: where the policy in force is; None to ignore the policy.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid key event.
    """
    approvals, seen = read_approvals(catalog, model, version)
    now = datetime.now(UTC)
    policy = cache(lambda alias: _policy(catalog, model, alias, project_dir))
    found = []
    for given in approvals.of_model(model):
        if alias in (None, given.approval.alias) and version in (None, given.approval.version):
            terms, other = _in_force(given.approval, policy(split_scoped(given.approval.alias)[0]))
            void = other or void_reason(given, approvals.known, terms, at=now, seen=seen)
            at = approvals.recorded[given.entry]
            found.append(ApprovalStatus(seq=given.entry, at=at, key=given.key, approval=given.approval, void=void))
    return found


def _policy(catalog: Catalog, model: str, alias: str, project_dir: Path | None) -> Mapping[str, Json] | None:
    if project_dir is None:
        return None
    try:
        return read_approval_policy(catalog, model, alias, project_dir).plain()
    except CatalogError:  # an unreadable policy must not prevent reading past decisions
        return None


def _in_force(approval: Approval, policy: Mapping[str, Json] | None) -> tuple[Terms, str | None]:
    if policy is None:
        return Terms(), None
    other = None if policy_digest(policy) == approval.policy else "the policy has changed since"
    return terms_of(policy), other


def recheck_approvals(entries: Iterable[LogEntry], events: Iterable[tuple[int, KeyEvent]]) -> Iterator[str]:
    """Yield what is wrong with the approvals of a log, in words, each with its place.

    An approval must be signed by a key for approvals that was valid at its place and belongs to its approver, state a
    time that agrees with the time of its entry, and occur only once.

    Args:
        entries: the entries of the kind `approval`, in order.
        events: every key event of the log with its place, in order.
    """
    known = approvers(events)
    first: dict[bytes, int] = {}
    for entry in entries:
        where = f"entry {entry.seq} (approval)"
        try:
            given = read_approval(entry.seq, entry.body, parse_time(entry.recorded), known)
        except RecordError as error:
            yield f"{where}: {error.what}"
            continue
        if given.flaw is not None:
            yield f"{where} of {given.approval.approver}: {given.flaw}"
        if first.setdefault(entry.body, entry.seq) != entry.seq:
            yield f"{where} repeats entry {first[entry.body]}"
