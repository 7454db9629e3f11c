"""Outbox: what other systems are yet to be sent, and the announced attempts of a catalog.

What Dagster and MLflow are to be sent is written with the entry, in one transaction (the transactional outbox
pattern), and stays pending until its arrival is recorded. For attempts see `attempts`.
"""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from lineage_pipelines.catalog.backends import migrations
from lineage_pipelines.catalog.backends.schema_tables import delivery, outbox
from lineage_pipelines.catalog.connection import CatalogConnection
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.catalog_log import CatalogLog
from lineage_pipelines.catalog.log.entries import Entry, LogEntry
from lineage_pipelines.catalog.outbox import attempts, outbox_check
from lineage_pipelines.catalog.outbox.attempts import Attempt, AttemptEnd
from lineage_pipelines.records.values.codec import format_time

DAGSTER = "dagster"
"""The destination of materialization events: of versions, and of decisions that move an alias."""
_POST = outbox.insert()


class Outbox:
    """The outbox of a catalog, and its attempts.

    Args:
        connection: the catalog's.
        log: its log.
        mirrors: the destinations of every version, decision and approval.
    """

    def __init__(self, connection: CatalogConnection, log: CatalogLog, mirrors: Sequence[str]) -> None:
        self._connection = connection
        self._log = log
        self.mirrors = tuple(mirrors)

    # Deliveries

    def pending(self, destination: str, *, limit: int = 500) -> Sequence[LogEntry]:
        """Return the entries that a destination is yet to be sent, in the order of the log, unchecked.

        Args:
            destination: one of `mirrors` when the entries were committed.
            limit: how many at most.
        """
        if self._connection.schema_version < migrations.UNFINISHED:
            return []
        with self._connection.reading() as connection:
            seqs = pending_places(connection, destination)[:limit]
        return list(self._log.entries_at(seqs))

    def pending_versions(self, destination: str) -> Sequence[Entry]:
        """Return the versions that a destination is yet to be sent, in the order of the log.

        A catalog of a schema without an outbox returns every version.

        Args:
            destination: one that `Catalog.append` was given as `notify`.
        """
        with self._connection.reading() as connection:
            if self._connection.schema_version < migrations.UNFINISHED:
                return reader.at(connection, None)
            return reader.at(connection, pending_places(connection, destination))

    def mark_delivered(self, destination: str, entries: Sequence[Entry | LogEntry]) -> None:
        """Record that a destination has these entries.

        Raises:
            CatalogError: the catalog cannot be written.
        """
        given = {entry.seq for entry in entries}
        if self._connection.schema_version >= migrations.UNFINISHED:
            with self._connection.reading() as connection:
                if given.isdisjoint(pending_places(connection, destination)):
                    return  # without a lock that other writers would wait for
        with self._connection.writing() as connection:
            seqs = sorted(given.intersection(pending_places(connection, destination)))
            now = format_time(datetime.now(UTC))
            rows = [{"destination": destination, "seq": seq, "delivered": now} for seq in seqs]
            if rows:
                connection.execute(delivery.insert(), rows)

    def exclusive(self, name: str) -> contextlib.AbstractContextManager[bool]:
        """Try to take a lock that one process at a time holds, on whatever machine; yield whether this one holds it.

        It is released when the process ends, however it ends.

        Args:
            name: a word for what is done under it.

        Raises:
            CatalogError: the catalog's database cannot be reached.
        """
        return self._connection.exclusive(name)

    # Attempts

    def begin_attempt(
        self,
        run_key: str,
        model: str,
        *,
        host: str,
        process: str,
        run: str | None = None,
        folder: str | None = None,
    ) -> Attempt:
        """Announce an attempt at a run before it trains: from now on no earlier attempt of the run may commit.

        Args:
            run_key: the run.
            model: the model's name.
            host: the machine.
            process: identifies the process for as long as the machine runs.
            run: the Dagster run.
            folder: the attempt's private folder.

        Raises:
            CatalogError: the catalog cannot be written.
        """

        def begin() -> Attempt:
            with self._connection.writing() as connection:
                return attempts.begin(
                    connection, run_key=run_key, model=model, host=host, process=process, run=run, folder=folder
                )

        return self._connection.retry(begin)

    def end_attempt(self, attempt: Attempt, how: AttemptEnd) -> None:
        """Record how an attempt ended that committed nothing, unless its end is recorded: it may not commit any more.

        Raises:
            CatalogError: the catalog cannot be written.
        """
        with self._connection.writing() as connection:
            attempts.end(connection, attempt.run_key, attempt.epoch, how)

    def running_attempts(self) -> Sequence[Attempt]:
        """Return every attempt without a recorded end, oldest first: it is running, or was killed."""
        if self._connection.schema_version < migrations.UNFINISHED:
            return []
        with self._connection.reading() as connection:
            return attempts.running(connection)

    # Check

    def contradictions(self) -> Sequence[tuple[int | None, str]]:
        """Return what in outbox, attempts and migrations contradicts the rest, in words, with the entry it is about."""
        if self._connection.schema_version < migrations.UNFINISHED:
            return []
        with self._connection.reading() as connection:
            number = migrations.surplus(connection)
            found = list(outbox_check.contradictions(connection))
        if number is not None and self._connection.schema_version == migrations.NEWEST:
            found.append((None, f"says that its schema is {number}, and is of schema {migrations.NEWEST}"))
        return found


def post(connection: sa.Connection, seq: int, destinations: Sequence[str]) -> None:
    """Put an entry into the outbox, in the transaction that commits it."""
    if destinations:
        connection.execute(_POST, [{"destination": destination, "seq": seq} for destination in destinations])


def pending_places(connection: sa.Connection, destination: str) -> Sequence[int]:
    """Return the places of the entries that a destination is yet to be sent, in order."""
    delivered = sa.and_(delivery.c.destination == outbox.c.destination, delivery.c.seq == outbox.c.seq)
    statement = (
        sa.select(outbox.c.seq)
        .outerjoin(delivery, delivered)
        .where(outbox.c.destination == destination, delivery.c.seq.is_(None))
        .order_by(outbox.c.seq)
    )
    return list(connection.scalars(statement))
