"""What changed: the events of a model since a time or a version."""

from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.reports.document import Block, Document, Paragraph, Table
from lineage_pipelines.reports.formatting import number, utc_time
from lineage_pipelines.reports.render.json_text import json_number

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.what_changed import Event, Timeline


def timeline_document(found: "Timeline") -> Document:
    """Show what happened, newest last; first which version is live, and where the metric moved."""
    blocks: list[Block] = [Paragraph(f"{_live(found)} {_moved(found)}"), Paragraph("")]
    if not found.events:
        return Document([*blocks, Paragraph(f"Nothing was recorded since {found.since}.")])
    rows = [[utc_time(event.at).removesuffix(" UTC"), str(event.kind), event.text] for event in found.events]
    return Document([*blocks, Table(["when (UTC)", "what", "detail"], rows)])


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
    values = f"from {number(moved.before)} to {number(moved.after)}"
    ask = f"lineage diff {found.model}@{moved.previous} {found.model}@{moved.version}"
    beyond = f" (by more than {_bound(found)})"
    return f"{moved.metric} {verb} {values} with {found.model}@{moved.version} first{beyond}: {ask}"


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
        "events": [_event(event) for event in found.events],
    }


def _event(event: "Event") -> Json:
    return {
        "entry": event.seq,
        "at": format_time(event.at),
        "kind": str(event.kind),
        "version": event.version,
        "text": event.text,
    }
