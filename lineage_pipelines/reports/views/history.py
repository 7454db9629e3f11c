"""History: decisions and approvals, for people and for programs."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lineage_pipelines.records.decisions.decision import Comparison, Decision
from lineage_pipelines.records.statement.metric import by_interest
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time, to_json
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table
from lineage_pipelines.reports.formatting import number, person, utc_time

if TYPE_CHECKING:
    from lineage_pipelines.queries.registry.alias_history import LoggedDecision
    from lineage_pipelines.queries.registry.approval_status import ApprovalStatus


def decision_document(decision: Decision, seq: int | None) -> Document:
    """Show a promotion: whether it was made, each rule of the policy, who approved, and the numbers compared."""
    ref = decision.ref
    made = (
        f"{decision.alias_name} now names {ref}" if seq is not None else f"{ref} was not promoted: nothing was changed"
    )
    rules = [[rule.name, "passed" if rule.passed else "FAILED", rule.detail] for rule in decision.rules]
    facts = [("by", person(decision.by)), ("reason", decision.reason)]
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
    decided: "Sequence[LoggedDecision]", approved: "Sequence[ApprovalStatus]" = (), *, limit: int | None = None
) -> Document:
    """List decisions and approvals, newest first, in the order of the log; what a clock dated back is marked.

    Args:
        decided: decisions.
        approved: approvals.
        limit: how many, the newest; None for all.
    """
    if not decided and not approved:
        return Document([Paragraph("Nothing has been decided. `lineage promote` makes an alias name a version.")])
    back = _backdated(decided, approved)
    rows = {each.seq: _row(each) for each in decided} | {each.seq: _approval_row(each) for each in approved}
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


def _row(decided: "LoggedDecision") -> list[str]:
    decision = decided.decision
    action = f"{decision.action} (override)" if decision.override else str(decision.action)
    version = str(decision.version) if decision.version is not None else "none"
    who = approved_by(decision)
    reason = f"{decision.reason}; approved by {who}" if who else decision.reason
    return [_when(decided.at), decision.alias, action, version, person(decision.by), reason]


def _approval_row(approved: "ApprovalStatus") -> list[str]:
    approval = approved.approval
    until = f"; until {utc_time(approval.expires)}" if approval.expires else ""
    void = f"; VOID: {approved.void}" if approved.void else ""
    action = "approve (void)" if approved.void else "approve"
    reason = f"{approval.reason}{until}{void}"
    return [_when(approved.at), approval.alias, action, str(approval.version), person(approval.approver), reason]


def history_json(
    decided: "Sequence[LoggedDecision]", approved: "Sequence[ApprovalStatus]" = (), *, limit: int | None = None
) -> Json:
    """Return decisions and approvals, newest first, in the order of the log.

    An approval is one whose action is `approve`.
    """
    rows: dict[int, dict[str, Json]] = {
        each.seq: {"at": format_time(each.at), **decision_json(each.decision, each.seq)} for each in decided
    }
    rows |= {each.seq: _approval_json(each) for each in approved}
    back = _backdated(decided, approved)
    return [{**rows[seq], "backdated": seq in back} for seq in sorted(rows, reverse=True)[:limit]]


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
