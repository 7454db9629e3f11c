"""HTML: documents as one self-contained page: no script, no network, everything that anybody wrote escaped.

A strict content-security policy backs the escaping: whatever slipped through could neither run nor load anything. The
style is allowed by its own hash, so that not even a `style` attribute counts.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence

from lineage_pipelines.reports.charts.svg_charts import draw
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
from lineage_pipelines.reports.formatting import escape_html
from lineage_pipelines.reports.render.stylesheet import STYLE

_SECTION = 2
"""The level of a heading that begins a section."""
_FEW_SECTIONS = 2
_FEW_LINES = 16
"""A listing with more lines begins folded."""


def render_html(document: Document, *, foot: str = "") -> str:
    """Write a document as a page, the same bytes for the same document.

    Args:
        document: what to write; its first heading is the page's title.
        foot: a sentence at the end, about the page itself.
    """
    blocks = list(document.blocks)
    title = next((block.text for block in blocks if isinstance(block, Heading)), "lineage")
    body = "\n".join(_sections(blocks))
    end = f'\n<footer><p class="dim">{escape_html(foot)}</p></footer>' if foot else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{escape_html(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>{end}
</body>
</html>
"""


def _policy() -> str:
    allowed = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"


def _sections(blocks: Sequence[Block]) -> Iterator[str]:
    """What stands before the first heading of level 2 is the page's head; each such heading begins a section."""
    titles = [block.text for block in blocks if isinstance(block, Heading) and block.level == _SECTION]
    place = 0
    yield "<header>"
    for block in blocks:
        if isinstance(block, Heading) and block.level == _SECTION:
            yield "</section>" if place else "</header>"
            if place == 1:  # behind the answer, which comes first
                yield from _contents(titles)
            place += 1
            yield f'<section id="s{place}">'
        yield _block(block)
    yield "</section>" if place else "</header>"


def _contents(titles: Sequence[str]) -> Iterator[str]:
    """A table of contents, where there is more than two sections."""
    if len(titles) > _FEW_SECTIONS:
        links = (f'<li><a href="#s{place}">{escape_html(title)}</a></li>' for place, title in enumerate(titles, 1))
        yield f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>'


def _block(block: Block) -> str:  # noqa: C901, PLR0911  # a case for each kind of block
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape_html(text)}</h{level}>"
        case Paragraph(text, tone):
            return _paragraph(text, tone)
        case Pairs(rows):
            pairs = "".join(f"<dt>{escape_html(name)}</dt><dd>{escape_html(value)}</dd>" for name, value in rows)
            return f"<dl>{pairs}</dl>"
        case Table():
            return _table(block)
        case Tree():
            return f'<ul class="tree">{_branch(block)}</ul>'
        case Ranked(items):
            found = "".join(
                f'<li><span>{escape_html(t)}</span><span class="tag">{escape_html(tag)}</span></li>' for t, tag in items
            )
            return f'<ol class="ranked">{found}</ol>'
        case Listing():
            return _listing(block)
        case Pictures(items):
            return f'<div class="pictures">{"".join(draw(picture) for picture in items)}</div>' if items else ""


def _ranked(text: str, layer: str) -> str:
    return f'<li><span>{escape_html(text)}</span><span class="tag">{escape_html(layer)}</span></li>'


def _paragraph(text: str, tone: str) -> str:
    lines = [escape_html(line.strip()) for line in text.split("\n") if line.strip()]
    kind = f' class="{tone}"' if tone in ("warn", "dim") else ""
    return f"<p{kind}>{'<br>'.join(lines)}</p>" if lines else ""


def _table(table: Table) -> str:
    kinds = [' class="number"' if name in table.right else "" for name in table.head]
    title = f"<caption>{escape_html(table.title)}</caption>" if table.title else ""
    head = "".join(
        f'<th scope="col"{kind}>{escape_html(name)}</th>' for name, kind in zip(table.head, kinds, strict=True)
    )
    rows = "".join(f"<tr>{_cells(row, kinds)}</tr>" for row in table.rows)
    # What is wider than a phone scrolls by itself, with the keyboard, too.
    return (
        f'<div class="scroll" tabindex="0" role="group"><table>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cells(row: Sequence[str], kinds: Sequence[str]) -> str:
    return "".join(f"<td{kind}>{escape_html(cell)}</td>" for cell, kind in zip(row, kinds, strict=True))


def _branch(tree: Tree) -> str:
    below = f"<ul>{''.join(_branch(child) for child in tree.children)}</ul>" if tree.children else ""
    return f"<li>{escape_html(tree.label)}{below}</li>"


def _listing(listing: Listing) -> str:
    more = f'<p class="dim">{escape_html(listing.more)}</p>' if listing.more else ""
    if not listing.lines:
        return f'<details class="empty" open><summary>{escape_html(listing.title)}</summary>{more}</details>'
    lines = "".join(_line(line, patch=listing.patch) for line in listing.lines)
    state = " open" if len(listing.lines) <= _FEW_LINES else ""
    summary = f"<summary>{escape_html(listing.title)}</summary>"
    return f'<details{state}>{summary}<pre tabindex="0">{lines}</pre>{more}</details>'


def _line(line: str, *, patch: bool) -> str:
    kind = {"+": ' class="plus"', "-": ' class="minus"'}.get(line[:1], "") if patch else ""
    return f"<span{kind}>{escape_html(line) or '&nbsp;'}</span>"
