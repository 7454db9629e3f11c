"""Log: the versions of a model, newest first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.records.statement.metric import by_interest
from lineage_pipelines.records.values.phrase import count, some_of
from lineage_pipelines.reports.document import Document, Paragraph, Table
from lineage_pipelines.reports.formatting import number, short_digest, shorten

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.version_log import LoggedVersion
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time, to_json

if TYPE_CHECKING:
    from lineage_pipelines.queries.versions.version_log import LoggedVersion


_MAX_METRICS = 3
_MAX_INPUTS = 3
"""More inputs than that have one column, which names those that changed."""
_MAX_NAME = 14
_MAX_NAMED = 2


def log_document(versions: "Sequence[LoggedVersion]") -> Document:
    """List the versions of a model, newest first; a star marks what differs from the version before.

    A version is a line of a terminal: the more inputs it has, the fewer metrics are shown.
    """
    inputs = list(dict.fromkeys(name for version in versions for name in version.data))
    most = max(1, _MAX_METRICS - min(len(inputs), _MAX_INPUTS))
    metrics = by_interest({name for version in versions for name in version.metrics})[:most]
    many = len(inputs) > _MAX_INPUTS
    named = ["changed data"] if many else [shorten(name, _MAX_NAME) for name in inputs]
    shown = [shorten(name, _MAX_NAME) for name in metrics]
    head = ["version", "committed", *shown, "revision", *named, "checks"]
    rows = [_log_row(version, metrics, inputs, many=many) for version in versions]
    legend = "* behind data: changed since the version before; behind a revision: with uncommitted changes"
    return Document([Table(head, rows, frozenset({"version", *shown})), Paragraph(f"\n  {legend}", "dim")])


def _log_row(version: "LoggedVersion", metrics: Sequence[str], inputs: Sequence[str], *, many: bool) -> list[str]:
    digests = {name: short_digest(found.md5 or found.sha256)[:8] for name, found in version.data.items()}
    changed = some_of([shorten(name, _MAX_NAME) for name in sorted(version.changed)], most=_MAX_NAMED) or "–"
    failed = version.failed[0] if len(version.failed) == 1 else count(len(version.failed), "check")
    return [
        str(version.version),
        f"{version.created:%Y-%m-%d %H:%M}",
        *(number(version.metrics[name]) if name in version.metrics else "–" for name in metrics),
        f"{(version.revision or '–')[:8]}{'*' if version.dirty else ''}",
        *(
            [changed]
            if many
            else (f"{digests.get(name, '–')}{'*' if name in version.changed else ''}" for name in inputs)
        ),
        f"FAILED: {failed}" if version.failed else "passed" if version.checks else "none",
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
