"""Chapters of the story: five, each an ordinary change and an ordinary materialization.

Nothing here says how a chapter ends: which version passes its checks comes out of the checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One change and the materialization that follows it."""

    title: str
    through: str
    """The newest month delivered, `2013-03`."""
    faults: tuple[str, ...] = ()
    """Faults of the delivery, as `deliver --fault` takes them."""
    patch: str | None = None
    """A code change, a file beside this one."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Launch configuration of `flight_delay`."""
    release: str = ""
    """Why somebody asks at the end to put its version into production; empty where nobody does."""


CHAPTERS = (
    Chapter(title="The first model, on data through March", through="2013-03"),
    Chapter(title="Three more months: data through June", through="2013-06"),
    Chapter(
        title="Other hyperparameters, launched from the form",
        through="2013-06",
        config={"max_iter": 300, "learning_rate": 0.05},
    ),
    Chapter(
        title="A code change in the features stage: how busy is the airport in that hour?",
        through="2013-06",
        patch="congestion.patch",
        release="it knows how busy the airport is",
    ),
    Chapter(
        title="July arrives, and something is wrong with it",
        through="2013-07",
        faults=("celsius:2013-07", "duplicates:2013-07:LGA"),
        release="it is the newest",
    ),
)
