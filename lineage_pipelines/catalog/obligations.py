"""What a catalog keeps of unfinished work, as a caller asks for it; see `unfinished`."""

from collections.abc import Sequence

from lineage_pipelines.catalog import migrations, reading, unfinished
from lineage_pipelines.catalog.entries import Entry
from lineage_pipelines.catalog.opened import OpenCatalog
from lineage_pipelines.catalog.unfinished import Attempt, AttemptEnd

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
                return unfinished.begin(
                    connection, run_key=run_key, model=model, host=host, process=process, run=run, folder=folder
                )

        return self._insist(begin)

    def end_attempt(self, attempt: Attempt, how: AttemptEnd) -> None:
        """Say how an attempt ended that committed nothing, unless its end is known: it may not commit any more.

        Raises:
            CatalogError: the catalog cannot be written.
        """
        with self._writing() as connection:
            unfinished.end(connection, attempt.run_key, attempt.epoch, how)

    def running_attempts(self) -> Sequence[Attempt]:
        """Return every attempt whose end is not known, oldest first: it is running, or was killed."""
        if self.schema_version < migrations.UNFINISHED:
            return []
        with self._reading() as connection:
            return unfinished.running(connection)

    def undelivered(self, destination: str) -> Sequence[Entry]:
        """Return the versions that another system is yet to be told of, in the order of the log.

        Args:
            destination: the system, as `append` was given it.
        """
        with self._reading() as connection:
            if self.schema_version < migrations.UNFINISHED:
                return reading.at(connection, None)
            return reading.at(connection, unfinished.undelivered(connection, destination))

    def deliver(self, destination: str, entries: Sequence[Entry]) -> None:
        """Say that another system knows these versions now.

        Raises:
            CatalogError: the catalog cannot be written.
        """
        with self._writing() as connection:
            unfinished.deliver(connection, destination, [entry.seq for entry in entries])
