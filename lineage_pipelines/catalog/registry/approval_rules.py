"""Approval rules: which approvals count for a promotion, when it is drafted, committed and verified later.

An approval counts if the log shows that its signature is by a key for approvals that was valid then and still is, that
it names this record, this alias and this policy, that it has not expired, and that its approver is neither the trainer,
nor the person who asks for the promotion, nor counted already.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lineage_pipelines.catalog.transparency.signing import PublicKey
from lineage_pipelines.errors import CatalogError, NotFoundError, RecordError
from lineage_pipelines.records.decisions.approval import (
    Approval,
    SignedApproval,
    decode_envelope,
    policy_digest,
    same_person,
)
from lineage_pipelines.records.decisions.decision import Decision
from lineage_pipelines.records.decisions.key_event import KeyChange, KeyEvent, KeyPurpose
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time

LATEST = timedelta(hours=1)
"""How long after it was given an approval may be committed; nothing would prove an earlier time."""
RULE = "the rule 'approvals'"
"""The `where` of errors."""
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """A person's key for approvals, as the log knows it."""

    key: str
    """Its id, 64 hex characters."""
    owner: str
    public: PublicKey
    since: int
    """The entry that introduced it."""
    revoked: int | None = None
    """The entry that revoked it: from there on, none of its approvals counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenApproval:
    """An approval in the log."""

    entry: int
    key: str
    approval: Approval
    flaw: str | None = None
    """Why it can never count: its signature or its key is not valid; None if both are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessedApproval:
    """An approval, and whether it counts for one promotion."""

    given: GivenApproval
    void: str | None
    """Why it does not count; None when it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a policy requires of approvals."""

    needed: int = 0
    days: int | None = None
    """How many days after it was given an approval counts."""
    approvers: tuple[str, ...] = ()
    """Owners of keys, or ids of keys; empty for everyone with a key."""

    def ends(self, approval: Approval) -> datetime | None:
        """Return when an approval expires, None if never."""
        ends = [approval.expires] if approval.expires is not None else []
        ends += [approval.given + timedelta(days=self.days)] if self.days is not None else []
        return min(ends, default=None)


def terms_of(policy: Mapping[str, Json]) -> Terms:
    """Return what a policy, in its recorded form, requires of approvals.

    Raises:
        RecordError: a requirement has no meaning.
    """
    needed, days, names = policy.get("approvals", 0), policy.get("approval_days"), policy.get("approvers", [])
    if not isinstance(needed, int) or not isinstance(days, int | None) or not isinstance(names, list | tuple):
        raise RecordError("the policy asks for approvals that have no meaning")
    return Terms(needed=needed, days=days, approvers=tuple(map(str, names)))


def approvers(events: Iterable[tuple[int, KeyEvent]]) -> dict[str, Approver]:
    """Return the keys for approvals by their ids. An event that does not prove possession of its key is ignored.

    Args:
        events: every key event of the log with its place, in order.
    """
    known: dict[str, Approver] = {}
    others: set[str] = set()
    for seq, event in events:
        if event.change is KeyChange.REVOKED:
            if event.key in known and known[event.key].revoked is None:
                known[event.key] = replace(known[event.key], revoked=seq)
        elif event.purpose is not KeyPurpose.APPROVAL:
            others.add(event.key)
        elif event.key not in known and event.key not in others and (public := proven(event)) is not None:
            known[event.key] = Approver(key=event.key, owner=event.owner or "", public=public, since=seq)
    return known


def approver_of(events: Sequence[tuple[int, KeyEvent]], key: str) -> Approver:
    """Return the key for approvals with an id, if it may approve now.

    Raises:
        NotFoundError: the log does not know it.
        CatalogError: it is not for approvals, or was revoked.
    """
    found = approvers(events).get(key)
    name, renew = key[:_SHOWN], 'lineage key new --owner "you@example.org" --output FILE'
    if found is None and any(event.key == key for _, event in events):
        raise CatalogError(f"the key {name} is not one for approvals: it signs the log", where=RULE, fix=renew)
    if found is None:
        fix = 'introduce it: lineage key new --existing --owner "you@example.org"'
        raise NotFoundError(f"the log does not know the approval key {name}", where=RULE, fix=fix)
    if found.revoked is not None:
        what = f"the approval key {name} of {found.owner} was revoked by entry {found.revoked}"
        raise CatalogError(what, where=RULE, fix=renew)
    return found


def proven(event: KeyEvent) -> PublicKey | None:
    """Return the key for approvals that an event introduces, None unless the event proves possession of it."""
    try:
        public = PublicKey(event.public or "")
    except CatalogError:
        return None
    return public if event.owner and public.introduced(event) else None


def read_approval(entry: int, body: bytes, recorded: datetime, known: Mapping[str, Approver]) -> GivenApproval:
    """Return an approval of the log, with its flaw if it has one.

    Args:
        entry: its place.
        body: its bytes.
        recorded: when it was committed.
        known: the keys for approvals.

    Raises:
        RecordError: the bytes are no approval.
    """
    signed = decode_envelope(body)
    approval = signed.approval
    flaw = _flaw(entry, signed, approval, known) or untimely(approval, recorded)
    return GivenApproval(entry=entry, key=signed.key, approval=approval, flaw=flaw)


def timely(stated: datetime, recorded: datetime) -> bool:
    """Return whether a stated time agrees with the time of commit: not later, and at most `LATEST` earlier."""
    return timedelta() <= recorded - stated <= LATEST


def untimely(approval: Approval, recorded: datetime) -> str | None:
    """Return what is wrong with the stated time of an approval, None if nothing is."""
    if timely(approval.given, recorded):
        return None
    return f"claims to be given at {format_time(approval.given)}, and was committed at {format_time(recorded)}"


def _flaw(entry: int, signed: SignedApproval, approval: Approval, known: Mapping[str, Approver]) -> str | None:
    key = known.get(signed.key)
    if key is None or key.since > entry:
        return "the log did not know its key as one for approvals"
    if key.revoked is not None and key.revoked < entry:
        return f"its key had been revoked by entry {key.revoked}"
    if not key.public.approved(signed):
        return "its signature is not of these bytes"
    return None if key.owner == approval.approver else f"its key is {key.owner}'s"


def assess(
    decision: Decision,
    trained_by: Sequence[str],
    given: Iterable[GivenApproval],
    known: Mapping[str, Approver],
    *,
    at: datetime,
    seen: int,
) -> tuple[AssessedApproval, ...]:
    """Return which approvals count for a promotion.

    Args:
        decision: the promotion; its rules are not used.
        trained_by: who trained the version.
        given: the approvals, in order.
        known: the keys for approvals.
        at: the instant to assess them for.
        seen: the last entry of the log to take revocations of keys from.

    Raises:
        RecordError: a requirement of the policy has no meaning.
    """
    terms, policy = terms_of(decision.policy), policy_digest(decision.policy)
    counted: list[GivenApproval] = []
    assessed = []
    for each in given:
        void = (
            _other_subject(each.approval, decision, policy)
            or _other_person(each, decision, trained_by, terms)
            or void_reason(each, known, terms, at=at, seen=seen)
            or _counted_already(each, counted)
        )
        if void is None:
            counted.append(each)
        assessed.append(AssessedApproval(given=each, void=void))
    return tuple(assessed)


def _other_subject(approval: Approval, decision: Decision, policy: object) -> str | None:
    if (approval.model, approval.version, approval.record) != (decision.model, decision.version, decision.record):
        return f"is for another record, {approval.model}@{approval.version} of {approval.record.hex[:_SHOWN]}"
    if approval.alias != decision.alias:
        return f"is for the alias {approval.alias}"
    return None if approval.policy == policy else "was given under another policy"


def _other_person(given: GivenApproval, decision: Decision, trained_by: Sequence[str], terms: Terms) -> str | None:
    who = given.approval.approver
    for trainer in trained_by:
        if same_person(who, trainer):
            return f"trained the version, as {trainer}"
    if same_person(who, decision.by):
        return f"asks for the promotion, as {decision.by}"
    allowed = not terms.approvers or who in terms.approvers or given.key in terms.approvers
    return None if allowed else "is not among the approvers of the policy"


def void_reason(
    given: GivenApproval, known: Mapping[str, Approver], terms: Terms, *, at: datetime, seen: int
) -> str | None:
    """Return why an approval counts for no promotion any more, None while it may."""
    return given.flaw or _revoked(given, known, seen) or _expired(given.approval, terms, at)


def _revoked(given: GivenApproval, known: Mapping[str, Approver], seen: int) -> str | None:
    key = known.get(given.key)
    if key is None or key.revoked is None or key.revoked > seen:
        return None
    return f"the key {given.key[:_SHOWN]} was revoked by entry {key.revoked}"


def _expired(approval: Approval, terms: Terms, at: datetime) -> str | None:
    end = terms.ends(approval)
    return f"expired {end:%Y-%m-%dT%H:%MZ}" if end is not None and end <= at else None


def _counted_already(given: GivenApproval, counted: Sequence[GivenApproval]) -> str | None:
    for before in counted:
        if given.key == before.key or same_person(given.approval.approver, before.approval.approver):
            return f"has approved it already in entry {before.entry}"
    return None
