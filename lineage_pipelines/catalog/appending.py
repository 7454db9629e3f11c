"""How a record becomes an entry: what it follows, whether its run has a version already, its place and its number.

Called within the transaction that commits it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog import index, judged, reading, unfinished
from lineage_pipelines.catalog.entries import Entry
from lineage_pipelines.catalog.kinds import APPROVAL, DECISION, RECORD, of_kind
from lineage_pipelines.catalog.retries import differences
from lineage_pipelines.catalog.signing import LogKey
from lineage_pipelines.catalog.tables import log, version
from lineage_pipelines.catalog.unfinished import Attempt, AttemptEnd
from lineage_pipelines.catalog.writing import write_entry
from lineage_pipelines.errors import CatalogError, ConflictError, RecordError
from lineage_pipelines.records import Digest, LineageRecord, decode, encode

_SHOWN = 6
_PAGE = 500
_CACHE_KILOBYTES = 200_000
_REMEMBERED = 50_000
"""So many entities are remembered while every record is indexed again."""
_run: sa.BindParameter[str] = sa.bindparam("run")
_name: sa.BindParameter[str] = sa.bindparam("model")
_newest = sa.select(version.c.version).where(version.c.model == _name).order_by(version.c.version.desc()).limit(1)
_STANDING: sa.Select[Any] = sa.select(
    sa.select(version.c.seq).where(version.c.run_key == _run).scalar_subquery().label("committed"),
    _newest.scalar_subquery().label("newest"),
    _newest.with_only_columns(version.c.digest).scalar_subquery().label("head"),
    *unfinished.FENCE,
)
"""All that decides about an append: whether the run has a version, the number and the digest of its model's newest
version, and the run's attempts."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record and its bytes, on the assumption that it follows `record.model.previous`."""

    record: LineageRecord
    """As it will be read: bytes do not tell the whole numbers of a newer schema's fields from integers."""
    body: bytes


def draft(record: LineageRecord, previous: Digest | None) -> Draft:
    """Encode a record as the one that follows `previous`.

    Raises:
        RecordError: it has no exact form, or one that could not be read again: such bytes must not get into a log
            that nothing leaves.
    """
    body = encode(_following(record, previous))
    return Draft(decode(body), body)


def _following(record: LineageRecord, previous: Digest | None) -> LineageRecord:
    return replace(record, model=replace(record.model, previous=previous))


def append(
    connection: sa.Connection,
    given: LineageRecord,
    drafted: Draft,
    key: LogKey | None = None,
    *,
    attempt: Attempt | None = None,
    tell: Sequence[str] = (),
) -> Entry:
    """Commit `given` as the next version of its model, or return the version that its run already has.

    Args:
        connection: in a write transaction.
        given: the record as the caller gave it.
        drafted: the same, encoded before the transaction began.
        key: what signs the entry.
        attempt: the attempt that made it.
        tell: the systems that are to be told.

    Raises:
        ConflictError: see `Catalog.append`.
    """
    epoch = attempt.epoch if attempt is not None else 0
    asked = {"run": given.model.run_key, "model": given.model.name, "attempt": epoch}
    standing = connection.execute(_STANDING, asked).one()
    committed = reading.by_run_key(connection, given.model.run_key) if standing.committed is not None else None
    if committed is not None:
        entry = _same_run(committed, drafted.record)
    else:
        unfinished.check_fence(given.model.run_key, epoch, highest=standing.highest, ended=standing.ended)
        entry = _next(connection, given, drafted, key, standing)
        unfinished.post(connection, entry.seq, tell)
    if attempt is not None:
        unfinished.end(connection, attempt.run_key, attempt.epoch, AttemptEnd.COMMITTED)
    return entry


def _next(
    connection: sa.Connection, given: LineageRecord, drafted: Draft, key: LogKey | None, standing: sa.Row[Any]
) -> Entry:
    head = Digest("sha256", standing.head) if standing.head is not None else None
    _check_follows(given, head)
    if drafted.record.model.previous != head:  # another writer came first
        record = _following(drafted.record, head)  # which was read already: another digest makes it no less readable
        drafted = Draft(record, encode(record))
    return _insert(connection, drafted, key, (standing.newest or 0) + 1)


def _same_run(committed: Entry, given: LineageRecord) -> Entry:
    changed = differences(committed.record, given)
    if not changed:
        return committed
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    raise ConflictError(
        f"the run already has {committed.ref}, which says otherwise about: {', '.join(changed[:_SHOWN])}{more}",
        where=f"run key {given.model.run_key[:12]}, record {committed.digest}",
        fix=f"nothing was stored; use {committed.ref}, or train in a new run for a new version",
    )


def _check_follows(given: LineageRecord, head: Digest | None) -> None:
    previous = given.model.previous
    if previous is not None and previous != head:
        raise ConflictError(
            f"the record follows {previous}, but the newest record of {given.model.name!r} is {head or 'none'}",
            fix="leave `previous` out, or build the record again on the newest one",
        )


def _insert(connection: sa.Connection, drafted: Draft, key: LogKey | None, number: int) -> Entry:
    written = write_entry(connection, RECORD, drafted.body, key)
    index.add_version(connection, written.seq, written.digest, drafted.record, number)
    return Entry(
        seq=written.seq,
        model=drafted.record.model.name,
        version=number,
        digest=written.digest,
        body=drafted.body,
        recorded=written.recorded,
    )


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
    known: dict[index.Entity, int] = {}
    for row in _entries(log_at or connection, RECORD):
        digest, record = reading.check_body(row, f"entry {row.seq}"), _decoded(row)
        numbers[record.model.name] += 1
        index.add_version(connection, row.seq, digest, record, numbers[record.model.name], known=known)
        if len(known) > _REMEMBERED:
            known.clear()
    for kind in (DECISION, APPROVAL):
        for row in _entries(log_at or connection, kind):
            reading.check_body(row, f"entry {row.seq}")
            judged.add(connection, row.seq, kind, row.body)
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
