"""Documents as Markdown, for an issue, a review or a wiki. Everything that a user wrote is escaped."""

import re
from collections.abc import Iterator, Sequence

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

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$])")
_MENTION = re.compile(r"(?<!\w)@")
_TICKS = re.compile("`+")


def render_markdown(document: Document) -> str:
    """Write a document as GitHub-flavoured Markdown."""
    return "\n".join(line for block in document.blocks for line in _block(block)).strip("\n") + "\n"


def _block(block: Block) -> Iterator[str]:  # noqa: C901  # a case for each kind of block
    match block:
        case Heading(text, level):
            yield f"\n{'#' * level} {escape_markdown(text)}\n"
        case Paragraph(text):
            yield "\n".join(escape_markdown(line.strip()) for line in text.split("\n")) + "\n"
        case Pairs(rows):
            yield from (f"- **{escape_markdown(name)}** {escape_markdown(value)}" for name, value in rows)
            yield ""
        case Table():
            yield from _table(block)
        case Tree():
            yield f"- {escape_markdown(block.label)}"
            yield from _branches(block.children, 1)
            yield ""
        case Ranked(items):
            yield from (f"{place}. {escape_markdown(text)}" for place, (text, _) in enumerate(items, 1))
            yield ""
        case Listing():
            yield from _listing(block)
        case Pictures():
            pass


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield f"\n**{escape_markdown(table.title)}**\n"
    yield _row(table.head)
    yield _row(["---:" if name in table.right else "---" for name in table.head], escape=False)
    yield from (_row(row) for row in table.rows)
    yield ""


def _listing(listing: Listing) -> Iterator[str]:
    yield f"**{escape_markdown(listing.title)}**\n"
    if listing.lines:
        lines = [visible(line) for line in listing.lines]
        # Longer than every run of backticks within, so that nothing in it can end it.
        longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
        fence = "`" * max(3, longest + 1)
        yield from (f"{fence}{'diff' if listing.patch else ''}", *lines, f"{fence}\n")
    if listing.more:
        yield f"{escape_markdown(listing.more)}\n"


def _row(cells: Sequence[str], *, escape: bool = True) -> str:
    return "| " + " | ".join(escape_markdown(cell) if escape else cell for cell in cells) + " |"


def _branches(children: Sequence[Tree], depth: int) -> Iterator[str]:
    for child in children:
        yield f"{'  ' * depth}- {escape_markdown(child.label)}"
        yield from _branches(child.children, depth + 1)


def escape_markdown(text: str) -> str:
    """Write text that a user wrote so that no Markdown, HTML, link or mention comes of it."""
    escaped = _SPECIAL.sub(r"\\\1", visible(text))
    # Some sites make links and mentions of bare text.
    return _MENTION.sub("&#64;", escaped.replace("://", "&#58;//"))
