"""Version list: the last versions of a model, as a table on its page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import dagster as dg

from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.queries.diff.explanation.change import Change, Layer
from lineage_pipelines.records.statement.lineage_record import LineageRecord, same_data
from lineage_pipelines.records.statement.metric import by_interest, metric_text
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines.reports.formatting import person, shorten

if TYPE_CHECKING:
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry

_MAX_VERSIONS = 20
_MAX_CHANGES = 2
_MAX_TEXT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVersion:
    """A version in the list."""

    entry: "Entry"
    changes: Sequence[Change]
    """What differs from the version before, the most likely explanation of a difference first."""
    aliases: Sequence[str]
    """That name it now."""


def list_versions(
    catalog: "Catalog", entry: "Entry", *, artifacts: "ArtifactStore | None" = None, limit: int = _MAX_VERSIONS
) -> Sequence[ListedVersion]:
    """Return a version and those before it, of the same partition, newest first.

    Args:
        catalog: the catalog.
        entry: the version.
        artifacts: the store of profiles and sources; without it only digests are compared.
        limit: how many versions.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    from lineage_pipelines.queries.diff.comparison import compare_records
    from lineage_pipelines.queries.diff.explanation.ranking import rank
    from lineage_pipelines.queries.registry.alias_history import aliases_of
    from lineage_pipelines.queries.registry.baseline import earlier_versions

    found = list(islice(earlier_versions(catalog, entry), limit))
    pairs = zip([entry, *found], [*found, None], strict=True)
    return [
        ListedVersion(
            entry=each,
            changes=rank(compare_records(before.record, each.record, artifacts=artifacts)) if before else (),
            aliases=aliases_of(catalog, each),
        )
        for each, before in list(pairs)[:limit]
    ]


def version_table(versions: Sequence[ListedVersion]) -> dg.TableMetadataValue | None:
    """Return the list as a table; None where the version has none before it.

    A metric that was measured on other data than that of the newest version says so.
    """
    if len(versions) < 2:  # noqa: PLR2004  # a list of one says nothing
        return None
    newest = versions[0].entry.record
    metrics = newest.evaluation.metrics if newest.evaluation else {}
    metric = next(iter(by_interest(metrics)), None)
    return metadata_keys.table(_row(each, metric, newest) for each in versions)


def _row(listed: ListedVersion, metric: str | None, newest: LineageRecord) -> dict[str, str | int]:
    entry, run = listed.entry, listed.entry.record.run
    by = person(run.dagster.launched_by, run.dagster.known_by) if run.dagster else run.user or "unknown"
    row: dict[str, str | int] = {
        "version": f"{entry.version} {' '.join(listed.aliases)}".strip(),
        "made": f"{entry.recorded:%Y-%m-%d} {by}",
        "changed": shorten("; ".join(_changed(listed)), _MAX_TEXT) or "first version",
    }
    if metric is not None:
        row[metric] = _score(entry.record, metric, newest)
    row["checks"] = _checks(entry.record)
    return row


def _changed(listed: ListedVersion) -> Iterator[str]:
    causes = [change for change in listed.changes if change.layer not in (Layer.EVALUATION, Layer.METRICS)]
    yield from (change_text(change) for change in (causes or listed.changes)[:_MAX_CHANGES])


def _score(record: LineageRecord, metric: str, newest: LineageRecord) -> str:
    evaluation = record.evaluation
    if evaluation is None or metric not in evaluation.metrics:
        return "–"
    other = same_data(record.measured_on, newest.measured_on) is False
    return f"{metric_text(evaluation.metrics[metric])}{' on other data' if other else ''}"


def _checks(record: LineageRecord) -> str:
    checks = record.evaluation.checks if record.evaluation else ()
    failed = sum(not check.passed for check in checks)
    return f"{failed} FAILED" if failed else "passed" if checks else "none"
