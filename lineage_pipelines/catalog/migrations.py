"""The schema of an opened catalog: bring it up to date, or say why it must not be touched.

Each migration is one transaction with its line in the `migration` table, so that a crash leaves the version before or
the version after.
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from lineage_pipelines.catalog import sqlite, sqlite_schema
from lineage_pipelines.catalog.tables import migration
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records import format_time

NEWEST = len(sqlite_schema.MIGRATIONS)
"""The schema version that this release writes."""


def schema_version(connection: sa.Connection, url: str) -> int:
    """Return the database's schema version; 0 when it is empty.

    Raises:
        CatalogError: it is some other program's database.
    """
    tables = sqlite.tables(connection)
    if not tables:
        return 0
    if sqlite.is_foreign(tables):
        raise CatalogError(
            "the file is a SQLite database, but not a catalog", where=url, fix="name another file with --catalog"
        )
    return int(connection.scalar(sa.select(sa.func.max(migration.c.number))) or 0)


def check_readable(connection: sa.Connection, url: str) -> int:
    """Return the schema version of a catalog that is to be read.

    Raises:
        CatalogError: it is some other program's database, or its guards were changed.
    """
    number = schema_version(connection, url)
    if number == NEWEST:
        _check_guards(connection, url)
    return number


def migrate(connection: sa.Connection, url: str) -> None:
    """Bring the catalog to the newest schema, within the caller's write transaction.

    Raises:
        CatalogError: its guards were changed.
    """
    number = schema_version(connection, url)
    for statements in sqlite_schema.MIGRATIONS[number:]:
        number += 1
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.execute(migration.insert().values(number=number, applied=format_time(datetime.now(UTC))))
    _check_guards(connection, url)


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


def renew_indexes(connection: sa.Connection) -> None:
    """Drop the tables that are derived from the log and make them anew, empty."""
    for table in sqlite_schema.INDEXES:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    for statement in sqlite_schema.CREATE_INDEXES:
        connection.exec_driver_sql(statement)


def _check_guards(connection: sa.Connection, url: str) -> None:
    installed = sqlite.installed_guards(connection)
    changed = {
        name
        for name in installed.keys() | sqlite_schema.GUARDS.keys()
        if installed.get(name) != sqlite_schema.GUARDS.get(name)
    }
    if changed:
        raise CatalogError(
            f"the triggers that keep the log append-only were changed: {', '.join(sorted(changed))}",
            where=url,
            fix="find out who changed the file, then restore it from a copy",
        )
