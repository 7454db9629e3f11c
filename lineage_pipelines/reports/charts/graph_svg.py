"""A lineage graph as a drawing: one self-contained SVG, light and dark, without scripts and with every name escaped.

Each row holds what only needs the rows above it; what stands where in a row is chosen so that few lines cross.
"""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from html import escape
from typing import TYPE_CHECKING

from lineage_pipelines.reports.formatting import visible, width

if TYPE_CHECKING:
    from lineage_pipelines.queries.graph.lineage_graph import LineageGraph, Node

_CHARACTER = 7.2
_HEIGHT = 40
_GAP = 28
_ROW = 92
_MARGIN = 20
_LONGEST = 34
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
Places = Mapping[str, tuple[float, float]]


def render_svg(graph: "LineageGraph") -> str:
    """Draw a graph, what came first at the top. The same graph gives the same bytes."""
    links = [(e.entity, e.activity) if e.verb == "used" else (e.activity, e.entity) for e in graph.edges]
    rows = _rows(list(graph.nodes), links)
    widths = {name: _width(node) for name, node in graph.nodes.items()}
    places, wide = _places(rows, widths)
    high = _MARGIN * 2 + _ROW * (len(rows) - 1) + _HEIGHT
    title = _safe(f"Lineage of {graph.nodes[graph.root].label}")
    size = f'viewBox="0 0 {wide:.0f} {high}" width="{wide:.0f}" height="{high}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
        f"<title>{title}</title><style>{_STYLE}</style>{_ARROW}",
        *(_line(places[above], places[below]) for above, below in links),
        *(_box(node, places[name], widths[name]) for name, node in graph.nodes.items()),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _rows(names: Sequence[str], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return the nodes row by row, each below all that it came from, and ordered so that few lines cross."""
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
    rows = [[name for name in names if rank[name] == number] for number in range(max(rank.values()) + 1)]
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            place = {name: index / max(len(each), 1) for each in rows for index, name in enumerate(each)}
            beside: Mapping[str, Iterable[str]] = above if down else below
            wanted = {name: _middle(name, beside[name], place) for name in row}
            row.sort(key=wanted.__getitem__)
    return rows


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
    spans = [sum(widths[name] for name in row) + _GAP * (len(row) - 1) for row in rows]
    wide = max(spans) + 2 * _MARGIN
    found: dict[str, tuple[float, float]] = {}
    for number, (row, span) in enumerate(zip(rows, spans, strict=True)):
        x = (wide - span) / 2
        for name in row:
            found[name] = (x + widths[name] / 2, _MARGIN + _HEIGHT / 2 + _ROW * number)
            x += widths[name] + _GAP
    return found, wide


def _width(node: "Node") -> float:
    return max(width(_cut(node.label)), width(_cut(node.detail)) * 0.85, 8) * _CHARACTER + 24


def _cut(text: str) -> str:
    text = visible(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 + 1 :]}"


def _line(above: tuple[float, float], below: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = (above[0], above[1] + _HEIGHT / 2), (below[0], below[1] - _HEIGHT / 2)
    middle = (y + to_y) / 2
    curve = f"M{x:.1f} {y:.1f}C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
    return f'<path class="line" d="{curve}" marker-end="url(#head)"/>'


def _box(node: "Node", place: tuple[float, float], wide: float) -> str:
    x, y = place
    corner = _HEIGHT / 2 if node.kind in _ROUND else 4
    lines = [_text(node.label, x, y + (0 if node.detail else 4))]
    lines += [_text(node.detail, x, y + 13, ' class="detail"')] if node.detail else []
    box = (
        f'<rect class="box {node.kind}" x="{x - wide / 2:.1f}" y="{y - _HEIGHT / 2:.1f}" width="{wide:.1f}" '
        f'height="{_HEIGHT}" rx="{corner}"/>'
    )
    full = _safe(f"{node.kind}: {node.label}{', ' if node.detail else ''}{node.detail}")
    return f"<g><title>{full}</title>{box}{''.join(lines)}</g>"


def _text(text: str, x: float, y: float, classed: str = "") -> str:
    return f'<text{classed} x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_safe(_cut(text))}</text>'


def _safe(text: str) -> str:
    return escape(visible(text), quote=True)
