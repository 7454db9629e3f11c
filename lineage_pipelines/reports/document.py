"""An answer as a document: a few kinds of block, built once and written as text or as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineage_pipelines.reports.figures import Picture


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the document's own."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain sentences."""

    text: str
    tone: str = ""
    """`warn`, `dim` or nothing."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values, aligned."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head. Columns named in `right` hold numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[str] = frozenset()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """A node and what is below it."""

    label: str
    children: "Sequence[Tree]" = ()


@dataclass(frozen=True, slots=True)
class Ranked:
    """Numbered sentences, and for each a word that says what it is about; only a page shows that word."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines that are shown as they are: a patch, commits, files."""

    title: str
    lines: Sequence[str]
    patch: bool = False
    """Whether `+` and `-` at the beginning of a line mean added and removed."""
    more: str = ""
    """What is not shown, in words."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of what tables beside them say; only a page shows them."""

    items: "Sequence[Picture]"


Block = Heading | Paragraph | Pairs | Table | Tree | Ranked | Listing | Pictures


@dataclass(frozen=True, slots=True)
class Document:
    """Blocks in reading order."""

    blocks: Sequence[Block] = field(default_factory=tuple)
