"""Version diff: two versions, every part of both compared, and what differs in an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    DatasetChange,
    EnvironmentChange,
    EvaluationChange,
    Kind,
    OverlapChange,
    ParameterChange,
    StageChange,
)
from lineage_pipelines.queries.diff.explanation.change import Change
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSide:
    """One of the two versions."""

    ref: str
    digest: Digest
    model: str
    version: int
    recorded: datetime
    aliases: tuple[str, ...] = ()
    """The aliases that name it now."""
    missing: tuple[str, ...] = ()
    """What its record says is not known, `path: why`: of that, nothing can differ."""
    purged: tuple[str, ...] = ()
    """Its stored files that were removed on purpose, `the patch: purged on 2026-12-01 by ann: why`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision or approval between the two versions."""

    seq: int
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDiff:
    """Why two versions are different."""

    first: VersionSide
    second: VersionSide
    changes: tuple[Change, ...]
    """Most likely explanation first; one of kind `nothing` or `unexplained` where nothing that was recorded differs."""
    data: tuple[DatasetChange, ...]
    stages: tuple[StageChange, ...]
    code: CodeChange
    environment: EnvironmentChange
    parameters: tuple[ParameterChange, ...]
    unchanged_parameters: int
    evaluation: EvaluationChange
    decisions: tuple[Decided, ...]
    facts: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    """What else differs: `seed`, `estimator`, `selected candidate`, `artifact`."""
    same_parameters: Mapping[str, Json] = field(default_factory=dict)
    """Effective parameters that are the same: dotted name → value."""
    overlaps: tuple[OverlapChange, ...] = ()
    """Rows that were both trained and measured on, where their number differs."""
    sources: tuple[DatasetChange, ...] = ()
    """Tracked files and folders that the preparation starts from, where they differ."""

    @property
    def identical(self) -> bool:
        """Whether nothing that was recorded differs; decisions in between do not count."""
        measured = self.evaluation
        return (
            all(change.kind is Kind.IDENTICAL for change in self.data)
            and all(change.kind is Kind.IDENTICAL for change in self.stages)
            and self.code.identical
            and self.environment.identical
            and not (self.parameters or self.facts or measured.checks)
            and not any(metric.before != metric.after for metric in (*measured.metrics, *measured.slices))
            and measured.same_data is not False
            and measured.same_code is not False
        )
