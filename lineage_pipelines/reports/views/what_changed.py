"""What changed since then, and after which version a metric went bad: for people and for programs."""

from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.reports.document import Block, Document, Heading, Paragraph, Table
from lineage_pipelines.reports.formatting import count, moment, number

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.bisect import Bisected, Crossing, Measured
    from lineage_pipelines.queries.versions.what_changed import Event, Timeline


def timeline_document(found: "Timeline") -> Document:
    """Show what happened, newest last; first which version is live, and where the metric moved."""
    blocks: list[Block] = [Paragraph(f"{_live(found)} {_moved(found)}"), Paragraph("")]
    if not found.events:
        return Document([*blocks, Paragraph(f"Nothing was recorded since {found.since}.")])
    rows = [[moment(event.at).removesuffix(" UTC"), event.kind, event.text] for event in found.events]
    return Document([*blocks, Table(["when (UTC)", "what", "said"], rows)])


def _live(found: "Timeline") -> str:
    if found.live is None or found.live_since is None:
        return f"No version of {found.model} is in production."
    return f"{found.model}@{found.live} is in production, since {moment(found.live_since)}."


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
            "before": _plain(moved.before),
            "after": _plain(moved.after),
        }
        if moved
        else None,
        "events": [_event(event) for event in found.events],
    }


def _event(event: "Event") -> Json:
    return {
        "entry": event.seq,
        "at": format_time(event.at),
        "kind": event.kind,
        "version": event.version,
        "text": event.text,
    }


def _plain(value: float) -> Json:
    return value if abs(value) < float("inf") else str(value)


# Bisection


def bisect_document(found: "Bisected") -> Document:
    """Show the first version on the bad side, and how to ask on."""
    first, metric = found.first, found.metric
    title = (
        f"{found.model}@{first.after.version} is the first with {metric} on the bad side of {number(found.threshold)}"
    )
    blocks: list[Block] = [
        Heading(title, 1),
        Paragraph(f"  {_pair(first)}"),
        Paragraph(f"  {_threshold(found)}", "dim"),
    ]
    if first.within_noise:
        blocks.append(Paragraph(f"  the two differ by no more than repeats of one recipe do: {_noise(found)}", "warn"))
    if first.same_data is False:
        blocks.append(Paragraph("  the two were measured on different data: the numbers say less", "warn"))
    if not found.monotonic:
        crossed = f"  {metric} crosses {count(len(found.crossings), 'time')}, so noise or several changes are in it:"
        blocks.append(Paragraph(crossed, "warn"))
        blocks += [Paragraph(f"    {_pair(crossing)}", "warn") for crossing in found.crossings]
    if found.unmeasured:
        blocks.append(Paragraph(f"  not measured: versions {', '.join(map(str, found.unmeasured))}", "warn"))
    rows = [[str(each.version), number(each.value), "bad" if each.bad else "good"] for each in found.versions]
    pair = f"{found.model}@{first.before.version} {found.model}@{first.after.version}"
    blocks += [Paragraph(""), Table(["version", metric, "side"], rows, frozenset({"version", metric}))]
    return Document([*blocks, Paragraph(f"\n  next: lineage diff {pair}")])


def _threshold(found: "Bisected") -> str:
    chosen = "as you chose it" if found.chosen else "the middle between the good version and the bad one"
    return f"threshold {number(found.threshold)}, {chosen}; {_noise(found)}"


def _noise(found: "Bisected") -> str:
    if found.noise is None:
        return "there are no repeats that tell how much is noise"
    return f"noise ±{number(found.noise)}, from repeats"


def _pair(crossing: "Crossing") -> str:
    before, after = crossing.before, crossing.after
    side = "bad" if after.bad else "good"
    return f"version {before.version}: {number(before.value)}; version {after.version}: {number(after.value)} ({side})"


def bisect_json(found: "Bisected") -> Json:
    """Return every version with its number, and where it crossed."""
    return {
        "model": found.model,
        "metric": found.metric,
        "threshold": _plain(found.threshold),
        "chosen": found.chosen,
        "noise": found.noise,
        "good": found.first.before.version,
        "bad": found.first.after.version,
        "monotonic": found.monotonic,
        "crossings": [
            {
                "before": each.before.version,
                "after": each.after.version,
                "same_data": each.same_data,
                "within_noise": each.within_noise,
            }
            for each in found.crossings
        ],
        "versions": [_measured(each) for each in found.versions],
        "unmeasured": list(found.unmeasured),
    }


def _measured(each: "Measured") -> Json:
    return {"version": each.version, "value": _plain(each.value), "bad": each.bad}
