"""Text: documents for a terminal: aligned, and coloured where colour is wanted."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineage_pipelines.errors import visible
from lineage_pipelines.reports.document import (
    Block,
    Document,
    Heading,
    Listing,
    Pairs,
    Paragraph,
    Pictures,
    Ranked,
    Table,
    Tree,
)
from lineage_pipelines.reports.formatting import beginning, fit, width

_NARROWEST = 24
"""A last column with less room than this is not worth wrapping."""
_MINIMUM = 16
"""Columns that the last column of a cut table keeps, however wide the others are."""
_NAMES = 30
"""Columns that the names of a cut answer take at most."""
_TONES = {"warn": "33", "dim": "2", "bold": "1", "title": "1;36", "+": "32", "-": "31"}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How lines are laid out."""

    colour: bool
    columns: int | None
    """None for lines as long as they are."""
    cut: bool = False
    """Whether what has no room is cut, and no line is longer than `columns`."""
    wrap: bool = True
    """Whether long text goes on in the next line; if not, it is cut."""


def render_text(
    document: Document, *, colour: bool = False, columns: int | None = None, lines: int | None = None, whole: str = ""
) -> str:
    """Write a document as text.

    Args:
        document: what to write.
        colour: whether to use ANSI escapes; say so only for a terminal.
        columns: the terminal's width, in which last columns are wrapped; None for lines as long as they are.
        lines: at most so many lines of at most `columns`: names and cells are cut, long text is cut where wrapped text
            takes too many lines, and what is still too much is counted. None for all.
        whole: the option that shows the whole answer, for that count.
    """
    if lines is None:
        return _joined(_lines(document, _Layout(colour=colour, columns=columns)))
    found = _lines(document, _Layout(colour=colour, columns=columns, cut=True))
    if len(found) > lines:
        found = _lines(document, _Layout(colour=colour, columns=columns, cut=True, wrap=False))
    if len(found) > lines:
        left = len(found) - lines + 1
        found = [*found[: lines - 1], _paint(f"  … and {left:,} more lines ({whole})", "dim", colour)]
    return _joined(found)


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip("\n") + "\n"


def _lines(document: Document, layout: _Layout) -> list[str]:
    lines = [line for block in document.blocks for line in _block(block, layout)]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return lines


def _block(block: Block, layout: _Layout) -> Iterator[str]:  # noqa: C901  # a case for each kind
    match block:
        case Heading(text, level):
            yield ""
            yield from _flowing(text, "title" if level == 1 else "bold", layout)
        case Paragraph(text, tone):
            for line in text.split("\n"):
                yield from _flowing(line, tone, layout)
        case Pairs(rows):
            yield from _pairs(rows, layout)
        case Table():
            yield from _table(block, layout)
        case Tree():
            yield _one_line(f"  {visible(block.label)}", layout)
            yield from (_one_line(f"  {line}", layout) for line in _branches(block.children, ""))
        case Ranked(items):
            yield from _ranked(items, layout)
        case Listing():
            yield from _listing(block, layout)
        case Pictures():
            pass


def _flowing(text: str, tone: str, layout: _Layout) -> Iterator[str]:
    """Lines of text that goes on below itself where there is no more room."""
    shown = visible(text)
    indent = " " * (len(shown) - len(shown.lstrip()))
    first, *more = _wrap(shown.lstrip(), len(indent), layout)
    yield _paint(indent + first, tone, layout.colour)
    yield from (_paint(indent + each, tone, layout.colour) for each in more)


def _pairs(rows: Sequence[tuple[str, str]], layout: _Layout) -> Iterator[str]:
    shown = [(visible(name), visible(value)) for name, value in rows]
    if layout.cut:
        shown = [(fit(name, _NAMES), value) for name, value in shown]
    longest = max((width(name) for name, _ in shown), default=0)
    for name, value in shown:
        first, *more = _wrap(value, longest + 4, layout)
        yield f"  {_paint(_pad(name, longest), 'dim', layout.colour)}  {first}".rstrip()
        yield from (" " * (longest + 4) + line for line in more)


def _table(table: Table, layout: _Layout) -> Iterator[str]:
    if table.title:
        yield ""
        yield _one_line(f"  {visible(table.title)}", layout)
    head = [visible(name) for name in table.head]
    rows = [[visible(cell) for cell in row] for row in table.rows]
    widths = [max(width(row[i]) for row in (head, *rows)) for i in range(len(head))]
    if layout.cut and layout.columns is not None:
        widths = _fitting(widths, layout.columns)
        head = [fit(cell, room) for cell, room in zip(head, widths, strict=True)]
        rows = [[*(fit(c, w) for c, w in zip(row[:-1], widths, strict=False)), row[-1]] for row in rows]
    right = [name in table.right for name in table.head]
    yield _paint(_row(head, widths, right), "dim", layout.colour)
    before = sum(each + 2 for each in widths[:-1]) + 2
    for row in rows:
        first, *more = _wrap(row[-1], before, layout)
        yield _row([*row[:-1], first], widths, right)
        yield from (" " * before + line for line in more)


def _fitting(widths: Sequence[int], columns: int) -> list[int]:
    """Make the widest columns narrower until a row has room, the last of them, which is wrapped, first."""
    room = columns - 2 * len(widths)
    last = min(widths[-1], max(_MINIMUM, room - sum(widths[:-1])))
    others, cap = list(widths[:-1]), max(widths[:-1], default=0)
    while sum(others) + last > room and cap > 1:
        cap -= 1
        others = [min(each, cap) for each in others]
    return [*others, min(widths[-1], room - sum(others))]


def _ranked(items: Sequence[tuple[str, str]], layout: _Layout) -> Iterator[str]:
    before = len(str(len(items))) + 4
    for place, (text, _) in enumerate(items, 1):
        first, *more = _wrap(visible(text), before, layout)
        yield f"{place:>{before - 2}}. {first}"
        yield from (" " * before + line for line in more)


def _listing(listing: Listing, layout: _Layout) -> Iterator[str]:
    yield ""
    yield _one_line(f"  {visible(listing.title)}", layout)
    for line in listing.lines:
        shown = _one_line(f"    {visible(line)}".rstrip(), layout)
        yield _paint(shown, line[:1] if listing.patch else "", layout.colour)
    if listing.more:
        yield _paint(_one_line(f"    {visible(listing.more)}", layout), "dim", layout.colour)


def _one_line(text: str, layout: _Layout) -> str:
    """A line that is not wrapped."""
    return fit(text, layout.columns) if layout.cut and layout.columns is not None else text


def _wrap(text: str, before: int, layout: _Layout) -> list[str]:
    """The lines of text that begins `before` cells from the left."""
    room = (layout.columns or 0) - before
    if layout.columns is None or width(text) <= room or (room < _NARROWEST and not layout.cut):
        return [text]
    if not layout.wrap or room < _MINIMUM:
        return [fit(text, max(room, 1))]
    if width(text) == len(text):
        return textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    lines = [""]
    for word in text.split():
        rest = word
        if lines[-1] and width(lines[-1]) + 1 + width(rest) > room:
            lines.append("")
        while width(rest) > room:  # no line has room for it: the address of something, or a language without blanks
            head = beginning(rest, room)
            lines[-1], rest = head, rest[len(head) :]
            lines.append("")
        lines[-1] = f"{lines[-1]} {rest}" if lines[-1] else rest
    return [line for line in lines if line] or [""]


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [_pad(c, w, right=r) for c, w, r in zip(cells, widths, right, strict=True)]
    return ("  " + "  ".join(padded)).rstrip()


def _pad(text: str, columns: int, *, right: bool = False) -> str:
    space = " " * (columns - width(text))
    return space + text if right else text + space


def _branches(children: Sequence[Tree], indent: str) -> Iterator[str]:
    for number, child in enumerate(children):
        last = number == len(children) - 1
        yield f"{indent}{'└─' if last else '├─'} {visible(child.label)}"
        yield from _branches(child.children, indent + ("   " if last else "│  "))


def _paint(text: str, tone: str, colour: bool) -> str:  # noqa: FBT001
    return f"\x1b[{_TONES[tone]}m{text}\x1b[0m" if colour and tone in _TONES and text else text
