"""Decision checks: whether a decision, approval or key agrees with the log, in the transaction that commits it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import log
from lineage_pipelines.catalog.backends.schema_tables import model as models
from lineage_pipelines.catalog.index import alias_index
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.entries import APPROVAL, DECISION, KEY, POLICY, of_kind
from lineage_pipelines.catalog.registry import approval_rules, decision_rules
from lineage_pipelines.catalog.registry.approval_rules import RULE, Approver, GivenApproval
from lineage_pipelines.errors import CatalogError, ConflictError, NotFoundError
from lineage_pipelines.records.decisions.approval import (
    Approval,
    SignedApproval,
    encode_envelope,
    same_person,
    trainers,
)
from lineage_pipelines.records.decisions.decision import Action, CountedApproval, Decision, decode_decision
from lineage_pipelines.records.decisions.key_event import (
    KeyEvent,
    KeyPurpose,
    check_owner,
    decode_key_event,
)
from lineage_pipelines.records.decisions.look_alike import skeleton
from lineage_pipelines.records.decisions.policy_change import PolicyChange, decode_policy_change
from lineage_pipelines.records.decisions.tombstone import Tombstone
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.model_name import scoped, split_scoped

_SHOWN = 12
_PAGE = 500
_ASK_AGAIN = "look at it again (lineage history), and decide again"


def check(connection: sa.Connection, decision: Decision) -> None:
    """Refuse a decision about a version that does not exist, or whose premises no longer hold.

    Raises:
        ConflictError: the alias names another record than `decision.previous`, or an approval that was counted no
            longer counts: it expired, or its key was revoked.
        NotFoundError: there is no such version, it has another record, or it is of another partition than the alias.
        CatalogError: the policy requires more approvals, and the decision is not an override; the decision has no
            ground: a rollback to what the alias never named, the retirement of an alias that names nothing.
    """
    if decision.version is not None:
        _check_version(connection, decision.model, decision.version, decision.record, decision.alias)
    now = alias_index.current_record(connection, decision.model, decision.alias)
    if now != decision.previous:
        names = f"the record {now}" if now else "no version"
        what = f"{decision.alias} of {decision.model} was changed meanwhile: it names {names}"
        raise ConflictError(what, fix=_ASK_AGAIN)
    wrong = decision_rules.unfounded(decision, set(_named_before(connection, decision)))
    if wrong is not None:
        fix = f"decide with `lineage`: promote (under the policy), rollback, retire or reject; {_ASK_AGAIN}"
        raise CatalogError(f"the decision {wrong}", where=f"{decision.alias} of {decision.model}", fix=fix)
    if decision.action is Action.PROMOTE:
        _check_counted(connection, decision)


def _named_before(connection: sa.Connection, decision: Decision) -> Iterator[Digest]:
    """Yield the record that a rollback goes back to, if its alias has named it: by the decisions themselves."""
    if decision.action is not Action.ROLLBACK or decision.version is None:
        return
    seqs = alias_index.places(connection, DECISION, decision.model, decision.alias, decision.version)
    for start in range(0, len(seqs), _PAGE):
        for entry in reader.walk(connection, signed=False, seqs=seqs[start : start + _PAGE], kind=DECISION):
            made = decode_decision(entry.body) if Digest.of(entry.body).hex == entry.digest else None
            same = made is not None and (made.model, made.alias) == (decision.model, decision.alias)
            if made is not None and same and made.moves_alias and made.record is not None:
                yield made.record


def policy_change(connection: sa.Connection, decision: Decision) -> PolicyChange | None:
    """Return the change of the policy in force that a promotion brings; None if it brings none.

    A policy that is not the project's committed one decides about this promotion only, which is an override.
    """
    if decision.action is not Action.PROMOTE or decision.policy.get("uncommitted"):
        return None
    model, alias = decision.model, decision.alias_name
    revision = decision.policy_revision
    change = PolicyChange(model=model, alias=alias, policy=decision.policy, revision=revision, by=decision.by)
    places = alias_index.places(connection, POLICY, model, alias)
    for entry in reader.walk(connection, signed=False, seqs=places[-1:], kind=POLICY):
        in_force = decode_policy_change(entry.body)
        if replace(in_force, revision=revision, by=decision.by) == change:
            return None
    return change


def _check_version(connection: sa.Connection, model: str, version: int, record: Digest | None, alias: str) -> None:
    entry = reader.get(connection, model, version)
    if entry is None or entry.digest != record:
        raise NotFoundError(f"no version {version} of {model} with the record {record}")
    name, identity = split_scoped(alias)
    if identity != entry.identity:
        raise NotFoundError(f"{alias} of {model} cannot name {entry.ref}", fix=f"write {scoped(name, entry.identity)}")


def check_records(connection: sa.Connection, records: Sequence[Digest]) -> None:
    """Refuse an analysis of a record that the catalog does not have.

    Raises:
        NotFoundError: one of the records is missing.
    """
    for record in records:
        if not reader.by_digest(connection, record.hex):
            raise NotFoundError(f"the catalog has no record {record}")


def check_tombstone(connection: sa.Connection, tombstone: Tombstone) -> None:
    """Refuse to remove the model file of a version that is live, unless the tombstone says so.

    Raises:
        NotFoundError: the catalog does not have the record.
        ConflictError: an alias names a version with this model file, which the tombstone does not name.
    """
    check_records(connection, [tombstone.record])
    for ref in live_with(connection, tombstone.blob):
        if ref not in tombstone.live:
            fix = "retire or roll back the alias first, or repeat it with --force"
            raise ConflictError(f"it is the model file of {ref}, which is live", where=str(tombstone.blob), fix=fix)


def live_with(connection: sa.Connection, file: Digest) -> Sequence[str]:
    """Return the versions with this model file that an alias names now, as a person writes them, sorted."""
    names = connection.scalars(sa.select(models.c.name)).all()
    current = {(model, version) for model, _, version in alias_index.current_aliases(connection, names)}
    found = (reader.get(connection, model, version) for model, version in sorted(current))
    return [entry.ref for entry in found if entry is not None and entry.record.artifact.digest == file]


# The approvals that a promotion was made on


def _check_counted(connection: sa.Connection, decision: Decision) -> None:
    counted = decision.approvals or ()
    needed = approval_rules.terms_of(decision.policy).needed
    if len(counted) < needed and not decision.override:
        what = f"the policy asks for {needed} approvals of {decision.ref}, counted: {len(counted)}"
        raise CatalogError(what, fix=f"lineage approve {decision.ref} --to {decision.alias_name} …")
    now = datetime.now(UTC)
    if decision.judged is not None and not approval_rules.timely(decision.judged, now):
        raise ConflictError("the approvals were evaluated too long ago", fix=_ASK_AGAIN)
    if not counted or decision.version is None:
        return
    known, entry = known_approvers(connection), reader.get(connection, decision.model, decision.version)
    given = tuple(_given(connection, each, known) for each in counted)
    last = connection.scalar(sa.select(sa.func.max(log.c.seq))) or 0
    trained_by = trainers(entry.record) if entry is not None else ()
    for each in approval_rules.assess(decision, trained_by, given, known, at=now, seen=last):
        if each.void is not None:
            who, place = each.given.approval.approver, each.given.entry
            what = f"the approval of {who} (entry {place}) does not count: {each.void}"
            raise ConflictError(what, fix=_ASK_AGAIN)


def _given(connection: sa.Connection, counted: CountedApproval, known: dict[str, Approver]) -> GivenApproval:
    row = connection.execute(
        sa.select(log.c.body, log.c.recorded).where(log.c.seq == counted.entry, log.c.kind == APPROVAL)
    ).first()
    given = (
        approval_rules.read_approval(counted.entry, bytes(row.body), parse_time(row.recorded), known) if row else None
    )
    if given is None or (given.key, given.approval.approver) != (counted.key, counted.approver):
        raise ConflictError(f"entry {counted.entry} is not an approval of {counted.approver}", fix=_ASK_AGAIN)
    return given


def known_approvers(connection: sa.Connection) -> dict[str, Approver]:
    """Return the keys for approvals by their ids."""
    return approval_rules.approvers(_key_events(connection))


def _key_events(connection: sa.Connection) -> Iterator[tuple[int, KeyEvent]]:
    rows = connection.execute(sa.select(log.c.seq, log.c.body).where(of_kind(KEY)).order_by(log.c.seq))
    return ((row.seq, decode_key_event(bytes(row.body))) for row in rows)


# An approval and a key that are about to be committed


def check_approval(connection: sa.Connection, signed: SignedApproval) -> None:
    """Refuse an approval that could never count.

    Raises:
        NotFoundError: the log does not know the key, there is no such version with such a record, or it is of another
            partition than the alias.
        ConflictError: the same approval is in the log already.
        CatalogError: the key is not for approvals, was revoked or is another person's, the signature is not of these
            bytes, the approver trained the version, or the time is not now.
    """
    approval = signed.approval
    _check_key(connection, signed, approval)
    _check_version(connection, approval.model, approval.version, approval.record, approval.alias)
    _check_time(approval, datetime.now(UTC))
    entry = reader.get(connection, approval.model, approval.version)
    for trainer in trainers(entry.record) if entry is not None else ():
        if same_person(approval.approver, trainer):
            raise CatalogError(
                f"{approval.approver} trained {approval.model}@{approval.version} (as {trainer}), and nobody may "
                "approve a version of their own",
                where=RULE,
                fix="ask somebody else who has a key: lineage key list",
            )
    same = Digest.of(encode_envelope(signed)).hex
    seq = connection.scalar(sa.select(sa.func.min(log.c.seq)).where(of_kind(APPROVAL), log.c.digest == same))
    if seq is not None:
        raise ConflictError(f"this very approval is entry {seq} already")


def _check_key(connection: sa.Connection, signed: SignedApproval, approval: Approval) -> None:
    key = approval_rules.approver_of(list(_key_events(connection)), signed.key)
    if key.owner != approval.approver or not key.public.approved(signed):
        what = f"the approval is not signed by {approval.approver}, with the key {signed.key[:_SHOWN]}"
        raise CatalogError(what, where=RULE)


def _check_time(approval: Approval, now: datetime) -> None:
    wrong = approval_rules.untimely(approval, now)
    if wrong is not None:
        raise CatalogError(f"the approval {wrong}", where=RULE, fix="set the clock, and approve again")
    if approval.expires is not None and approval.expires <= now:
        what = f"the approval would have expired at {approval.expires:%Y-%m-%dT%H:%MZ} already"
        raise CatalogError(what, where=RULE, fix="give a later time: --expires-in 7d")


def check_introduction(connection: sa.Connection, event: KeyEvent) -> None:
    """Refuse a new key for approvals that the log knows, or whose event does not prove possession of it.

    Raises:
        ConflictError: the log knows the key, or another owner whose name looks the same.
        CatalogError: the event introduces no key for approvals, or proves nothing.
        RecordError: the owner has no name.
    """
    check_owner(event.owner or "")
    if event.purpose is not KeyPurpose.APPROVAL or approval_rules.proven(event) is None:
        raise CatalogError("the event does not prove possession of the key", where=event.key)
    for seq, known in _key_events(connection):
        if known.key == event.key:
            what = f"the log knows the key {event.key[:_SHOWN]} already, from entry {seq}"
            raise ConflictError(what, fix="lineage key list says whose it is and whether it counts")
        _check_look_alike(event.owner or "", known.owner)


def _check_look_alike(owner: str, known: str | None) -> None:
    if known is not None and known != owner and skeleton(known) == skeleton(owner):
        what = f"the owner {owner!a} looks like {known!a}, who has a key already"
        raise ConflictError(what, fix="write the same name for the same person, and another one for another person")


def purpose_of(connection: sa.Connection, key: str) -> KeyPurpose:
    """Return the purpose of a key; a key that the log does not know signs the log."""
    return next((event.purpose for _, event in _key_events(connection) if event.key == key), KeyPurpose.LOG)
