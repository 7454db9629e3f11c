"""Migrations: bring the schema of a catalog up to date, or refuse it.

Each migration is one transaction with its line in the `migration` table, so that a crash leaves either the
earlier or the later version. Each changes a table, a column or a guard: a line beyond the known ones, in a database
that is otherwise of the newest schema, is not of a newer release, and is ignored.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from lineage_pipelines.catalog.backends import sqlite_schema
from lineage_pipelines.catalog.backends.database import INDEXES, Database, is_foreign
from lineage_pipelines.catalog.backends.schema_tables import COLUMNS, migration
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records.values.codec import format_time

NEWEST = len(sqlite_schema.MIGRATIONS)
"""The schema version that this release writes, in every database."""
SIGNED = 2
"""The first schema whose entries may have a signature."""
UNFINISHED = 3
"""The first schema with attempts and an outbox."""
INDEXED = 5
"""The schema that changed the indexes last. Those of an older catalog are not migrated but derived from the log."""

_OF_LOG = ("log_", "migration_")
"""How the names of the guards begin that a later schema has, too."""


def schema_version(connection: sa.Connection, database: Database) -> int:
    """Return the database's schema version; 0 when it is empty.

    Raises:
        CatalogError: the database belongs to another program.
    """
    tables = database.tables(connection)
    if not tables:
        return 0
    if is_foreign(tables):
        raise CatalogError(
            "there is a database, but not a catalog", where=database.url, fix="name another one with --catalog"
        )
    return _believed(connection, database, _applied(connection))


def _believed(connection: sa.Connection, database: Database, number: int) -> int:
    """Return the schema version that the database is of: what its `migration` table says, unless that is too much."""
    return NEWEST if number > NEWEST and _is_newest(connection, database) else number


def _is_newest(connection: sa.Connection, database: Database) -> bool:
    if database.installed_guards(connection) != database.schema.guards:
        return False
    inspected = sa.inspect(connection)
    return all(
        table in COLUMNS and {column["name"] for column in inspected.get_columns(table)} == COLUMNS[table]
        for table in database.tables(connection)
        if not table.startswith("sqlite_")
    )


def surplus(connection: sa.Connection) -> int | None:
    """Return the highest number of the `migration` table if it is beyond the schemas of this release."""
    number = _applied(connection)
    return number if number > NEWEST else None


def _applied(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.select(sa.func.max(migration.c.number))) or 0)


def check_readable(connection: sa.Connection, database: Database) -> int:
    """Return the schema version of a catalog, checked for reading.

    Raises:
        CatalogError: the database belongs to another program, or its guards were changed.
    """
    number = schema_version(connection, database)
    if number >= NEWEST:
        _check_guards(connection, database, newer=number > NEWEST)
    return number


def migrate(connection: sa.Connection, database: Database, index_again: Callable[[sa.Connection], object]) -> None:
    """Bring the catalog to the newest schema, within the caller's write transaction.

    Args:
        connection: the transaction.
        database: the catalog's database.
        index_again: derives the indexes from the log, after their tables were created again.

    Raises:
        CatalogError: its guards were changed, or an entry of its log was altered or cannot be read.
    """
    number = found = schema_version(connection, database)
    for statements in database.schema.migrations[number:]:
        number += 1
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.execute(migration.insert().values(number=number, applied=format_time(datetime.now(UTC))))
    if found < INDEXED:
        renew_indexes(connection, database)
        index_again(connection)
    _check_guards(connection, database)


def check_writable(connection: sa.Connection, database: Database) -> None:
    """Refuse to write a catalog whose schema a newer release has changed meanwhile.

    Raises:
        CatalogError: it has.
    """
    number = _applied(connection)
    if number > NEWEST:
        check_not_newer(_believed(connection, database, number), database.url)


def check_not_newer(number: int, url: str) -> None:
    """Refuse to write a schema that this release does not know.

    Raises:
        CatalogError: a newer release wrote it.
    """
    if number > NEWEST:
        raise CatalogError(
            f"a newer release wrote this catalog (schema {number}; this release knows {NEWEST})",
            where=url,
            fix="upgrade lineage-pipelines; reading still works",
        )


def renew_indexes(connection: sa.Connection, database: Database) -> None:
    """Drop the tables that are derived from the log and create them again, empty."""
    for table in INDEXES:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    for statement in database.schema.create_indexes:
        connection.exec_driver_sql(statement)


def _check_guards(connection: sa.Connection, database: Database, *, newer: bool = False) -> None:
    """Refuse a catalog whose guards were changed. Of a newer schema, those of the log: its index may be another."""
    installed, expected = database.installed_guards(connection), database.schema.guards
    names = {name for name in expected if name.startswith(_OF_LOG)} if newer else {*installed, *expected}
    changed = {name for name in names if installed.get(name) != expected.get(name)}
    if changed:
        raise CatalogError(
            f"the triggers that keep the log append-only were changed: {', '.join(sorted(changed))}",
            where=database.url,
            fix="find out who changed the file, then restore it from a copy",
        )
