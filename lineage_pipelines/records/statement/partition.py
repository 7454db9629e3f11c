"""Partition of a model: which of its versions are about the same thing, and in which order.

The keys of static and dynamic dimensions are an identity: `west` is another model than `east`, though they share a name
and one sequence of version numbers. A dimension of time is a sequence: a later window follows an earlier one.
"""

from dataclasses import dataclass
from datetime import datetime

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.codec import Value
from lineage_pipelines.records.values.model_name import check_identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition(Value):
    """The partition that a version was trained for, by what its dimensions mean; at least one of them is there."""

    identity: str | None = None
    """The key of its static or dynamic dimension, of two of them as Dagster joins them: `west`, `gold|west`. None where
    its only dimension is time."""
    window: datetime | None = None
    """Where its window of time begins; None where no dimension is time."""

    def __post_init__(self) -> None:
        if self.identity is not None:
            check_identity(self.identity)
        elif self.window is None:
            raise RecordError("a partition has neither an identity nor a window of time")
