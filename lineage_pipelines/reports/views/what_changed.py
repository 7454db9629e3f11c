"""What changed: the events of a model since a time or a version."""

from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.phrase import count, some_of
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines.reports.document import Block, Document, Paragraph, Table
from lineage_pipelines.reports.formatting import first_clauses, number, shorten, utc_time, width
from lineage_pipelines.reports.render.json_text import json_number
from lineage_pipelines.reports.views.diff import change_json

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.what_changed import Event, Timeline

_MAX_EVENT = 190
"""Columns of an event: two lines and a half."""
_MAX_FAILED = 3
_MIN_CHANGE = 60


def timeline_document(found: "Timeline") -> Document:
    """Show what happened, newest last; first which version is live, and where the metric moved."""
    blocks: list[Block] = [Paragraph(f"{_live(found)} {_moved(found)}"), Paragraph("")]
    if not found.events:
        return Document([*blocks, Paragraph(f"Nothing was recorded since {found.since}.")])
    if found.earlier:
        blocks.append(Paragraph(f"  {count(found.earlier, 'earlier event')} not shown (-n 0 shows all)", "dim"))
    rows = [[f"{event.at:%m-%d %H:%M}", shorten(event_text(event, found), _MAX_EVENT)] for event in found.events]
    return Document([*blocks, Table(["UTC", "what happened"], rows)])


def event_text(event: "Event", found: "Timeline") -> str:
    """Return an event in a sentence: of a version, what it changed first, and what it did not pass."""
    if event.version is None or not (event.previous or event.changes or event.kind == "version"):
        return event.text
    if event.kind != "version":
        return event.text
    first = change_text(event.changes[0]) if event.changes else "the first version"
    more = f" (and {len(event.changes) - 1} more)" if len(event.changes) > 1 else ""
    failed = f"FAILED {some_of(list(event.failed), most=_MAX_FAILED)}; " if event.failed else ""
    begin = f"version {event.version}: {failed}{_metric(event, found)}"
    room = max(_MIN_CHANGE, _MAX_EVENT - width(begin) - width(more))
    return f"{begin}{first_clauses(first, room)}{more}"


def _metric(event: "Event", found: "Timeline") -> str:
    before, after = event.metric
    if after is None:
        return ""
    if before is None or before == after:
        return f"{found.metric} {number(after)}; "
    return f"{found.metric} {number(before)} → {number(after)}; "


def _live(found: "Timeline") -> str:
    if found.live is None or found.live_since is None:
        return f"No version of {found.model} is in production."
    return f"{found.model}@{found.live} is in production, since {utc_time(found.live_since)}."


def _moved(found: "Timeline") -> str:
    moved = found.moved
    if found.metric is None:
        return "The newest version has no metrics."
    if moved is None:
        return f"{found.metric} did not move by more than {_bound(found)} from one version to the next."
    verb = "rose" if moved.after > moved.before else "fell"
    event = next((each for each in found.events if each.version == moved.version and each.changes), None)
    first = f" What differs first: {change_text(event.changes[0])}." if event else ""
    values = f"from {number(moved.before)} to {number(moved.after)}"
    ask = f"lineage diff {found.model}@{moved.previous} {found.model}@{moved.version}"
    beyond = f" (by more than {_bound(found)})"
    return f"{moved.metric} {verb} {values} with {found.model}@{moved.version} first{beyond}.{first}\n  {ask}"


def _bound(found: "Timeline") -> str:
    return "1 %" if found.noise is None else f"its noise, ±{number(found.noise)}"


def timeline_json(found: "Timeline") -> Json:
    """Return what happened."""
    moved = found.moved
    return {
        "model": found.model,
        "since": found.since,
        "live": found.live,
        "live_since": format_time(found.live_since) if found.live_since else None,
        "metric": found.metric,
        "noise": found.noise,
        "moved": {
            "version": moved.version,
            "previous": moved.previous,
            "before": json_number(moved.before),
            "after": json_number(moved.after),
        }
        if moved
        else None,
        "events": [_event(event, found) for event in found.events],
    }


def _event(event: "Event", found: "Timeline") -> Json:
    return {
        "entry": event.seq,
        "at": format_time(event.at),
        "kind": str(event.kind),
        "version": event.version,
        "previous": event.previous,
        "changes": [change_json(change) for change in event.changes],
        "metric": {"before": json_number(event.metric[0]), "after": json_number(event.metric[1])},
        "failed": dict(event.failed),
        "text": event_text(event, found),
    }
