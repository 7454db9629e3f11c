"""An answer as a document: a few kinds of block, said once and written as text or as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field


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


Block = Heading | Paragraph | Pairs | Table | Tree


@dataclass(frozen=True, slots=True)
class Document:
    """Blocks in reading order."""

    blocks: Sequence[Block] = field(default_factory=tuple)
