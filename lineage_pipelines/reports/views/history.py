"""History: decisions, approvals and changed policies, for people and for programs."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lineage_pipelines.records.decisions.decision import Comparison, Decision
from lineage_pipelines.records.statement.metric import by_interest
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time, to_json
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table
from lineage_pipelines.reports.formatting import number, person, short_digest, utc_time

if TYPE_CHECKING:
    from lineage_pipelines.queries.registry.alias_history import LoggedDecision
    from lineage_pipelines.queries.registry.approval_status import ApprovalStatus
    from lineage_pipelines.queries.registry.policy_in_force import LoggedPolicy


def decision_document(decision: Decision, seq: int | None) -> Document:
    """Show a promotion: whether it was made, each rule of the policy, who approved, and the numbers compared."""
    ref = decision.ref
    made = (
        f"{decision.alias_name} now names {ref}" if seq is not None else f"{ref} was not promoted: nothing was changed"
    )
    rules = [[rule.name, "passed" if rule.passed else "FAILED", rule.detail] for rule in decision.rules]
    facts = [("by", person(decision.by, decision.known_by)), ("reason", decision.reason)]
    if decision.approvals is not None:
        facts.append(("approved by", approved_by(decision) or "no approval that counts"))
    if seq is not None:
        facts.append(("entry", f"{seq:,}"))
    if decision.override:
        facts.append(("override", "against the policy"))
    compared = _comparison(decision.compared) if decision.compared else ()
    table = Table(["rule", "verdict", "detail"], rules)
    return Document([Heading(made, 1), Pairs(facts), Paragraph(""), table, *compared])


def _comparison(compared: Comparison) -> Iterator[Block]:
    versions = [f"version {candidate.version}" for candidate in compared.candidates]
    names = by_interest({name for candidate in compared.candidates for name in candidate.metrics})
    rows = [[name, *(number(candidate.metrics.get(name)) for candidate in compared.candidates)] for name in names]
    if len(versions) > 1 and rows:
        yield Table(["metric", *versions], rows, frozenset(versions), title="Compared")
    if len({candidate.data for candidate in compared.candidates}) > 1:
        yield Paragraph("  measured on different data", "warn")


def approved_by(decision: Decision) -> str:
    """Return who approved a promotion, each with the entry that says so; empty where it has no approvals."""
    return ", ".join(f"{each.approver} (entry {each.entry:,})" for each in decision.approvals or ())


def approval_line(approved: "ApprovalStatus") -> str:
    """Say in a line who approved what, when, until when and why, and whether it still counts."""
    approval = approved.approval
    until = f", until {utc_time(approval.expires)}" if approval.expires else ""
    void = f"VOID: {approved.void}; " if approved.void else ""  # first: the end of a long line may be cut
    return f"{void}{approval.alias}, {utc_time(approved.at)}, by {person(approval.approver)}{until}: {approval.reason}"


def decision_json(decision: Decision, seq: int | None) -> dict[str, Json]:
    """Return a decision and its place in the log; null where it was not made."""
    plain = to_json(decision)
    return {"entry": seq, **(plain if isinstance(plain, Mapping) else {})}


_BACKDATED = "!"


def history_document(
    decided: "Sequence[LoggedDecision]",
    approved: "Sequence[ApprovalStatus]" = (),
    policies: "Sequence[LoggedPolicy]" = (),
    *,
    limit: int | None = None,
) -> Document:
    """List decisions, approvals and changed policies, newest first, in the order of the log.

    What a clock dated back is marked, and so is the promotion that a policy was changed with.

    Args:
        decided: decisions.
        approved: approvals.
        policies: policies that replaced another one.
        limit: how many, the newest; None for all.
    """
    if not decided and not approved:
        return Document([Paragraph("Nothing has been decided. `lineage promote` makes an alias name a version.")])
    back, under = _backdated(decided, approved), _under_changed(policies)
    rows = {each.seq: _row(each, changed=each.seq in under) for each in decided}
    rows |= {each.seq: _approval_row(each) for each in approved} | {each.seq: _policy_row(each) for each in policies}
    shown = sorted(rows, reverse=True)[:limit]
    table = [[f"{rows[seq][0]}{f' {_BACKDATED}' if seq in back else ''}", *rows[seq][1:]] for seq in shown]
    blocks: list[Block] = [Table(["when (UTC)", "alias", "decision", "version", "by", "reason"], table)]
    if left := len(rows) - len(shown):
        blocks.append(Paragraph(f"  … and {left:,} earlier (-n 0 for all)", "dim"))
    if not back.isdisjoint(shown):
        words = f"\n  {_BACKDATED} dated earlier than an entry before it: it was made after what stands below it"
        blocks.append(Paragraph(words, "warn"))
    return Document(blocks)


def _backdated(decided: "Sequence[LoggedDecision]", approved: "Sequence[ApprovalStatus]") -> frozenset[int]:
    """Return the places of what its clock dates earlier than something before it in the log."""
    times = sorted([*((each.seq, each.at) for each in decided), *((each.seq, each.at) for each in approved)])
    latest = itertools.accumulate((at for _, at in times), max)
    return frozenset(seq for (seq, at), newest in zip(times, latest, strict=True) if at < newest)


def _when(at: datetime) -> str:
    return utc_time(at).removesuffix(" UTC")


def _under_changed(policies: "Sequence[LoggedPolicy]") -> frozenset[int]:
    """Return the places of the promotions that policies were changed with: of each, the entry after it."""
    return frozenset(each.seq + 1 for each in policies)


def policy_difference(before: Mapping[str, Json], after: Mapping[str, Json]) -> str:
    """Say in which rules two policies differ: `approvals 2 → none; clean yes → no`."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return "; ".join(f"{name} {_rule_text(before.get(name))} → {_rule_text(after.get(name))}" for name in names)


def _rule_text(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_rule_text(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _policy_row(policy: "LoggedPolicy") -> list[str]:
    change = policy.change
    commit = f"; commit {short_digest(change.revision)}" if change.revision else ""
    words = f"{policy_difference(policy.before or {}, change.policy)}{commit}"
    return [_when(policy.at), change.alias, "new policy", "", person(change.by), words]


def _row(decided: "LoggedDecision", *, changed: bool) -> list[str]:
    decision = decided.decision
    action = f"{decision.action} (override)" if decision.override else str(decision.action)
    version = str(decision.version) if decision.version is not None else "none"
    who = approved_by(decision)
    reason = f"{decision.reason}; approved by {who}" if who else decision.reason
    reason = f"under a changed policy: {reason}" if changed else reason
    return [_when(decided.at), decision.alias, action, version, person(decision.by, decision.known_by), reason]


def _approval_row(approved: "ApprovalStatus") -> list[str]:
    approval = approved.approval
    until = f"; until {utc_time(approval.expires)}" if approval.expires else ""
    void = f"; VOID: {approved.void}" if approved.void else ""
    action = "approve (void)" if approved.void else "approve"
    reason = f"{approval.reason}{until}{void}"
    return [_when(approved.at), approval.alias, action, str(approval.version), person(approval.approver), reason]


def history_json(
    decided: "Sequence[LoggedDecision]",
    approved: "Sequence[ApprovalStatus]" = (),
    policies: "Sequence[LoggedPolicy]" = (),
    *,
    limit: int | None = None,
) -> Json:
    """Return decisions, approvals and changed policies, newest first, in the order of the log.

    An approval is one whose action is `approve`, a changed policy one whose action is `policy`.
    """
    under = _under_changed(policies)
    rows: dict[int, dict[str, Json]] = {
        each.seq: {
            "at": format_time(each.at),
            **decision_json(each.decision, each.seq),
            "policy_changed": each.seq in under,
        }
        for each in decided
    }
    rows |= {each.seq: _approval_json(each) for each in approved} | {each.seq: _policy_json(each) for each in policies}
    back = _backdated(decided, approved)
    return [{**rows[seq], "backdated": seq in back} for seq in sorted(rows, reverse=True)[:limit]]


def _policy_json(policy: "LoggedPolicy") -> dict[str, Json]:
    plain = to_json(policy.change)
    fields = plain if isinstance(plain, Mapping) else {}
    before = to_json(policy.before) if policy.before is not None else None
    return {"at": format_time(policy.at), "entry": policy.seq, "action": "policy", **fields, "before": before}


def _approval_json(approved: "ApprovalStatus") -> dict[str, Json]:
    plain = to_json(approved.approval)
    fields = {name: value for name, value in plain.items() if name != "approver"} if isinstance(plain, Mapping) else {}
    return {
        "at": format_time(approved.at),
        "entry": approved.seq,
        "action": "approve",
        "by": approved.approval.approver,
        "key": approved.key,
        **fields,
        "void": approved.void,
    }
