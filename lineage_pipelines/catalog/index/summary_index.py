"""Summary index: what a list of versions shows of each, so that it decodes no record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import summary, version
from lineage_pipelines.catalog.index.version_summary import VersionSummary, summarize
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import from_json, parse_time, to_json

_ADD = summary.insert()
_MANY = 500
"""How many places a statement names."""
_COLUMNS = (version.c.seq, version.c.version, version.c.digest, summary.c.recorded, summary.c.body)
_SUMMARIES: sa.Select[Any] = sa.select(*_COLUMNS).join_from(
    version, summary, summary.c.seq == version.c.seq, isouter=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarizedVersion:
    """A version, and the summary of its record."""

    seq: int
    """The place of its record in the log."""
    version: int
    digest: str
    """The SHA-256 of its record, hex."""
    recorded: datetime
    """When it was committed, in UTC."""
    summary: VersionSummary

    @property
    def data(self) -> Sequence[DatasetSnapshot]:
        """Its inputs, by name, role, path and digest alone."""
        return self.summary.data


def summarize_entry(entry: Entry) -> SummarizedVersion:
    """Return the summary of a version from its record.

    Raises:
        CatalogError: the record cannot be read.
    """
    return SummarizedVersion(
        seq=entry.seq,
        version=entry.version,
        digest=entry.digest.hex,
        recorded=entry.recorded,
        summary=summarize(entry.record),
    )


def add(connection: sa.Connection, seq: int, recorded: str, record: LineageRecord) -> None:
    """Keep the summary of a record.

    Args:
        connection: in a write transaction.
        seq: the entry's place.
        recorded: when it was committed, as the log has it.
        record: the record.
    """
    connection.execute(_ADD, {"seq": seq, "recorded": recorded, "body": body_of(record)})


def body_of(record: LineageRecord) -> str:
    """Return the summary of a record as the index has it."""
    return canonical_bytes(to_json(summarize(record), "summary")).decode()


def of_model(
    connection: sa.Connection, model: str, *, limit: int | None, before: int | None
) -> Sequence[SummarizedVersion | int]:
    """Return the versions of a model, newest first; of one without a summary, as a newer release may add it, its place.

    Args:
        connection: a connection to the index.
        model: the model's name.
        limit: how many at most.
        before: only versions below this one.
    """
    statement = _SUMMARIES.where(version.c.model == model).order_by(version.c.version.desc())
    if before is not None:
        statement = statement.where(version.c.version < before)
    if limit is not None:
        statement = statement.limit(limit)
    return [_summarized(row) for row in connection.execute(statement)]


def at(connection: sa.Connection, seqs: Sequence[int]) -> Sequence[SummarizedVersion | int]:
    """Return the versions at these places in the log, in its order, as `of_model` does."""
    found: list[SummarizedVersion | int] = []
    for start in range(0, len(seqs), _MANY):
        some = _SUMMARIES.where(version.c.seq.in_(seqs[start : start + _MANY])).order_by(version.c.seq)
        found.extend(_summarized(row) for row in connection.execute(some))
    return found


def _summarized(row: sa.Row[Any]) -> SummarizedVersion | int:
    if row.body is None:
        return int(row.seq)
    try:
        found: VersionSummary = from_json(VersionSummary, parse_bytes(row.body.encode()), "summary")
        recorded = parse_time(row.recorded)
    except RecordError as error:
        raise CatalogError(
            f"the index is damaged: {error.what}",
            where=f"summary of entry {row.seq}",
            fix="rebuild it from the log with Catalog.rebuild()",
        ) from error
    return SummarizedVersion(seq=row.seq, version=row.version, digest=row.digest, recorded=recorded, summary=found)
