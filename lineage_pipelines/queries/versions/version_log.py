"""Version log: the versions of a model, and what changed from each to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.refs import known_model
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import DigestSet


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedVersion:
    """A version in the list of versions."""

    version: int
    record: str
    """The record's SHA-256, hex."""
    created: datetime
    """When it was committed, in UTC."""
    run_id: str | None
    """The Dagster run."""
    metrics: Mapping[str, float]
    revision: str | None
    dirty: bool
    data: Mapping[str, DigestSet]
    """Input name to its digests."""
    changed: frozenset[str]
    """Inputs whose content differs from the version before, new ones included."""
    checks: int
    """How many checks were made."""
    failed: tuple[str, ...]
    """Checks that did not pass, blocking ones first."""


def log_versions(catalog: Catalog, model: str) -> Sequence[LoggedVersion]:
    """Return the versions of a model, newest first.

    Raises:
        NotFoundError: there is no such model; the message suggests similar names.
        CatalogError: the catalog cannot be read.
    """
    entries = catalog.entries(known_model(catalog, model))
    before = [entry.record for entry in entries[1:]]
    return [_line(entry, previous) for entry, previous in zip(entries, [*before, None], strict=True)]


def _line(entry: Entry, previous: LineageRecord | None) -> LoggedVersion:
    record = entry.record
    earlier = {snapshot.name: snapshot.digest for snapshot in previous.data} if previous else {}
    checks = record.evaluation.checks if record.evaluation else ()
    failed = sorted((not check.is_blocking, check.name) for check in checks if not check.passed)
    return LoggedVersion(
        version=entry.version,
        record=entry.digest.hex,
        created=entry.recorded,
        run_id=record.run.dagster.run_id if record.run.dagster else None,
        metrics=record.evaluation.metrics if record.evaluation else {},
        revision=record.code.revision,
        dirty=record.code.dirty,
        data={snapshot.name: snapshot.digest for snapshot in record.data},
        changed=frozenset(s.name for s in record.data if previous and earlier.get(s.name) != s.digest),
        checks=len(checks),
        failed=tuple(name for _, name in failed),
    )
