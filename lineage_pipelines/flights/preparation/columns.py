"""Columns of the features table: identity, feature or label, and when each is known."""

from dataclasses import dataclass
from enum import StrEnum


class Known(StrEnum):
    """When a value can be known; everything here is before departure."""

    SCHEDULE = "when the schedule is published"
    CALENDAR = "always"
    AIRCRAFT = "when an aircraft is assigned, usually the day before; it may be swapped"
    WEATHER = "at the scheduled hour as an observation; earlier only as a forecast"


class Kind(StrEnum):
    """How a model should read a feature; also its type in Arrow."""

    NUMBER = "double"
    CATEGORY = "string"


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that models may learn from."""

    name: str
    kind: Kind
    known: Known
    meaning: str


IDENTITY = {"date": "date32", "month": "string", "flight": "int32"}
"""Which flight a row is about, together with carrier, origin and sched_dep. Not learned from: the newest month has no
past with the same dates."""

LABEL = "arr_delay"
"""Minutes late at arrival, negative when early. The only column that is known after departure."""
