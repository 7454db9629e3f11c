"""Rebuild of the indexes from the log, in its order."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import log
from lineage_pipelines.catalog.index import alias_index, record_index
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.entries import APPROVAL, DECISION, RECORD, of_kind
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.records.statement.lineage_record import LineageRecord, decode

_PAGE = 500
_CACHE_KILOBYTES = 200_000
_REMEMBERED = 50_000
"""So many entities are remembered while every record is indexed again."""


def index_again(connection: sa.Connection, log_at: sa.Connection | None = None) -> int:
    """Index every record of the log, in its order; return how many there are.

    Args:
        connection: where the index is, empty.
        log_at: where the log is, if that is elsewhere.

    Raises:
        CatalogError: an entry's bytes do not match its digest, or are no record.
    """
    if connection.dialect.name == "sqlite":
        # Entities come in no order: with the usual 2 MB of cache, a large index is read from the disk again and again.
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")
    numbers: Counter[str] = Counter()
    known: dict[record_index.Entity, int] = {}
    for row in _entries(log_at or connection, RECORD):
        digest, record = reader.check_body(row, f"entry {row.seq}"), _decoded(row)
        numbers[record.model.name] += 1
        record_index.add_version(connection, row.seq, digest, record, numbers[record.model.name], known=known)
        if len(known) > _REMEMBERED:
            known.clear()
    for kind in (DECISION, APPROVAL):
        for row in _entries(log_at or connection, kind):
            reader.check_body(row, f"entry {row.seq}")
            alias_index.add(connection, row.seq, kind, row.body)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size = -2000")  # SQLite's own; the connection is used again
    return numbers.total()


def _entries(connection: sa.Connection, kind: str) -> Iterator[Any]:
    """Yield the entries of a kind, a page at a time: what is written in between may be in the same database."""
    columns = sa.select(log.c.seq, log.c.digest, log.c.body).where(of_kind(kind)).order_by(log.c.seq)
    last = 0
    while rows := connection.execute(columns.where(log.c.seq > last).limit(_PAGE)).all():
        yield from rows
        last = rows[-1].seq


def _decoded(row: sa.Row[Any]) -> LineageRecord:
    try:
        return decode(row.body)
    except RecordError as error:
        raise CatalogError(error.what, where=f"entry {row.seq} of the log", fix=error.fix) from error
