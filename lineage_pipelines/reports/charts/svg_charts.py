"""SVG charts: shapes and numbers, without script or style of their own (colours are classes of the page)."""

import html
import math
from collections.abc import Iterable, Iterator, Sequence

from lineage_pipelines.errors import visible
from lineage_pipelines.queries.diff.changes import Bins
from lineage_pipelines.reports.figures import (
    Bars,
    Distributions,
    Dumbbell,
    Dumbbells,
    Picture,
    Shares,
)
from lineage_pipelines.reports.formatting import escape_html, number

_WIDE = 320
"""Units; a page shows a picture between 280 and 480 pixels wide, so that its letters stay readable."""
_HIGH = 90
_ROW = 36
_MARGIN = 8


def draw(picture: Picture) -> str:
    """Return a picture as a `figure` with its caption, its key and, for a reader without sight, its words."""
    match picture:
        case Distributions(title, note, before, after):
            return _chart(title, note, _distributions(before, after), _HIGH + 20, _range_words(before, after))
        case Shares(title, note, rows):
            words = "; ".join(f"{name}: {a:.1%} before, {b:.1%} now" for name, a, b in rows)
            return _chart(title, note, _shares(rows), _ROW * len(rows) + 4, words)
        case Dumbbells(title, rows):
            words = "; ".join(f"{row.name}: {number(row.before)} before, {number(row.after)} now" for row in rows)
            return _chart(title, "", _dumbbells(rows), _ROW * len(rows) + 20, words)
        case Bars(title, rows):
            words = "; ".join(f"{row.name}: {row.shown}" for row in rows)
            return _chart(title, "", _bars(picture), _ROW * len(rows) + 4, words, key=_LESS_OR_MORE)


def _chart(title: str, note: str, shapes: Iterator[str], high: int, words: str, *, key: str = "") -> str:
    return svg_figure(title, note, shapes, (_WIDE, high), words, key=key or _KEY)


_LESS_OR_MORE = "left of the line less, right of it more"
_KEY = '<span class="swatch before"></span> before &nbsp; <span class="swatch now"></span> now'


def svg_figure(title: str, note: str, shapes: Iterable[str], size: tuple[int, int], words: str, *, key: str) -> str:
    """Return a drawing as a `figure` of a page.

    Args:
        title: its caption.
        note: what stands beside the caption.
        shapes: SVG elements.
        size: width and height, in units of the drawing.
        words: what the drawing shows, for a reader who cannot see it.
        key: HTML that explains its marks.
    """
    beside = f" <span>{escape_html(note)}</span>" if note else ""
    return (
        f'<figure><figcaption>{escape_html(title)}{beside}</figcaption><div class="key">{key}</div>'
        f'<svg viewBox="0 0 {size[0]} {size[1]}" role="img"><title>{escape_html(words)}</title>'
        f"{''.join(shapes)}</svg></figure>"
    )


def svg_text(x: float, y: float, words: str, *, anchor: str = "start", ink: bool = False, longest: int = 34) -> str:
    """Return a line of text, cut after `longest` characters."""
    shown = visible(words)
    cut = f"{shown[: longest - 1]}…" if len(shown) > longest else shown
    kind = ' class="ink"' if ink else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{html.escape(cut)}</text>'


class Scale:
    """Maps values to places along the width of a drawing; a value that is not finite is at the left edge.

    Args:
        values: which it has to hold.
        wide: the width, in units of the drawing.
        margin: left free on either side.
    """

    def __init__(self, values: Sequence[float], *, wide: int = _WIDE, margin: int = _MARGIN) -> None:
        finite = [value for value in values if math.isfinite(value)] or [0.0]
        self.low, self.high = min(finite), max(finite)
        if not self.low < self.high:
            self.low, self.high = self.low - 0.5, self.high + 0.5
        self._room, self._margin = wide - 2 * margin, margin

    def __call__(self, value: float) -> float:
        """Return the place of a value, in units of the drawing."""
        # Halves, so that the width of the range is a number even from the least double to the greatest.
        wide = self.high / 2 - self.low / 2
        share = (value / 2 - self.low / 2) / wide if wide > 0 and math.isfinite(value) else 0.0
        return self._margin + min(max(share, 0.0), 1.0) * self._room


def _range_words(before: Bins | None, after: Bins | None) -> str:
    sides = ((before, "before"), (after, "now"))
    return "; ".join(f"{word} from {number(c.low)} to {number(c.high)}" for c, word in sides if c is not None)


def _distributions(before: Bins | None, after: Bins | None) -> Iterator[str]:
    curves = [(curve, kind) for curve, kind in ((before, "before"), (after, "now")) if curve is not None]
    place = Scale([edge for curve, _ in curves for edge in (curve.low, curve.high)])
    shapes = [(_densities(curve, place), curve, kind) for curve, kind in curves]
    top = max((each for heights, _, _ in shapes for each in heights), default=0.0) or 1.0
    for heights, curve, kind in shapes:
        yield f'<path class="area {kind}" d="{_steps(heights, curve, place, top)}"/>'
    yield f'<line class="axis" x1="{_MARGIN}" x2="{_WIDE - _MARGIN}" y1="{_HIGH}" y2="{_HIGH}"/>'
    yield svg_text(_MARGIN, _HIGH + 14, number(place.low))
    yield svg_text(_WIDE - _MARGIN, _HIGH + 14, number(place.high), anchor="end")


def _densities(curve: Bins, place: Scale) -> list[float]:
    """Share of the rows per unit of width: both areas are the same, whatever the number of rows."""
    wide = max((place(curve.high) - place(curve.low)) / max(len(curve.counts), 1), 0.5)
    total = sum(curve.counts) or 1
    return [count / total / wide for count in curve.counts]


def _steps(heights: Sequence[float], curve: Bins, place: Scale, top: float) -> str:
    left, right = place(curve.low), place(curve.high)
    wide = (right - left) / max(len(heights), 1)
    path = [f"M{left:.1f} {_HIGH}"]
    for i, each in enumerate(heights):
        y = _HIGH - each / top * (_HIGH - 6)
        path.append(f"L{left + i * wide:.1f} {y:.1f}L{left + (i + 1) * wide:.1f} {y:.1f}")
    return f"{''.join(path)}L{right:.1f} {_HIGH}Z"


def _shares(rows: Sequence[tuple[str, float, float]]) -> Iterator[str]:
    top = max((share for _, *pair in rows for share in pair if math.isfinite(share)), default=0.0) or 1.0
    for i, (name, *pair) in enumerate(rows):
        y = i * _ROW
        yield svg_text(_MARGIN, y + 12, name, ink=True)
        shown = " → ".join(f"{share:.3g} %" for share in (each * 100 for each in pair))
        yield svg_text(_WIDE - _MARGIN, y + 12, shown, anchor="end")
        for share, kind, offset in ((pair[0], "before", 17), (pair[1], "now", 24)):
            wide = min(share / top, 1.0) * (_WIDE - 2 * _MARGIN) if share > 0 else 0.0
            yield f'<rect class="{kind}" x="{_MARGIN}" y="{y + offset}" width="{wide:.1f}" height="6"/>'


def _dumbbells(rows: Sequence[Dumbbell]) -> Iterator[str]:
    place = Scale([0.0, *(edge for row in rows for edge in _edges(row))])
    for i, row in enumerate(rows):
        yield from _dumbbell(row, i * _ROW, place)
    end = _ROW * len(rows) + 4
    yield f'<line class="axis" x1="{_MARGIN}" x2="{_WIDE - _MARGIN}" y1="{end}" y2="{end}"/>'
    yield svg_text(_MARGIN, end + 13, number(place.low))
    yield svg_text(_WIDE - _MARGIN, end + 13, number(place.high), anchor="end")


def _edges(row: Dumbbell) -> tuple[float, ...]:
    noise = row.noise or 0.0
    return (row.before - noise, row.before + noise, row.after)


def _dumbbell(row: Dumbbell, y: float, place: Scale) -> Iterator[str]:
    middle, before, after = y + 25, place(row.before), place(row.after)
    yield svg_text(_MARGIN, y + 13, row.name, ink=True)
    yield svg_text(_WIDE - _MARGIN, y + 13, f"{number(row.before)} → {number(row.after)}", anchor="end")
    if row.noise:
        low, high = place(row.before - row.noise), place(row.before + row.noise)
        yield f'<rect class="noise" x="{low:.1f}" y="{middle - 7}" width="{high - low:.1f}" height="14" rx="3"/>'
    yield f'<line class="stem" x1="{before:.1f}" x2="{after:.1f}" y1="{middle}" y2="{middle}"/>'
    yield f'<circle class="dot before" cx="{before:.1f}" cy="{middle}" r="4.5"/>'
    yield f'<circle class="dot now" cx="{after:.1f}" cy="{middle}" r="4.5"/>'


def _bars(bars: Bars) -> Iterator[str]:
    place = Scale([0.0, *(row.value for row in bars.rows)])
    zero = place(0.0)
    for i, row in enumerate(bars.rows):
        y, end = i * _ROW, place(row.value)
        kind = {True: "good", False: "bad", None: "unknown"}[row.good]
        word = {True: ", better", False: ", worse", None: ""}[row.good]
        yield svg_text(_MARGIN, y + 13, row.name, ink=True)
        yield svg_text(_WIDE - _MARGIN, y + 13, f"{row.shown}{word}", anchor="end")
        left, wide = min(zero, end), abs(end - zero)
        yield f'<rect class="{kind}" x="{left:.1f}" y="{y + 19}" width="{max(wide, 1):.1f}" height="11" rx="1"/>'
    high = _ROW * len(bars.rows)
    yield f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="16" y2="{high}"/>'
