"""What a catalog keeps of unfinished work, as a caller asks for it; see `unfinished`."""

import contextlib
from collections.abc import Iterator, Sequence

from lineage_pipelines.catalog.backends import migrations
from lineage_pipelines.catalog.connection import OpenCatalog
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.entries import Entry, LogEntry
from lineage_pipelines.catalog.outbox import attempts
from lineage_pipelines.catalog.outbox.attempts import Attempt, AttemptEnd

DAGSTER = "dagster"
"""The destination of materialization events."""


class CatalogWithObligations(OpenCatalog):
    """The part of `Catalog` that knows attempts and the outbox."""

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
            process: names the process as long as the machine runs.
            run: the Dagster run.
            folder: the attempt's private folder.

        Raises:
            CatalogError: the catalog cannot be written.
        """

        def begin() -> Attempt:
            with self._writing() as connection:
                return attempts.begin(
                    connection, run_key=run_key, model=model, host=host, process=process, run=run, folder=folder
                )

        return self._insist(begin)

    def end_attempt(self, attempt: Attempt, how: AttemptEnd) -> None:
        """Say how an attempt ended that committed nothing, unless its end is known: it may not commit any more.

        Raises:
            CatalogError: the catalog cannot be written.
        """
        with self._writing() as connection:
            attempts.end(connection, attempt.run_key, attempt.epoch, how)

    def running_attempts(self) -> Sequence[Attempt]:
        """Return every attempt whose end is not known, oldest first: it is running, or was killed."""
        if self.schema_version < migrations.UNFINISHED:
            return []
        with self._reading() as connection:
            return attempts.running(connection)

    def undelivered(self, destination: str) -> Sequence[Entry]:
        """Return the versions that another system is yet to be told of, in the order of the log.

        Args:
            destination: the system, as `append` was given it.
        """
        with self._reading() as connection:
            if self.schema_version < migrations.UNFINISHED:
                return reader.at(connection, None)
            return reader.at(connection, attempts.undelivered(connection, destination))

    def owed(self, destination: str, *, limit: int = 500) -> Sequence[LogEntry]:
        """Return what another system is yet to be told of, versions, decisions and approvals, in the log's order.

        Args:
            destination: the system, one of `mirrors` when they were committed.
            limit: how many at most.
        """
        if self.schema_version < migrations.UNFINISHED:
            return []
        with self._reading() as connection:
            seqs = attempts.undelivered(connection, destination)[:limit]
            return [*reader.walk(connection, signed=self.schema_version >= migrations.SIGNED, seqs=seqs)]

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Hold a lock that one process at a time has, whatever machine it runs on; yield whether this one has it.

        It is let go when the process ends, however it ends.

        Args:
            name: what is done under it, a word.

        Raises:
            CatalogError: the catalog's database cannot be reached.
        """
        self._renew_after_fork()
        with self._database.translated(), self._database.alone(self._engine, name) as held:
            yield held

    def deliver(self, destination: str, entries: Sequence[Entry | LogEntry]) -> None:
        """Say that another system knows these entries now.

        Raises:
            CatalogError: the catalog cannot be written.
        """
        with self._writing() as connection:
            attempts.deliver(connection, destination, [entry.seq for entry in entries])
