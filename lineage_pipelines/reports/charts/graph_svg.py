"""A lineage graph as a drawing: one self-contained SVG, light and dark, without scripts and with every name escaped.

Each row holds what only needs the rows above it; what stands where in a row is chosen so that few lines cross. A line
that passes a row has a place of its own there, so that it crosses no box.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from html import escape
from typing import TYPE_CHECKING

from lineage_pipelines.errors import visible
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.formatting import fit, short_digest, width

if TYPE_CHECKING:
    from lineage_pipelines.queries.graph.lineage_graph import LineageGraph, Node

_CHARACTER = 7.2
_SMALL = 0.85
"""The size of the smaller letters, of which details are written."""
_HEIGHT = 52
_LINE = 14
_GAP = 28
_ROW = 104
_MARGIN = 20
_WIDEST = 1_100
"""A row that would be wider is broken into several."""
_LONGEST = 34
_RUN = 16
"""Characters of a run: `run 92e687da-7f…`."""
_SWEEPS = 8
_STYLE = """
svg { background: #ffffff; font: 12px ui-monospace, Menlo, Consolas, monospace; }
text { fill: #1c2430; } .detail { fill: #5b6675; font-size: 10px; }
.box { fill: #f3f5f8; stroke: #8b97a8; } .line { stroke: #8b97a8; fill: none; } .head { fill: #8b97a8; }
.training, .stage { fill: #e6eefb; stroke: #3b6fb6; } .version, .subject { fill: #e3f4e8; stroke: #2c7a4b; }
.version, .subject { stroke-width: 2.5; } .source { stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
  svg { background: #12161c; } text { fill: #e6eaf0; } .detail { fill: #9aa6b5; }
  .box { fill: #1d242d; stroke: #66748a; } .line { stroke: #66748a; } .head { fill: #66748a; }
  .training, .stage { fill: #17283f; stroke: #6ea0e6; } .version, .subject { fill: #14301f; stroke: #5dbb82; }
}
"""
_ARROW = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
)
_ROUND = ("training", "stage")
Place = tuple[float, float]
Places = Mapping[str, Place]
Link = tuple[str, str]


def render_svg(graph: "LineageGraph") -> str:
    """Draw a graph, what came first at the top, as wide as the page that it stands on. The same graph, the same bytes.

    Every box has the id `n0`, `n1`, … in the order of the nodes, for a page to link to.
    """
    links = [(e.entity, e.activity) if e.verb == "used" else (e.activity, e.entity) for e in graph.edges]
    widths = {name: _width(node) for name, node in graph.nodes.items()}
    rows, ways = _rows(list(graph.nodes), links, widths)
    places, wide = _places(rows, widths)
    high = _MARGIN * 2 + _ROW * (len(rows) - 1) + _HEIGHT
    title = _safe(f"Lineage of {graph.nodes[graph.root].label}")
    size = f'viewBox="0 0 {wide:.0f} {high}" width="100%" style="max-width:{wide:.0f}px"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
        f"<title>{title}</title><style>{_STYLE}</style>{_ARROW}",
        *(_line([places[name] for name in way]) for way in ways),
        *(_box(node, places[name], widths[name], number) for number, (name, node) in enumerate(graph.nodes.items())),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _rows(
    names: Sequence[str], links: Sequence[Link], widths: Mapping[str, float]
) -> tuple[list[list[str]], list[list[str]]]:
    """Return what stands in each row, below all that it came from and ordered so that few lines cross; and the lines.

    A line is a way from box to box through its own places, which have no width, in the rows between.
    """
    rank = _broken(names, _row_numbers(names, links), widths)
    rows: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in names:
        rows[rank[name]].append(name)
    ways = []
    for number, (first, last) in enumerate(dict.fromkeys(links)):
        step = 1 if rank[last] > rank[first] else -1  # up only in a circle, which a record that was made up may hold
        between = [f"\n{number}:{row}" for row in range(rank[first] + step, rank[last], step)]
        for row, place in zip(range(rank[first] + step, rank[last], step), between, strict=True):
            rows[row].append(place)
        ways.append([first, *between, last])
    _untangle(rows, ways)
    return rows, ways


def _row_numbers(names: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    above: dict[str, dict[str, None]] = {name: {} for name in names}
    for first, second in links:
        above[second][first] = None
    rank = _ranks(above)
    below: dict[str, list[str]] = {name: [] for name in names}
    for after in names:
        for before in above[after]:
            below[before].append(after)
    for name in names:  # what nothing made stands just above what used it first, so that lines are short
        if not above[name] and below[name]:
            rank[name] = min(rank[after] for after in below[name]) - 1
    return rank


def _broken(names: Sequence[str], rank: Mapping[str, int], widths: Mapping[str, float]) -> dict[str, int]:
    """Return row numbers such that no row of boxes is too wide."""
    found: dict[str, int] = {}
    row = -1
    for number in range(max(rank.values()) + 1):
        row, room = row + 1, float(_WIDEST)
        for name in (name for name in names if rank[name] == number):
            if widths[name] > room and room < _WIDEST:
                row, room = row + 1, float(_WIDEST)
            found[name] = row
            room -= widths[name] + _GAP
    return found


def _untangle(rows: Sequence[list[str]], ways: Sequence[Sequence[str]]) -> None:
    above: dict[str, list[str]] = {name: [] for row in rows for name in row}
    below: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for way in ways:
        for before, after in itertools.pairwise(way):
            below[before].append(after)
            above[after].append(before)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            place = {name: index / max(len(each), 1) for each in rows for index, name in enumerate(each)}
            beside = above if down else below
            wanted = {name: _middle(name, beside[name], place) for name in row}
            row.sort(key=wanted.__getitem__)


def _ranks(above: dict[str, dict[str, None]]) -> dict[str, int]:
    """Return the row of each node; of a circle, which a record that was made up may hold, one link is removed."""
    while True:
        sorter = TopologicalSorter(above)
        try:
            sorter.prepare()
            break
        except CycleError as error:
            before, after = error.args[1][-2:]
            del above[after][before]
    rank: dict[str, int] = {}
    row = 0
    while ready := sorter.get_ready():
        rank |= dict.fromkeys(ready, row)
        sorter.done(*ready)
        row += 1
    return rank


def _middle(name: str, neighbours: Iterable[str], place: Mapping[str, float]) -> float:
    found = [place[each] for each in neighbours]
    return sum(found) / len(found) if found else place[name]


def _places(rows: Sequence[Sequence[str]], widths: Mapping[str, float]) -> tuple[Places, float]:
    spans = [sum(widths.get(name, 0) for name in row) + _GAP * (len(row) - 1) for row in rows]
    wide = max(spans) + 2 * _MARGIN
    found: dict[str, Place] = {}
    for number, (row, span) in enumerate(zip(rows, spans, strict=True)):
        x = (wide - span) / 2
        for name in row:
            own = widths.get(name, 0)
            found[name] = (x + own / 2, _MARGIN + _HEIGHT / 2 + _ROW * number)
            x += own + _GAP
    return found, wide


def _texts(node: "Node") -> list[str]:
    """What is written in a box: its name, notes, and digest and rows, or the run."""
    digest = short_digest(node.digest.md5 or node.digest.sha256) if node.digest else ""
    rows = count(node.rows, "row") if node.rows is not None else ""
    # The first characters of an id tell it from others.
    run = node.run if len(node.run) <= _RUN else f"{node.run[: _RUN - 1]}…"
    facts = ", ".join(part for part in (digest, rows, run) if part)
    return [_cut(node.label), *(_cut(text) for text in (node.detail, facts) if text)]


def _width(node: "Node") -> float:
    name, *details = (width(text) for text in _texts(node))
    return max(name, *(each * _SMALL for each in details), 8) * _CHARACTER + 24


def _cut(text: str) -> str:
    return fit(text, _LONGEST)


def _line(way: Sequence[Place]) -> str:
    """Draw a line from below a box, straight through its place in every row between, to above another."""
    (x, y), half = way[0], _HEIGHT / 2
    down = 1 if way[-1][1] >= y else -1
    path = f"M{x:.1f} {y + half * down:.1f}"
    for (from_x, from_y), (to_x, to_y) in itertools.pairwise(way):
        begin, end = from_y + half * down, to_y - half * down
        middle = (begin + end) / 2
        path += f"C{from_x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {end:.1f}"
        path += "" if (to_x, to_y) == way[-1] else f"V{to_y + half * down:.1f}"
    return f'<path class="line" d="{path}" marker-end="url(#head)"/>'


def _box(node: "Node", place: Place, wide: float, number: int) -> str:
    x, y = place
    corner = _HEIGHT / 2 if node.kind in _ROUND else 4
    texts = _texts(node)
    first = y + 4 - _LINE * (len(texts) - 1) / 2
    lines = [_text(text, x, first + _LINE * line, ' class="detail"' if line else "") for line, text in enumerate(texts)]
    box = (
        f'<rect class="box {node.kind}" x="{x - wide / 2:.1f}" y="{y - _HEIGHT / 2:.1f}" width="{wide:.1f}" '
        f'height="{_HEIGHT}" rx="{corner}"/>'
    )
    known = [node.label, node.detail, node.run, (node.digest.md5 or node.digest.sha256 or "") if node.digest else ""]
    full = _safe(f"{node.kind}: {', '.join(part for part in known if part)}")
    return f'<g id="n{number}"><title>{full}</title>{box}{"".join(lines)}</g>'


def _text(text: str, x: float, y: float, classed: str = "") -> str:
    return f'<text{classed} x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape(visible(text), quote=True)
