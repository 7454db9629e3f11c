"""Path check: no path of a record shows as another one, or leads out of the folder that it is relative to.

Checked before a record is appended: from the log it could never be removed, and files are written to recorded paths
when a version is run again. What is outside the project is named by the steps of its preparation alone.
"""

import re
from collections.abc import Iterator

from lineage_pipelines.errors import RecordError, visible
from lineage_pipelines.records.statement.lineage_record import LineageRecord

_UP = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)")
_OUTSIDE = re.compile(r"(?:\.\./)+")


def check_paths(record: LineageRecord) -> None:
    """Refuse a record with a path that holds control, invisible or bidirectional characters, or `..`.

    Raises:
        RecordError: there is such a path.
    """
    for where, path in _paths(record):
        # What lies beside the project is `../shared/a.csv`: `..` can only begin such a path.
        below = _OUTSIDE.sub("", path, count=1) if where.startswith("stages") and path.startswith("../") else path
        if visible(path) != path:
            raise RecordError(
                f"a path with characters that cannot be seen: {visible(path)[:200]!r}",
                where=f"record.{where}",
                fix="rename the file",
            )
        if _UP.search(below):
            raise RecordError(
                f"a path that leads upwards: {path[:200]!r}", where=f"record.{where}", fix="name the file without '..'"
            )


def _paths(record: LineageRecord) -> Iterator[tuple[str, str]]:
    for snapshot in record.data:
        yield "data", snapshot.path
    for stage in record.stages:
        for used in stage.deps:
            yield "stages", used.path
        for made in stage.outs:
            yield "stages", made.path
    for source in record.sources:
        yield "sources", source.file
        yield "sources", source.path
    for file in record.code.source.files if record.code.source else ():
        yield "code.source", file.path
