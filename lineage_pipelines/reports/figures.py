"""Figures: pictures as values, of numbers that stand in tables beside them. Text and Markdown leave them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineage_pipelines.queries.diff.changes import Bins


@dataclass(frozen=True, slots=True)
class Distributions:
    """One column's values before and after, over one axis; areas are equal, so that different row counts compare."""

    title: str
    note: str
    before: "Bins | None"
    after: "Bins | None"


@dataclass(frozen=True, slots=True)
class Shares:
    """How often each value occurs, before and after: name and two shares between 0 and 1."""

    title: str
    note: str
    rows: Sequence[tuple[str, float, float]]


@dataclass(frozen=True, slots=True)
class Dumbbell:
    """One number before and after; `noise` is how far it moves when nothing was changed."""

    name: str
    before: float
    after: float
    noise: float | None = None


@dataclass(frozen=True, slots=True)
class Dumbbells:
    """Numbers of one scale over one axis."""

    title: str
    rows: Sequence[Dumbbell]


@dataclass(frozen=True, slots=True)
class Bar:
    """One signed amount; `good` says whether it is for the better, None where that is not known."""

    name: str
    value: float
    shown: str
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """Signed amounts around a common zero."""

    title: str
    rows: Sequence[Bar]


Picture = Distributions | Shares | Dumbbells | Bars
