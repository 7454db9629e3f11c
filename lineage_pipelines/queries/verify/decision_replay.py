"""Decision replay: whether each decision still follows from the policy, records and approvals that it names."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.registry.approval_rules import AssessedApproval, timely
from lineage_pipelines.catalog.registry.decision_rules import unfounded
from lineage_pipelines.errors import LineageError, RecordError
from lineage_pipelines.queries.registry.approval_status import Approvals
from lineage_pipelines.queries.registry.decision_drafts import compare, counted
from lineage_pipelines.queries.registry.promotion_policy import Policy, evaluate_policy, parse_policy
from lineage_pipelines.records.decisions.approval import policy_digest
from lineage_pipelines.records.decisions.decision import Action, Decision
from lineage_pipelines.records.decisions.key_event import KeyEvent, decode_key_event
from lineage_pipelines.records.decisions.policy_change import PolicyChange
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.metric import direction_by_words
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.digest import Digest

_COMMITTING = timedelta(seconds=5)
"""How long a transaction takes at most from reading the approvals to the time in its entry."""
_CACHED = 64
"""How many records are cached: a promoted version is often compared with again."""


class _Evidence:
    """What decisions are rechecked against, read from the log on first use."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.entry = lru_cache(maxsize=_CACHED)(self._entry)

    @cached_property
    def approvals(self) -> Approvals:
        return Approvals(self.catalog.log.walk("approval"), self._key_events())

    def _key_events(self) -> Iterator[tuple[int, KeyEvent]]:
        for entry in self.catalog.log.walk("key"):
            with contextlib.suppress(RecordError):  # altered: reported for the entry itself
                yield entry.seq, decode_key_event(entry.body)

    @cached_property
    def recorded(self) -> dict[int, datetime]:
        return dict(self._times())

    def _times(self) -> Iterator[tuple[int, datetime]]:
        for entry in self.catalog.log.walk("decision"):
            with contextlib.suppress(RecordError):
                yield entry.seq, parse_time(entry.recorded)

    def _entry(self, digest: Digest | None) -> Entry | None:
        if digest is None:
            return None
        try:
            entry = self.catalog.by_digest(digest.hex)
            entry.record  # noqa: B018  # decoded now, while errors are caught
        except LineageError:  # altered: reported for the entry itself
            return None
        return entry


def recheck_decisions(
    catalog: Catalog, decisions: Sequence[tuple[int, Decision]], policies: Sequence[tuple[int, PolicyChange]] = ()
) -> Iterator[str]:
    """Yield what is wrong with decisions, in words, each with its place in the log.

    Args:
        catalog: the catalog.
        decisions: place and decision, in order.
        policies: place and policy, in order.
    """
    yield from _recheck_policies(decisions, policies)
    evidence = _Evidence(catalog)
    current: dict[tuple[str, str], Digest | None] = {}
    named: dict[tuple[str, str], set[Digest]] = defaultdict(set)
    for seq, decision in decisions:
        where = f"entry {seq} (decision)"
        alias = (decision.model, decision.alias)
        if decision.previous != current.get(alias):
            yield f"{where} states another version than {decision.alias} named before"
        if (ground := unfounded(decision, named[alias])) is not None:
            yield f"{where} {ground}"
        yield from (f"{where} {wrong}" for wrong in _recheck(evidence, seq, decision))
        if decision.moves_alias:
            current[alias] = decision.record
            named[alias] |= {decision.record} if decision.record is not None else set()


def _recheck_policies(
    decisions: Sequence[tuple[int, Decision]], policies: Sequence[tuple[int, PolicyChange]]
) -> Iterator[str]:
    """Yield which promotions were judged under another policy than the one in force.

    Releases that committed no policies leave nothing to compare with before the first one of an alias.
    """
    entries: Sequence[tuple[int, Decision | PolicyChange]] = sorted([*decisions, *policies], key=lambda each: each[0])
    in_force: dict[tuple[str, str], tuple[int, Digest]] = {}
    for seq, entry in entries:
        if isinstance(entry, PolicyChange):
            in_force[entry.model, entry.alias] = seq, policy_digest(entry.policy)
        elif entry.action is Action.PROMOTE and not (entry.policy.get("uncommitted") and entry.override):
            place, digest = in_force.get((entry.model, entry.alias_name), (0, None))
            if digest is not None and digest != policy_digest(entry.policy):
                yield f"entry {seq} (decision) was judged under another policy than the one in force, of entry {place}"


def _recheck(evidence: _Evidence, seq: int, decision: Decision) -> Iterator[str]:
    if decision.version is None:
        return
    entry = evidence.entry(decision.record)
    if entry is None or entry.record.model.name != decision.model:
        yield f"is about {decision.model}@{decision.version}, which has another record"
        return
    if decision.identity != entry.identity:
        yield f"is about {entry.ref}, and {decision.alias} is of another partition"
    if decision.action is Action.PROMOTE:
        yield from _recheck_promotion(evidence, seq, decision, entry)


def _recheck_promotion(evidence: _Evidence, seq: int, decision: Decision, entry: Entry) -> Iterator[str]:
    try:
        policy = parse_policy(decision.policy, where="the policy then in force")
        assessed = _assess(evidence, decision, entry.record) if policy.approvals else ()
    except LineageError as error:
        yield f"holds no valid policy: {error.what}"
        return
    current = evidence.entry(decision.previous)
    if not _follows(decision, policy, entry.record, current.record if current else None, assessed):
        yield "does not follow from the policy then in force"
    elif not decision.override and not all(rule.passed for rule in decision.rules):
        yield "was made against the policy then in force, and not as an override"
    yield from _recheck_evidence(decision, entry, current, policy, assessed)
    if policy.approvals:
        yield from _recheck_time(evidence, seq, decision, entry.record)


def _follows(
    decision: Decision,
    policy: Policy,
    record: LineageRecord,
    current: LineageRecord | None,
    assessed: Sequence[AssessedApproval],
) -> bool:
    # Releases that wrote schema 1 took the direction of a metric from words in its name.
    directions = (None, direction_by_words) if record.schema_version == 1 else (None,)
    verdicts = (evaluate_policy(policy, record, current, assessed, direction=each) for each in directions)
    return decision.rules in verdicts


def _assess(evidence: _Evidence, decision: Decision, record: LineageRecord) -> tuple[AssessedApproval, ...]:
    if decision.judged is None or decision.seen is None:
        return ()
    return evidence.approvals.assess(decision, record, at=decision.judged, seen=decision.seen)


def _recheck_evidence(
    decision: Decision,
    entry: Entry,
    current: Entry | None,
    policy: Policy,
    assessed: Sequence[AssessedApproval],
) -> Iterator[str]:
    if (decision.approvals or ()) != (counted(assessed) if policy.approvals else ()):
        yield "counts other approvals than the log holds"
    if decision.compared is not None and decision.compared.candidates != compare(entry, current, policy).candidates:
        yield "compares other numbers than the records hold"


def _recheck_time(evidence: _Evidence, seq: int, decision: Decision, record: LineageRecord) -> Iterator[str]:
    """Check that the approvals that counted for the draft still counted at commit."""
    recorded, judged, seen = evidence.recorded.get(seq), decision.judged, decision.seen
    if recorded is None or judged is None or seen is None or seen >= seq or not timely(judged, recorded):
        yield "states an impossible time or place at which its approvals were assessed"
        return
    at = judged if recorded - judged <= _COMMITTING else recorded - _COMMITTING
    for each in _at_commit(evidence, seq, decision, record, at):
        if each.void is not None:
            approver = each.given.approval.approver
            yield f"counts the approval of {approver} (entry {each.given.entry}), which {each.void}"


def _at_commit(
    evidence: _Evidence, seq: int, decision: Decision, record: LineageRecord, at: datetime
) -> Iterator[AssessedApproval]:
    entries = {each.entry for each in decision.approvals or ()}
    for each in evidence.approvals.assess(decision, record, at=at, seen=seq - 1):
        if each.given.entry in entries:
            yield each
