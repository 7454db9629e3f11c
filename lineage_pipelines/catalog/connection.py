"""A catalog's connections: opened once, one transaction at a time, safe to share and to carry over a fork."""

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from lineage_pipelines.catalog.backends import migrations
from lineage_pipelines.catalog.backends.database import Database, LostConnectionError, UnknownEndError
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.settings import POSTGRESQL

Answer = TypeVar("Answer")
RECONNECT_SECONDS = 60.0
"""How long a record is kept trying when the database's server went away."""


class OpenCatalog:
    """An opened catalog, before anything is asked of it; see `Catalog`."""

    def __init__(
        self,
        url: str,
        *,
        create: bool = True,
        read_only: bool = False,
        keys: Path | None = None,
        mirrors: Sequence[str] = (),
    ) -> None:
        self._database = database_at(url)
        self.url = self._database.url
        self.read_only = read_only
        self._keys = keys
        self._mirrors = tuple(mirrors)
        self._engine = self._database.open_engine(create=create, read_only=read_only)
        self._pid = os.getpid()
        try:
            self._check_schema()
        except BaseException:
            self.close()
            raise

    def _check_schema(self) -> None:
        with self._reading() as connection:
            self.schema_version = self.found_schema = migrations.check_readable(connection, self._database)
        if self.schema_version == 0 and self.read_only:
            raise NotFoundError("the catalog is empty", where=self.url, fix="materialize a model asset first")
        if self.read_only:  # what an older schema has no index for is indexed when it is asked, in memory
            return
        migrations.check_not_newer(self.schema_version, self.url)
        if self.schema_version < migrations.NEWEST:
            if self.schema_version:
                with self._database.translated():
                    self._database.keep_copy(self.schema_version)
            with self._transaction(writing=True) as connection:
                migrations.migrate(connection, self._database, self._index_again)
            self.schema_version = migrations.NEWEST

    def _index_again(self, connection: sa.Connection) -> int:
        """Derive the indexes from the log."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._transaction(writing=False) as connection:
            yield connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        if self.read_only:
            raise CatalogError("the catalog was opened for reading only", where=self.url)
        with self._transaction(writing=True) as connection:
            # Asked every time: a newer release may have changed the schema since this catalog was opened.
            migrations.check_writable(connection, self.url)
            yield connection

    @contextlib.contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[sa.Connection]:
        self._renew_after_fork()
        options: dict[str, Any] = {"writing": writing}
        with self._database.translated(), self._engine.execution_options(**options).begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _once(self) -> Iterator[sa.Connection]:
        """Write what may not be told twice: when the server is lost, the error says whether it can be there."""
        told = False
        try:
            with self._writing() as connection:
                yield connection
                told = True  # what follows is COMMIT, and only its answer would say that it was done
        except LostConnectionError as error:
            if not told:
                fix = "see whether PostgreSQL runs there and lets you in, and ask again"
                raise LostConnectionError(f"{error.what}; nothing was stored", where=error.where, fix=fix) from error
            what = f"{error.what}, and whether this was stored is not known"
            fix = "when the server answers again, look (lineage history MODEL, lineage key list) before you ask again"
            raise UnknownEndError(what, where=error.where, fix=fix) from error

    def _insist(self, ask: Callable[[], Answer]) -> Answer:
        """Ask again while the database's server is away. Only for what may be asked twice: a run has one version."""
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                return ask()
            except LostConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.2, 1))  # noqa: S311  # spreads writers, guards nothing

    def _renew_after_fork(self) -> None:
        # A connection must not be used by two processes; the parent keeps the ones it has.
        if os.getpid() != self._pid:
            self._engine.dispose(close=False)
            self._pid = os.getpid()


def database_at(url: str) -> Database:
    """Return the database that a catalog's URL names.

    Raises:
        CatalogError: no catalog can be kept there.
    """
    if url.startswith(POSTGRESQL):
        from lineage_pipelines.catalog.backends.postgres import Postgres

        return Postgres(url)
    from lineage_pipelines.catalog.backends.sqlite import Sqlite

    return Sqlite(url)
