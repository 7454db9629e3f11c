"""PostgreSQL as the catalog's database: connections, locks, guards and errors."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog.backends import postgres_schema
from lineage_pipelines.catalog.backends.database import LostConnectionError
from lineage_pipelines.catalog.backends.postgres_schema import NAMESPACE, as_installed
from lineage_pipelines.errors import CatalogError, LineageError

BUSY_SECONDS = 60
"""How long a writer waits for the others."""
_CONNECT_SECONDS = 10
_LOCK = "hashtextextended(current_database() || '.lineage.log', 0)"
"""The advisory lock of the head of the log: a role that may only insert cannot lock a table or a row."""
# One message to the server for both: psycopg sends statements without parameters as they are.
_BEGIN_WRITING = f"SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_LOCK})"
_BEGIN_READING = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_STEP_BY_STEP = "; ".join(
    f"SET LOCAL {setting} = off" for setting in ("jit", "enable_hashjoin", "enable_mergejoin", "enable_seqscan")
)
_DURABLE = """SELECT set_config('synchronous_commit', 'on', false)
 WHERE current_setting('synchronous_commit') IN ('off', 'local')"""
_GUARDS = f"""SELECT t.tgname, pg_get_triggerdef(t.oid), t.tgenabled, p.prosrc
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE c.relnamespace = '{NAMESPACE}'::regnamespace AND NOT t.tgisinternal"""


class Postgres:
    """A catalog in a database of a PostgreSQL server, in its schema `lineage`.

    Args:
        url: `postgresql+psycopg://user@host/database`; the password may be in it, in PGPASSWORD or in ~/.pgpass.

    Raises:
        CatalogError: it is not such a URL, or psycopg is not installed.
    """

    schema = postgres_schema.SCHEMA

    def __init__(self, url: str) -> None:
        try:
            self._url = sa.make_url(url).set(drivername="postgresql+psycopg")
        except (sa.exc.ArgumentError, ValueError):  # its message may contain the password
            fix = "write it as postgresql+psycopg://user@host:5432/database"
            raise CatalogError("the catalog's URL cannot be read", where="LINEAGE_CATALOG", fix=fix) from None
        self.url = self._url.set(password=None).render_as_string()
        _require_driver(self.url)

    def open_engine(self, *, create: bool, read_only: bool) -> sa.Engine:  # noqa: ARG002  # the database is there
        """Return an engine on the server; nothing is connected yet.

        Args:
            create: of no effect: a database is made by an administrator, its tables by the first writer.
            read_only: whether the server is to refuse writes.
        """
        query = dict(self._url.query)
        given = query.pop("options", "")
        options = [given if isinstance(given, str) else " ".join(given)]
        options += [f"-c search_path={NAMESPACE}", f"-c lock_timeout={BUSY_SECONDS}s"]
        options += ["-c default_transaction_read_only=on"] if read_only else []
        engine = sa.create_engine(
            self._url.set(query=query),
            connect_args={
                "options": " ".join(filter(None, options)),
                "connect_timeout": _CONNECT_SECONDS,
                "application_name": "lineage",
                **query,
            },
            max_overflow=-1,  # threads wait for the database, not for each other's connections
            pool_pre_ping=True,  # a server may have been started again since
        )
        sa.event.listen(engine, "connect", _make_durable)
        sa.event.listen(engine, "begin", _begin)
        return engine

    def tables(self, connection: sa.Connection) -> frozenset[str]:
        """Return the names of the tables in the schema `lineage`."""
        rows = connection.exec_driver_sql(f"SELECT tablename FROM pg_tables WHERE schemaname = '{NAMESPACE}'")
        return frozenset(name for (name,) in rows)

    def installed_guards(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return the triggers that the schema has, by name: what they are, when they fire, and what they do."""
        rows = connection.exec_driver_sql(_GUARDS)
        return {name: as_installed(definition, enabled, source) for name, definition, enabled, source in rows}

    def keep_copy(self, number: int) -> None:
        """Do nothing: backups of a server are its administrator's task."""

    def prefer_indexes(self, connection: sa.Connection) -> None:
        """Make the planner use indexes for the queries of this transaction.

        For a recursive query it expects millions of rows instead of a few: it would scan whole tables, and compile for
        100 ms a query that runs for 1 ms.
        """
        connection.exec_driver_sql(_STEP_BY_STEP)

    @contextlib.contextmanager
    def exclusive(self, engine: sa.Engine, name: str) -> Iterator[bool]:
        """Try to take an advisory lock in a session of its own; yield whether it was taken."""
        key = "hashtextextended(current_database() || '.lineage.' || :name, 0)"
        take, release = (sa.text(f"SELECT {call}({key})") for call in ("pg_try_advisory_lock", "pg_advisory_unlock"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            taken = False
            try:
                taken = bool(connection.scalar(take, {"name": name}))
                yield taken
            finally:
                with contextlib.suppress(sa.exc.DBAPIError):  # a lost session holds no lock
                    if taken:
                        connection.execute(release, {"name": name})
                connection.invalidate()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the server into a `CatalogError` with a fix."""
        try:
            yield
        except LineageError:
            raise
        except sa.exc.DBAPIError as error:
            raise self._explained(error) from error

    def _explained(self, error: sa.exc.DBAPIError) -> CatalogError:
        message = str(error.orig).strip().partition("\n")[0]
        state = getattr(error.orig, "sqlstate", None) or _state_of_refusal(message)
        if state is None or state[:2] in _LOST or error.connection_invalidated:
            return LostConnectionError(
                f"the catalog's server cannot be reached ({message})",
                where=self.url,
                fix=f"check that PostgreSQL is running and accepts your connection, {_SAME_RUN}",
            )
        what, fix = _EXPLANATIONS.get(state) or _EXPLANATIONS.get(state[:2]) or _OTHERWISE
        return CatalogError(f"{what} ({message})", where=self.url, fix=fix)


_SAME_RUN = "then try again: the same run gets the same version"
_LOST = ("08", "57")
"""SQLSTATE classes: connection exception, operator intervention (shutdown, crash, starting up)."""
_OTHERWISE = ("the catalog cannot be used", "see the log of the PostgreSQL server")
_EXPLANATIONS: Mapping[str, tuple[str, str]] = {
    "55P03": ("other writers kept the catalog busy for a minute", f"wait for them, {_SAME_RUN}"),
    "53100": ("the server's disk is full", f"free some space, {_SAME_RUN}"),
    "53300": ("the server has no connection left", f"close some, or raise max_connections, {_SAME_RUN}"),
    "42501": (
        "the role may not do this",
        "connect as lineage_writer to write, and as the owner to make or change tables",
    ),
    "25006": ("the catalog may not be written", "connect to the primary server, with a role that may write"),
    "P0001": ("the change would edit history", "nothing is edited here; append a new entry instead"),
    "28": ("the server refuses this user", "check the user and the password (PGPASSWORD, ~/.pgpass)"),
    "3D": ("there is no such database", "ask an administrator to create it: createdb NAME"),
    "42": ("the database's tables are not those of a catalog", "name another database with --catalog"),
}
"""Message and fix for each SQLSTATE or class of SQLSTATEs."""


_REFUSALS = (
    ("authentication failed", "28"),
    ("no pg_hba.conf entry", "28"),
    ("no password supplied", "28"),
    ('role "', "28"),
    ('database "', "3D"),
    ("connection slots", "53300"),
    ("too many clients", "53300"),
)


def _state_of_refusal(message: str) -> str | None:
    # The client library reports refused connections without an SQLSTATE.
    return next((state for words, state in _REFUSALS if words in message), None)


def _require_driver(url: str) -> None:
    try:
        import psycopg  # noqa: F401  # SQLAlchemy would say less
    except ImportError as error:
        fix = "pip install 'lineage-pipelines[postgresql]'"
        raise CatalogError("a catalog in PostgreSQL needs the package psycopg", where=url, fix=fix) from error


def _make_durable(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's connection
    # An acknowledged commit must be on disk, whatever the server's default; a stronger setting is left as it is.
    with connection.cursor() as cursor:
        cursor.execute(_DURABLE)
    connection.commit()


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql(_BEGIN_WRITING if writing else _BEGIN_READING)
