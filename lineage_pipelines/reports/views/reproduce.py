"""Reproduce: the verdict of running a version again, for people and for programs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.records.decisions.reproduction import Reproduction
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time, to_json
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table
from lineage_pipelines.reports.formatting import duration, first_rows, number, utc_time

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.analyses import LoggedReproduction

_MAX_METRICS = 5
_MAX_DIFFERENCES = 3


def reproduction_document(reproduction: Reproduction, seq: int | None = None, *, full: bool = False) -> Document:
    """Say how far a version came, by what that was seen, and what differs first.

    Args:
        reproduction: the verdict.
        seq: its place in the log; None where it is not stored.
        full: whether to list every difference and every metric that moved.
    """
    return Document(list(_blocks(reproduction, seq, full=full)))


def _blocks(reproduction: Reproduction, seq: int | None, *, full: bool) -> Iterator[Block]:
    yield Heading(f"{reproduction.ref}: {verdict(reproduction)}", 1)
    if reproduction.is_exact and reproduction.differs:
        yield Paragraph(f"Only what it was made with differs: {reproduction.differs[0]}")
    elif reproduction.differs:
        yield Paragraph(f"First difference: {reproduction.differs[0]}", "warn")
    else:
        yield Paragraph("Nothing differs.")
    highest = max((place for place, step in enumerate(reproduction.steps) if step.reached), default=-1)
    marks = [
        "yes" if step.reached else "–" if place < highest else "NO" for place, step in enumerate(reproduction.steps)
    ]
    steps = zip(reproduction.steps, marks, strict=True)
    rows = [[f"{step.level} {step.level.meaning}", mark, step.detail] for step, mark in steps]
    yield Table(["level", "", "seen"], sorted(rows, key=lambda row: row[1] != "NO"), title="Levels")
    also, rest = first_rows(
        [[each] for each in reproduction.differs[1:]], _shown(full, _MAX_DIFFERENCES), "differences"
    )
    if also:
        yield Heading("Also different")
        yield from (Paragraph(f"  {each}") for (each,) in also)
        yield from rest
    if reproduction.metrics:
        yield _metrics(reproduction, _shown(full, _MAX_METRICS))
    if reproduction.hints:
        yield Heading("Not recorded, and may be the reason")
        yield from (Paragraph(f"  {each}") for each in reproduction.hints)
    took = f"{duration(reproduction.started, reproduction.finished)}, on {reproduction.host}, by {reproduction.by}"
    kept = f"entry {seq:,} of the log" if seq is not None else "not stored"
    yield Pairs([("took", took), ("kept as", kept)])


def _shown(full: bool, most: int) -> int:  # noqa: FBT001
    return sys.maxsize if full else most


def verdict(reproduction: Reproduction) -> str:
    """Return the level in words: `R5, same model`."""
    only = " (checked only, nothing was trained)" if reproduction.checked_only else ""
    return f"{reproduction.level}, {reproduction.level.meaning}{only}"


def reproduced_line(found: "LoggedReproduction") -> str:
    """Say in a line when a version was made again, and how far that came."""
    reproduction = found.reproduction
    first = f"; differs: {reproduction.differs[0]}" if reproduction.differs else ""
    return f"{verdict(reproduction)}, {utc_time(found.at)}, by {reproduction.by} on {reproduction.host}{first}"


def _metrics(reproduction: Reproduction, most: int) -> Table:
    rows = [
        [
            each.name,
            number(each.recorded),
            number(each.again),
            "–" if each.tolerance is None else number(each.tolerance),
            "yes" if each.within else "NO",
        ]
        for each in reproduction.metrics[:most]
    ]
    more = len(reproduction.metrics) - len(rows)
    shown = f", {len(rows)} shown" if more else ""
    title = f"Metrics that moved ({len(reproduction.metrics):,} of {reproduction.metrics_compared:,}{shown})"
    return Table(["metric", "recorded", "again", "tolerance", "within"], rows, frozenset({"recorded", "again"}), title)


def reproduction_json(reproduction: Reproduction, seq: int | None = None) -> Json:
    """Return a verdict and its place in the log; null where it is not kept."""
    plain = to_json(reproduction)
    return {"entry": seq, **(plain if isinstance(plain, Mapping) else {})}


def checked_document(found: Sequence[Reproduction]) -> Document:
    """Say of several versions how many could be made again still, the lost ones first."""
    lost = [each for each in found if each.differs]
    kept = len(found) - len(lost)
    words = f"{kept:,} of {len(found):,} versions can still be made again"
    rows = [
        [each.ref, str(each.level), each.differs[0] if each.differs else "nothing differs"]
        for each in sorted(found, key=lambda each: (not each.differs, each.model, -each.version))
    ]
    return Document([Heading(words, 1), Table(["version", "level", "first difference"], rows)])


def checked_json(found: Sequence[Reproduction]) -> Json:
    """Return the verdict of each version."""
    return [reproduction_json(each) for each in found]


def reproduced_json(found: "Sequence[LoggedReproduction]") -> Json:
    """Return the verdicts about a version that the log has, oldest first."""
    rows: list[Json] = []
    for each in found:
        plain = reproduction_json(each.reproduction, each.seq)
        assert isinstance(plain, Mapping)  # noqa: S101  # it is an object
        rows.append({"at": format_time(each.at), **plain})
    return rows
