"""Bisection: the version after which a metric went bad."""

from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Block, Document, Heading, Paragraph, Table
from lineage_pipelines.reports.formatting import number
from lineage_pipelines.reports.render.json_text import json_number

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.bisect import Bisection, Crossing, Measured


def bisect_document(found: "Bisection") -> Document:
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
    blocks += [Paragraph(f"  next: lineage diff {pair}"), Paragraph("")]
    return Document([*blocks, Table(["version", metric, "side"], rows, frozenset({"version", metric}))])


def _threshold(found: "Bisection") -> str:
    chosen = "as you chose it" if found.chosen else "the middle between the good version and the bad one"
    return f"threshold {number(found.threshold)}, {chosen}; {_noise(found)}"


def _noise(found: "Bisection") -> str:
    if found.noise is None:
        return "there are no repeats that tell how much is noise"
    return f"noise ±{number(found.noise)}, from repeats"


def _pair(crossing: "Crossing") -> str:
    before, after = crossing.before, crossing.after
    side = "bad" if after.bad else "good"
    return f"version {before.version}: {number(before.value)}; version {after.version}: {number(after.value)} ({side})"


def bisect_json(found: "Bisection") -> Json:
    """Return every version with its number, and where it crossed."""
    return {
        "model": found.model,
        "metric": found.metric,
        "threshold": json_number(found.threshold),
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
    return {"version": each.version, "value": json_number(each.value), "bad": each.bad}
