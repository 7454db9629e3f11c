"""Text: documents for a terminal: aligned, and coloured where colour is wanted."""

import textwrap
from collections.abc import Iterator, Sequence

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
from lineage_pipelines.reports.formatting import visible, width

_NARROWEST = 24
"""A last column with less room than this is not worth wrapping."""
_TONES = {"warn": "33", "dim": "2", "bold": "1", "title": "1;36", "+": "32", "-": "31"}


def render_text(document: Document, *, colour: bool = False, columns: int | None = None) -> str:
    """Write a document as text.

    Args:
        document: what to write.
        colour: whether to use ANSI escapes; say so only for a terminal.
        columns: the terminal's width, in which last columns are wrapped; None for lines as long as they are.
    """
    lines = [line for block in document.blocks for line in _block(block, columns, colour=colour)]
    return "\n".join(lines).strip("\n") + "\n"


def _block(block: Block, columns: int | None, *, colour: bool) -> Iterator[str]:  # noqa: C901  # a case for each kind
    match block:
        case Heading(text, level):
            yield ""
            tone = "title" if level == 1 else "bold"
            yield from (_paint(line, tone, colour) for line in _wrap(visible(text), 0, columns))
        case Paragraph(text, tone):
            for line in text.split("\n"):
                indent = len(line) - len(line.lstrip())
                first, *more = _wrap(visible(line), 0, columns, indent=indent)
                yield _paint(first, tone, colour)
                yield from (_paint(each, tone, colour) for each in more)
        case Pairs(rows):
            shown = [(visible(name), visible(value)) for name, value in rows]
            longest = max((width(name) for name, _ in shown), default=0)
            for name, value in shown:
                first, *more = _wrap(value, longest + 4, columns)
                yield f"  {_paint(_pad(name, longest), 'dim', colour)}  {first}"
                yield from (" " * (longest + 4) + line for line in more)
        case Table():
            yield from _table(block, columns, colour=colour)
        case Tree():
            yield f"  {visible(block.label)}"
            yield from (f"  {line}" for line in _branches(block.children, ""))
        case Ranked(items):
            yield from _ranked(items, columns)
        case Listing():
            yield from _listing(block, colour=colour)
        case Pictures():
            pass


def _table(table: Table, columns: int | None, *, colour: bool) -> Iterator[str]:
    if table.title:
        yield ""
        yield f"  {visible(table.title)}"
    head = [visible(name) for name in table.head]
    rows = [[visible(cell) for cell in row] for row in table.rows]
    widths = [max(width(row[i]) for row in (head, *rows)) for i in range(len(head))]
    right = [name in table.right for name in table.head]
    yield _paint(_row(head, widths, right), "dim", colour)
    before = sum(each + 2 for each in widths[:-1]) + 2
    for row in rows:
        first, *more = _wrap(row[-1], before, columns)
        yield _row([*row[:-1], first], widths, right)
        yield from (" " * before + line for line in more)


def _ranked(items: Sequence[tuple[str, str]], columns: int | None) -> Iterator[str]:
    before = len(str(len(items))) + 4
    for place, (text, _) in enumerate(items, 1):
        first, *more = _wrap(visible(text), before, columns)
        yield f"{place:>{before - 2}}. {first}"
        yield from (" " * before + line for line in more)


def _listing(listing: Listing, *, colour: bool) -> Iterator[str]:
    yield ""
    yield f"  {visible(listing.title)}"
    for line in listing.lines:
        yield _paint(f"    {visible(line)}".rstrip(), line[:1] if listing.patch else "", colour)
    if listing.more:
        yield _paint(f"    {visible(listing.more)}", "dim", colour)


def _wrap(text: str, before: int, columns: int | None, *, indent: int = 0) -> list[str]:
    """The lines of a last column that begins `before` cells from the left."""
    room = (columns or 0) - before
    if room < _NARROWEST or width(text) <= room:
        return [text]
    space = " " * indent
    return textwrap.wrap(text, room, break_on_hyphens=False, subsequent_indent=space) or [text]


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
