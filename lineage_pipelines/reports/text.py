"""Documents for a terminal: aligned, and coloured where colour is wanted."""

from collections.abc import Iterator, Sequence

from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table, Tree
from lineage_pipelines.reports.words import visible, width

_TONES = {"warn": "33", "good": "32", "dim": "2", "bold": "1", "title": "1;36"}


def render_text(document: Document, *, colour: bool = False) -> str:
    """Write a document as text.

    Args:
        document: what to write.
        colour: whether to use ANSI escapes; say so only for a terminal.
    """
    lines = [line for block in document.blocks for line in _block(block, colour=colour)]
    return "\n".join(lines).strip("\n") + "\n"


def _block(block: Block, *, colour: bool) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield ""
            yield _paint(visible(text), "title" if level == 1 else "bold", colour)
        case Paragraph(text, tone):
            yield from (_paint(visible(line), tone, colour) for line in text.split("\n"))
        case Pairs(rows):
            longest = max((width(name) for name, _ in rows), default=0)
            for name, value in rows:
                yield f"  {_paint(_pad(name, longest), 'dim', colour)}  {visible(value)}"
        case Table():
            yield from _table(block, colour=colour)
        case Tree():
            yield f"  {visible(block.label)}"
            yield from (f"  {line}" for line in _branches(block.children, ""))


def _table(table: Table, *, colour: bool) -> Iterator[str]:
    if table.title:
        yield ""
        yield f"  {table.title}"
    rows = [[visible(cell) for cell in row] for row in table.rows]
    widths = [max(width(row[i]) for row in (table.head, *rows)) for i in range(len(table.head))]
    right = [name in table.right for name in table.head]
    yield _paint(_row(table.head, widths, right), "dim", colour)
    for row in rows:
        yield _row(row, widths, right)


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
