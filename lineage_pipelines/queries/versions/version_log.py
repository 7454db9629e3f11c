"""Version log: the versions of a model, and what changed from each to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets
from lineage_pipelines.queries.diff.stored_sources import no_blobs
from lineage_pipelines.queries.refs import known_partition
from lineage_pipelines.queries.registry.baseline import previous_version
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


def log_versions(catalog: Catalog, model: str, *, limit: int | None = None) -> Sequence[LoggedVersion]:
    """Return the versions of a model, newest first.

    Args:
        catalog: the catalog.
        model: the model's name, or one partition of it: `model[west]`.
        limit: how many, the newest; None for all.

    Raises:
        NotFoundError: there is no such model; the message suggests similar names.
        CatalogError: the catalog cannot be read.
    """
    partition = known_partition(catalog, model)
    if partition.identity is not None:
        entries = [*islice(catalog.index.versions_of(partition.model, partition.identity), limit)]
    else:
        entries = [*catalog.entries(partition.model, limit=limit + 1 if limit is not None else None)]
    return [_line(entry, _previous(catalog, entries, place)) for place, entry in enumerate(entries[:limit])]


def _previous(catalog: Catalog, entries: Sequence[Entry], place: int) -> LineageRecord | None:
    """The record of the version that one follows: of a partition the one before of the same partition."""
    entry = entries[place]
    if entry.partition is not None:
        before = previous_version(catalog, entry)
        return before.record if before is not None else None
    return entries[place + 1].record if place + 1 < len(entries) else None


def _line(entry: Entry, previous: LineageRecord | None) -> LoggedVersion:
    record = entry.record
    data = compare_datasets(previous, record, Ways(blobs=no_blobs)) if previous else ()
    changed = {each.name for each in data if each.kind not in (Kind.IDENTICAL, Kind.REMOVED)}
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
        changed=frozenset(changed),
        checks=len(checks),
        failed=tuple(name for _, name in failed),
    )
