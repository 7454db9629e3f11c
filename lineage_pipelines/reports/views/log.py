"""Log: the versions of a model, newest first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.records.statement.metric import by_interest
from lineage_pipelines.reports.document import Document, Paragraph, Table
from lineage_pipelines.reports.formatting import number, short_digest, utc_time

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.version_log import LoggedVersion
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time, to_json

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.version_log import LoggedVersion


_MOST_METRICS = 3


def log_document(versions: "Sequence[LoggedVersion]") -> Document:
    """List the versions of a model, newest first; a star marks what differs from the version before."""
    metrics = by_interest({name for version in versions for name in version.metrics})[:_MOST_METRICS]
    inputs = list(dict.fromkeys(name for version in versions for name in version.data))
    head = ["version", "committed", *metrics, "revision", *inputs, "checks"]
    rows = [_log_row(version, metrics, inputs) for version in versions]
    legend = "* behind data: changed since the version before; behind a revision: with uncommitted changes"
    return Document([Table(head, rows, frozenset({"version", *metrics})), Paragraph(f"\n  {legend}", "dim")])


def _log_row(version: "LoggedVersion", metrics: Sequence[str], inputs: Sequence[str]) -> list[str]:
    digests = {name: short_digest(found.md5 or found.sha256)[:8] for name, found in version.data.items()}
    return [
        str(version.version),
        utc_time(version.created).removesuffix(" UTC"),
        *(number(version.metrics[name]) if name in version.metrics else "–" for name in metrics),
        f"{(version.revision or '–')[:8]}{'*' if version.dirty else ''}",
        *(f"{digests.get(name, '–')}{'*' if name in version.changed else ''}" for name in inputs),
        f"FAILED: {', '.join(version.failed)}" if version.failed else "passed" if version.checks else "none",
    ]


def log_json(versions: "Sequence[LoggedVersion]") -> Json:
    """Return the versions of a model, newest first."""
    return [
        {
            "version": version.version,
            "record": version.record,
            "created": format_time(version.created),
            "run_id": version.run_id,
            "metrics": dict(version.metrics),
            "revision": version.revision,
            "dirty": version.dirty,
            "data": {name: to_json(digest) for name, digest in version.data.items()},
            "changed": sorted(version.changed),
            "checks": version.checks,
            "failed_checks": list(version.failed),
        }
        for version in versions
    ]
