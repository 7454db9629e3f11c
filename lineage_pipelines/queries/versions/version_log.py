"""Version log: the versions of a model, and what changed from each to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.summary_index import SummarizedVersion
from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets
from lineage_pipelines.queries.diff.stored_sources import no_blobs
from lineage_pipelines.queries.refs import known_partition
from lineage_pipelines.queries.registry.baseline import preceding_versions
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
        places = [*islice(catalog.index.places_of(partition.model, partition.identity), limit)]
        versions = catalog.index.summaries_at(places)[::-1]
    else:
        versions = catalog.index.summaries(partition.model, limit=limit)
    previous = preceding_versions(catalog, partition.model, versions)
    return [_line(each, previous.get(each.seq)) for each in versions]


def _line(version: SummarizedVersion, previous: SummarizedVersion | None) -> LoggedVersion:
    data = compare_datasets(previous, version, Ways(blobs=no_blobs)) if previous else ()
    summary = version.summary
    return LoggedVersion(
        version=version.version,
        record=version.digest,
        created=version.recorded,
        run_id=summary.run_id,
        metrics=summary.metrics,
        revision=summary.revision,
        dirty=summary.dirty,
        data={snapshot.name: snapshot.digest for snapshot in version.data},
        changed=frozenset(each.name for each in data if each.kind not in (Kind.IDENTICAL, Kind.REMOVED)),
        checks=summary.checks,
        failed=summary.failed,
    )
