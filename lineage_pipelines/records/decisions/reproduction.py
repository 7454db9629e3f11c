"""Reproduction: the verdict of running a version again: how far it came, and the first thing that differs.

Kept in the log as an entry of its own, about one record and no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import Value, from_json, to_json
from lineage_pipelines.records.values.digest import Digest


class Level(StrEnum):
    """How far a version came when it was run again, the least first."""

    RECORD = "R0"
    """There is the record, and no more."""
    INPUTS = "R1"
    """Every input is still there: data, source code, the list of libraries."""
    SETTING = "R2"
    """The environment is the recorded one, and so is the source code, by digest."""
    RAN = "R3"
    """It ran."""
    METRICS = "R4"
    """Every metric, overall and of each slice, is within tolerance."""
    PREDICTIONS = "R4.5"
    """The model says the same of the probe's rows."""
    MODEL = "R5"
    """The model is the same."""

    @property
    def meaning(self) -> str:
        """The level in words."""
        return _MEANINGS[self]

    def reaches(self, other: "Level") -> bool:
        """Say whether this level is the other one or a higher one."""
        return _ORDER.index(self) >= _ORDER.index(other)


_MEANINGS = {
    Level.RECORD: "record only",
    Level.INPUTS: "inputs are there",
    Level.SETTING: "same environment and source",
    Level.RAN: "it ran",
    Level.METRICS: "metrics within tolerance",
    Level.PREDICTIONS: "same predictions",
    Level.MODEL: "same model",
}
_ORDER = list(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionStep(Value):
    """One level, whether it was reached, and what that was seen by."""

    level: Level
    reached: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAgain(Value):
    """A metric that is not exactly what it was."""

    name: str
    """`roc_auc`, of a slice `roc_auc of origin=LGA`."""
    recorded: float
    again: float
    tolerance: float | None = None
    """None where no tolerance is known: then nothing but equality is within it."""
    within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction(Value):
    """What came of running one version again."""

    record: Digest
    model: str
    version: int
    level: Level
    checked_only: bool = False
    """Whether nothing was trained: no more than R2 was asked for."""
    steps: tuple[ReproductionStep, ...]
    differs: tuple[str, ...] = ()
    """What differs from the record, in the order in which a model is made: data, code, environment, parameters, then
    what came of it; threads and the machine last."""
    hints: tuple[str, ...] = ()
    """What the record does not hold and may be the reason, where the model did not come out the same."""
    metrics_compared: int = 0
    metrics: tuple[MetricAgain, ...] = ()
    """Those that are not exactly equal."""
    tolerance: str = ""
    """Where the tolerance comes from, in words."""
    compared: str = ""
    """Which models were compared by what: `file`, or `content` where the format is not the same twice."""
    again: Digest | None = None
    """The record of the run that was made; it is in no catalog."""
    by: str
    host: str
    started: datetime
    finished: datetime

    @property
    def ref(self) -> str:
        """The version as a person writes it."""
        return f"{self.model}@{self.version}"

    @property
    def is_exact(self) -> bool:
        """Whether the same model came of the recorded data, code and parameters, wherever that was."""
        return self.level is Level.MODEL and all(each.startswith(_SURROUNDINGS) for each in self.differs)


_SURROUNDINGS = ("environment:", "threads:", "machine:")


def reached_level(steps: Sequence[ReproductionStep]) -> Level:
    """Return how far a version came.

    Once it ran, results count, whatever it was made in: a model that is the same proves more than its environment does.
    Without the metrics the rest proves nothing, and a model that is the same needs no predictions.
    """
    reached = {step.level for step in steps if step.reached}
    if Level.RAN not in reached:
        return next((_ORDER[i] for i, level in enumerate(_ORDER[1:]) if level not in reached), Level.RECORD)
    if Level.METRICS not in reached:
        return Level.RAN
    return next((level for level in (Level.MODEL, Level.PREDICTIONS) if level in reached), Level.METRICS)


def encode_reproduction(reproduction: Reproduction) -> bytes:
    """Return the canonical bytes of a verdict.

    Raises:
        RecordError: it has no exact form.
    """
    return canonical_bytes(to_json(reproduction, "reproduction"))


def decode_reproduction(data: bytes) -> Reproduction:
    """Read a verdict.

    Raises:
        RecordError: the bytes are not a valid verdict, or its level is not the one that its steps reached.
    """
    found: Reproduction = from_json(Reproduction, parse_bytes(data), "reproduction")
    if found.level is not reached_level(found.steps):
        raise RecordError(f"the level is {found.level}, and its steps say {reached_level(found.steps)}")
    return found
