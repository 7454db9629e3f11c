"""Version summary: what a list of versions shows of each, without the rest of its record."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.codec import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSummary(Value):
    """The facts of a record that a list of versions shows: about 1 kB, where a record has 60."""

    partition: Partition | None = None
    run_id: str | None = None
    """The Dagster run."""
    revision: str | None = None
    dirty: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    data: tuple[DatasetSnapshot, ...] = ()
    """The inputs, by name, role, path and digest alone."""
    checks: int = 0
    """How many checks were made."""
    failed: tuple[str, ...] = ()
    """Checks that did not pass, blocking ones first."""


def summarize(record: LineageRecord) -> VersionSummary:
    """Return the summary of a record."""
    checks = record.evaluation.checks if record.evaluation else ()
    failed = sorted((not check.is_blocking, check.name) for check in checks if not check.passed)
    return VersionSummary(
        partition=record.model.partition,
        run_id=record.run.dagster.run_id if record.run.dagster else None,
        revision=record.code.revision,
        dirty=record.code.dirty,
        metrics=record.evaluation.metrics if record.evaluation else {},
        data=tuple(_named(snapshot) for snapshot in record.data),
        checks=len(checks),
        failed=tuple(name for _, name in failed),
    )


def _named(snapshot: DatasetSnapshot) -> DatasetSnapshot:
    return DatasetSnapshot(
        name=snapshot.name,
        role=snapshot.role,
        path=snapshot.path,
        digest=snapshot.digest,
        size=snapshot.size,
        files=snapshot.files,
        produced_by=snapshot.produced_by,
    )
