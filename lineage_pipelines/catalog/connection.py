"""Connection of a catalog: one database, opened once, with one transaction at a time.

Safe to share between threads and to carry over a fork.
"""

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import sqlalchemy as sa

from lineage_pipelines.catalog.backends import migrations
from lineage_pipelines.catalog.backends.database import Database, LostConnectionError, UnknownOutcomeError
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.settings import POSTGRESQL

Answer = TypeVar("Answer")
RECONNECT_SECONDS = 60.0
"""How long a write is repeated while the database server cannot be reached."""
REFUSED_SECONDS = 5.0
"""How long opening is repeated while nothing answers at all; a server that is starting is waited for as above."""
_STARTING = "the database system is"
"""The beginning of what PostgreSQL says while it starts, recovers or shuts down."""


class CatalogConnection:
    """An opened database of a catalog, migrated to the newest schema unless it is read-only.

    Args:
        url: see `Catalog`.
        create: whether to create the catalog if it does not exist.
        read_only: whether to refuse every write, enforced by the database itself.
        rebuild_index: derives the index from the log; called by a migration that creates the index tables anew.

    Raises:
        NotFoundError: there is no catalog and it is not to be created.
        CatalogError: it cannot be opened, is damaged, or its triggers were changed.
    """

    def __init__(
        self, url: str, *, create: bool, read_only: bool, rebuild_index: Callable[[sa.Connection], object]
    ) -> None:
        self.database = database_at(url)
        self.url = self.database.url
        self.read_only = read_only
        self.engine = self.database.open_engine(create=create, read_only=read_only)
        self._pid = os.getpid()
        try:
            self.found_schema = self._retry_open(self._check_readable)
            self.schema_version = self._retry_open(lambda: self._provide_schema(rebuild_index))
        except BaseException:
            self.close()
            raise

    def _check_readable(self) -> int:
        with self.reading() as connection:
            return migrations.check_readable(connection, self.database)

    def _retry_open(self, ask: Callable[[], Answer]) -> Answer:
        """Call `ask` again while the server is starting, and for `REFUSED_SECONDS` while nothing answers.

        A migration is one transaction, and is begun again from the schema that is found then.
        """
        begun = time.monotonic()
        while True:
            try:
                return ask()
            except LostConnectionError as error:
                patience = RECONNECT_SECONDS if _STARTING in error.what else REFUSED_SECONDS
                if time.monotonic() - begun > patience:
                    raise
                time.sleep(random.uniform(0.2, 1))  # noqa: S311  # spreads readers, guards nothing

    def _provide_schema(self, rebuild_index: Callable[[sa.Connection], object]) -> int:
        found = self.found_schema
        if found == 0 and self.read_only:
            raise NotFoundError("the catalog is empty", where=self.url, fix="materialize a model asset first")
        if self.read_only:  # an index that an older schema lacks is built in memory when it is needed
            return found
        migrations.check_not_newer(found, self.url)
        if found < migrations.NEWEST:
            if found:
                with self.database.translated():
                    self.database.keep_copy(found)
            with self._transaction(writing=True) as connection:
                migrations.migrate(connection, self.database, rebuild_index)
        return migrations.NEWEST

    def close(self) -> None:
        """Close every connection to the database."""
        self.engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        with self._transaction(writing=False) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes; it waits until no other transaction writes.

        Raises:
            CatalogError: the catalog was opened read-only, or a newer release has changed its schema.
        """
        if self.read_only:
            raise CatalogError("the catalog was opened for reading only", where=self.url)
        with self._transaction(writing=True) as connection:
            # Checked every time: a newer release may have changed the schema since this catalog was opened.
            migrations.check_writable(connection, self.database)
            yield connection

    @contextlib.contextmanager
    def writing_once(self) -> Iterator[sa.Connection]:
        """Open a transaction that must not be repeated: a decision that is committed twice is two decisions.

        Raises:
            LostConnectionError: the server was lost before COMMIT was sent; nothing was stored.
            UnknownOutcomeError: the server was lost after COMMIT was sent; the entry may have been stored.
            CatalogError: see `writing`.
        """
        commit_sent = False
        try:
            with self.writing() as connection:
                yield connection
                commit_sent = True  # COMMIT follows, and only its answer would say that it was done
        except LostConnectionError as error:
            if not commit_sent:
                fix = "check that PostgreSQL is running and accepts your connection, then repeat the command"
                raise LostConnectionError(f"{error.what}; nothing was stored", where=error.where, fix=fix) from error
            what = f"{error.what}, and whether this was stored is not known"
            fix = "when the server answers again, look (lineage history MODEL, lineage key list) before you repeat it"
            raise UnknownOutcomeError(what, where=error.where, fix=fix) from error

    def retry(self, ask: Callable[[], Answer]) -> Answer:
        """Call `ask` again while the database server cannot be reached, for at most `RECONNECT_SECONDS`.

        Only for what is idempotent, such as the commit of a record: a run has one version.
        """
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                return ask()
            except LostConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.2, 1))  # noqa: S311  # spreads writers, guards nothing

    @contextlib.contextmanager
    def exclusive(self, name: str) -> Iterator[bool]:
        """Try to take the lock `name` of this catalog; yield whether this process holds it. See `Outbox.exclusive`."""
        self._renew_after_fork()
        with self.database.translated(), self.database.exclusive(self.engine, name) as held:
            yield held

    @contextlib.contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[sa.Connection]:
        self._renew_after_fork()
        options: dict[str, Any] = {"writing": writing}
        with self.database.translated(), self.engine.execution_options(**options).begin() as connection:
            yield connection

    def _renew_after_fork(self) -> None:
        # A connection must not be used by two processes; the parent keeps the ones it has.
        if os.getpid() != self._pid:
            self.engine.dispose(close=False)
            self._pid = os.getpid()


def database_at(url: str) -> Database:
    """Return the database that a catalog's URL names.

    Raises:
        CatalogError: the URL names no database that can hold a catalog.
    """
    if url.startswith(POSTGRESQL):
        from lineage_pipelines.catalog.backends.postgres import Postgres

        return Postgres(url)
    from lineage_pipelines.catalog.backends.sqlite import Sqlite

    return Sqlite(url)
