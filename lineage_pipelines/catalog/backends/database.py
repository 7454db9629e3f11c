"""Database: what the catalog needs of any database. What only one of them does is in its own module."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from lineage_pipelines.errors import CatalogError

INDEXES = ("decided", "part", "usage", "artifact", "entity", "content", "version", "model")
"""The tables that are derived from the log in any schema, in an order in which they can be dropped."""
ALWAYS = frozenset({"migration", "log"})
"""The tables that a catalog of any release has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The schema of a catalog in one dialect."""

    migrations: tuple[tuple[str, ...], ...]
    """The statements of each migration; the schema's version is how many have been applied."""
    guards: Mapping[str, str]
    """Every guard of the newest schema by its name; asserted whenever a catalog is opened."""
    create_indexes: tuple[str, ...]
    """What `Catalog.rebuild` puts back after dropping `INDEXES`."""


def is_foreign(tables: frozenset[str]) -> bool:
    """Say whether a database with these tables is some other program's; an empty one is nobody's."""
    return bool(tables) and not tables >= ALWAYS


class Database(Protocol):
    """What the catalog asks of the database that it is kept in."""

    url: str
    """Where the catalog is, as it may be shown: without a password."""
    schema: Schema

    def open_engine(self, *, create: bool, read_only: bool) -> sa.Engine:
        """Return an engine whose transactions write only with the execution option `writing`, one at a time."""

    def tables(self, connection: sa.Connection) -> frozenset[str]:
        """Return the names of the tables that the database has, where the catalog's are."""

    def installed_guards(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return the triggers that the database has, by name."""

    def keep_copy(self, number: int) -> None:
        """Keep a copy of a catalog of schema `number` before it is changed, where that is the catalog's business."""

    def prefer_indexes(self, connection: sa.Connection) -> None:
        """Have the questions of this transaction answered step by step from indexes, whatever the planner expects."""

    def exclusive(self, engine: sa.Engine, name: str) -> AbstractContextManager[bool]:
        """Try to take a lock of this catalog, which ends with the process; yield whether it was taken."""

    def translated(self) -> AbstractContextManager[None]:
        """Turn the database's own errors into a `CatalogError` that says what to do."""


class LostConnectionError(CatalogError):
    """The database's server went away. What it was told last may have been committed."""


class UnknownEndError(LostConnectionError):
    """The server went away while it was told to commit, and what may not be told twice is there now, or is not."""
