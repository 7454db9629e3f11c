"""Decision changes: what was decided about a model between two of its versions."""

from collections.abc import Iterator

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry, LogEntry
from lineage_pipelines.errors import RecordError
from lineage_pipelines.queries.diff.version_diff import Decided
from lineage_pipelines.records.decisions.approval import decode_envelope
from lineage_pipelines.records.decisions.decision import Action, Decision, decode_decision
from lineage_pipelines.records.values.codec import parse_time

_WORDS = {
    Action.PROMOTE: "promoted {version} to {alias}",
    Action.ROLLBACK: "rolled {alias} back to {version}",
    Action.RETIRE: "retired {alias}",
    Action.REJECT: "rejected {version} for {alias}",
}


def decisions_between(catalog: Catalog, first: Entry, second: Entry) -> tuple[Decided, ...]:
    """Return the decisions and approvals that were committed after one version and before the other, oldest first.

    Args:
        catalog: the catalog of both.
        first: a version.
        second: another, before or after it; of another model, decisions about either are listed.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    begin, end = sorted((first.seq, second.seq))
    if end - begin <= 1:
        return ()
    models = {first.model, second.model}
    found = [
        Decided(seq=entry.seq, at=parse_time(entry.recorded), text=text)
        for entry in _between(catalog, models, begin, end)
        if (text := _text(entry, models)) is not None
    ]
    return tuple(sorted(found, key=lambda decided: decided.seq))


def _between(catalog: Catalog, models: set[str], begin: int, end: int) -> Iterator[LogEntry]:
    for model in models:
        for approvals in (False, True):
            yield from catalog.registry.decisions_of(model, approvals=approvals, after=begin, until=end - 1)


def _text(entry: LogEntry, models: set[str]) -> str | None:
    """What an entry says in words; None when it is about another model, or cannot be read: `lineage verify` tells."""
    try:
        return _decision(decode_decision(entry.body), models) if entry.kind == "decision" else _approval(entry, models)
    except RecordError:
        return None


def _decision(decision: Decision, models: set[str]) -> str | None:
    if decision.model not in models:
        return None
    named = f"{decision.model}@{decision.version}"
    alias = decision.alias if decision.action is not Action.RETIRE else f"{decision.alias} of {decision.model}"
    what = _WORDS[decision.action].format(version=named, alias=alias)
    override = ", against the policy" if decision.override else ""
    who = ", ".join(f"{each.approver} (entry {each.entry:,})" for each in decision.approvals or ())
    approved = f"; approved by {who}" if who else ""
    return f"{decision.by} {what}{override}: {decision.reason}{approved}"


def _approval(entry: LogEntry, models: set[str]) -> str | None:
    approval = decode_envelope(entry.body).approval
    if approval.model not in models:
        return None
    return f"{approval.approver} approved {approval.model}@{approval.version} for {approval.alias}: {approval.reason}"
