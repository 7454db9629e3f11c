"""Values of a comparison as cells and lines: what was before, what is now, cut to what can be read."""

import json
from collections.abc import Iterable, Mapping, Sequence

from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.reports.document import Block, Paragraph, Table
from lineage_pipelines.reports.formatting import number, short, visible

LONGEST = 120
"""Characters of a value in a cell; JSON has the rest."""
_SHARES = ("nulls", "rate", "empty")
MARKS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~", Kind.IDENTICAL: "="}


def brief(text: str, most: int = LONGEST) -> str:
    """Return text on one line, its middle left out where it is too long to be read."""
    shown = visible(text)
    half = most // 2
    return shown if len(shown) <= most else f"{shown[:half]}…{shown[-half + 1 :]}"


def plain(value: Json) -> str:
    """Write a recorded value for a cell."""
    if isinstance(value, bool) or value is None:
        return "none" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else number(value)
    return brief(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def pair(values: tuple[Json, Json]) -> tuple[str, str]:
    """Write two values so that they can be told apart: the text "1" and the number 1, 0.1 and 0.1000001."""
    before, after = (plain(value) for value in values)
    if before == after and values[0] != values[1]:
        before, after = (json.dumps(value, ensure_ascii=False) for value in values)
    return before, after


def digests(values: tuple[Json, Json]) -> tuple[str, str]:
    """Write two digests or revisions by their first characters."""
    before, after = (short(value) if isinstance(value, str) else "–" for value in values)
    return before, after


def arrow(before: str, after: str) -> str:
    """Write what was and what is."""
    return f"{before} → {after}"


def counts(values: tuple[int | None, int | None]) -> str:
    """Write two counts and their difference: `52,341 → 56,653 (+4,312)`."""
    before, after = values
    known = " → ".join("unknown" if value is None else f"{value:,}" for value in values)
    if before is None or after is None:
        return known
    return f"{after:,}" if before == after else f"{known} ({after - before:+,})"


def fact(name: str, value: Json) -> str:
    """Write what a profile says of a column, shares in percent."""
    if name in _SHARES and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{name} {value * 100:.3g} %"
    return f"{name} {plain(value)}"


def facts_table(facts: Mapping[str, tuple[Json, Json]], what: str) -> Table:
    """Return facts before and after, a row each."""
    return Table([what, "before", "now"], [[brief(name), *pair(values)] for name, values in facts.items()])


def clipped(rows: Sequence[Sequence[str]], most: int, noun: str) -> tuple[Sequence[Sequence[str]], Iterable[Block]]:
    """Return the first rows, and what says how many there are besides."""
    if len(rows) <= most:
        return rows, ()
    return rows[:most], [Paragraph(f"  … and {len(rows) - most:,} more {noun} (--full)", "dim")]
