"""Database: the interface between the catalog and the databases, each of which has a module of its own."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from lineage_pipelines.errors import CatalogError

INDEXES = ("summary", "decided", "part", "usage", "artifact", "entity", "content", "version", "model")
"""The tables that are derived from the log in any schema, in an order in which they can be dropped."""
ALWAYS = frozenset({"migration", "log"})
"""The tables that a catalog of any release has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The schema of a catalog in one SQL dialect."""

    migrations: tuple[tuple[str, ...], ...]
    """The statements of each migration; the schema's version is the number of applied migrations."""
    guards: Mapping[str, str]
    """The guards (triggers) of the newest schema by name; checked whenever a catalog is opened."""
    create_indexes: tuple[str, ...]
    """The statements by which `Catalog.rebuild` creates the dropped `INDEXES` again."""


def is_foreign(tables: frozenset[str]) -> bool:
    """Return whether a database with these tables belongs to another program; an empty one does not."""
    return bool(tables) and not tables >= ALWAYS


class Database(Protocol):
    """The database that holds a catalog."""

    url: str
    """The address of the catalog without a password, for messages."""
    schema: Schema

    def open_engine(self, *, create: bool, read_only: bool) -> sa.Engine:
        """Return an engine whose transactions write only with the execution option `writing`, one writer at a time."""

    def tables(self, connection: sa.Connection) -> frozenset[str]:
        """Return the names of the tables in the catalog's schema of the database."""

    def installed_guards(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return the triggers that the database has, by name."""

    def keep_copy(self, number: int) -> None:
        """Copy a catalog of schema `number` before a migration; a server's administrator does that instead."""

    def prefer_indexes(self, connection: sa.Connection) -> None:
        """Make the planner use indexes for the queries of this transaction."""

    def exclusive(self, engine: sa.Engine, name: str) -> AbstractContextManager[bool]:
        """Try to take a lock of this catalog, released when the process ends; yield whether it was taken."""

    def translated(self) -> AbstractContextManager[None]:
        """Turn errors of the database into a `CatalogError` with a fix."""


class LostConnectionError(CatalogError):
    """The connection to the database server was lost; the last transaction may have been committed."""


class UnknownOutcomeError(LostConnectionError):
    """The connection was lost during COMMIT of a transaction that must not be repeated; its outcome is unknown."""
