"""Decisions, for people and for programs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.records import Decision, Json, format_time, to_json
from lineage_pipelines.reports.document import Document, Heading, Pairs, Paragraph, Table
from lineage_pipelines.reports.words import moment

if TYPE_CHECKING:
    from lineage_pipelines.queries import Decided


def decision_document(decision: Decision, seq: int | None) -> Document:
    """Show a promotion: whether it was made, and each rule of the policy."""
    ref = f"{decision.model}@{decision.version}"
    made = f"{decision.alias} now names {ref}" if seq is not None else f"{ref} was not promoted: nothing was changed"
    rules = [[rule.name, "passed" if rule.passed else "FAILED", rule.detail] for rule in decision.rules]
    facts = [("by", decision.by), ("reason", decision.reason)]
    if seq is not None:
        facts.append(("entry", f"{seq:,}"))
    if decision.override:
        facts.append(("override", "against the policy"))
    return Document([Heading(made, 1), Pairs(facts), Paragraph(""), Table(["rule", "verdict", "detail"], rules)])


def decision_json(decision: Decision, seq: int | None) -> dict[str, Json]:
    """Return a decision and its place in the log; null where it was not made."""
    plain = to_json(decision)
    return {"entry": seq, **(plain if isinstance(plain, Mapping) else {})}


def history_document(decided: "Sequence[Decided]") -> Document:
    """List decisions, newest first."""
    if not decided:
        return Document([Paragraph("Nothing has been decided. `lineage promote` makes an alias name a version.")])
    rows = [_row(each) for each in reversed(decided)]
    return Document([Table(["when", "alias", "decision", "version", "by", "reason"], rows)])


def _row(decided: "Decided") -> list[str]:
    decision = decided.decision
    action = f"{decision.action} (override)" if decision.override else str(decision.action)
    version = str(decision.version) if decision.version is not None else "none"
    return [moment(decided.at), decision.alias, action, version, decision.by, decision.reason]


def history_json(decided: "Sequence[Decided]") -> Json:
    """Return decisions, newest first."""
    return [{"at": format_time(each.at), **decision_json(each.decision, each.seq)} for each in reversed(decided)]
