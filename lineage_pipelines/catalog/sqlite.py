"""SQLite as the catalog's database: how the file is made, opened, locked and guarded.

Everything that another database does differently is here and in `sqlite_schema`.
"""

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from lineage_pipelines.catalog.settings import SQLITE
from lineage_pipelines.errors import CatalogError, LineageError, NotFoundError

BUSY_SECONDS = 60.0
"""How long a writer waits for the others."""

_HEADER = b"SQLite format 3\0"
_ALWAYS = ("PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF", "PRAGMA recursive_triggers=ON")


def file_of(url: str) -> Path:
    """Return the file that a catalog's URL names.

    Raises:
        CatalogError: the URL is not `sqlite:///` and a path.
    """
    path = url.removeprefix(SQLITE)
    if path == url or path in ("", ":memory:"):
        raise CatalogError(
            "not a catalog that this release can open",
            where=url.rpartition("@")[2],
            fix="give a file as sqlite:///path/to/catalog.db",
        )
    return Path(path)


def open_engine(url: str, *, create: bool, read_only: bool) -> sa.Engine:
    """Return an engine on the file.

    Args:
        url: `sqlite:///` and a path.
        create: whether to make the file when it is missing.
        read_only: whether nothing may be written, by SQLite's own promise.

    Raises:
        NotFoundError: there is no such file and it is not to be made.
        CatalogError: the file cannot be made or is not a database.
    """
    path = file_of(url)
    with translated(url):
        _provide_file(path, create=create and not read_only)
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: _connect(path, read_only=read_only),
        poolclass=QueuePool,
        max_overflow=-1,  # threads wait for the database, not for each other's connections
    )
    sa.event.listen(engine, "begin", _begin)
    _follow_file(engine, path)
    return engine


def _follow_file(engine: sa.Engine, path: Path) -> None:
    # A connection outlives its file: what is committed into a catalog that somebody removed meanwhile (training takes
    # hours) would be gone with it, and reported as kept.
    def remember(_: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(path)

    def compare(_: object, record: ConnectionPoolEntry, __: object) -> None:
        if record.info["file"] != _identity(path):
            raise sa.exc.DisconnectionError

    sa.event.listen(engine, "connect", remember)
    sa.event.listen(engine, "checkout", compare)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _provide_file(path: Path, *, create: bool) -> None:
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(len(_HEADER))
        if head not in (b"", _HEADER):
            raise CatalogError(
                "the file is not a SQLite database", where=str(path), fix="restore it from a copy, or name another file"
            )
        return
    if path.is_dir():
        raise CatalogError("the catalog's name is that of a folder", where=str(path), fix="name a file inside it")
    if not create:
        raise NotFoundError(
            "there is no catalog yet",
            where=str(path),
            fix="materialize a model asset (its first version makes the catalog), or name another with --catalog",
        )
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    connection = _attach(path, "ro" if read_only else "rw")
    try:
        if read_only:
            connection = _readable(connection, path)
        for pragma in _ALWAYS:
            connection.execute(pragma)
        if not read_only:
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _attach(path: Path, mode: str, extra: str = "") -> sqlite3.Connection:
    uri = f"file:{quote(str(path))}?mode={mode}{extra}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _readable(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    # Readers of a write-ahead log keep a small file beside the database. Where they may not, as on a read-only disk,
    # and nobody is writing, the file can be read as one that never changes.
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size):
            raise
        connection.close()
        connection = _attach(path, "ro", "&immutable=1")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    if is_foreign(frozenset(name for (name,) in names)):
        return  # it will be refused, and is not ours to change
    # The busy timeout does not cover this switch, which every first writer attempts.
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311  # spreads writers, guards nothing


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def installed_guards(connection: sa.Connection) -> Mapping[str, str]:
    """Return the triggers that the database has, by name."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return {row.name: row.sql for row in rows}


def tables(connection: sa.Connection) -> frozenset[str]:
    """Return the names of the tables that the database has."""
    rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    return frozenset(name for (name,) in rows)


def is_foreign(tables: frozenset[str]) -> bool:
    """Say whether a database with these tables is some other program's; an empty one is nobody's."""
    return bool(tables) and not tables >= {"migration", "log"}


@contextlib.contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn the database's own errors into a `CatalogError` that says what to do."""
    try:
        yield
    except LineageError:
        raise
    except (sa.exc.DBAPIError, sqlite3.Error, OSError) as error:
        original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        # Of an OSError without its path, which may hold any of the words that are looked for.
        message = original.strerror if isinstance(original, OSError) else None
        what, fix = _explain(message or str(original))
        raise CatalogError(f"{what} ({original})", where=url, fix=fix) from error


_SAME_RUN = "then try again: the same run gets the same version"
_EXPLANATIONS = (
    ("locked", "other writers kept the catalog busy for a minute", f"wait for them, {_SAME_RUN}"),
    ("full", "the disk is full", f"free some space, {_SAME_RUN}"),
    ("No space left", "the disk is full", f"free some space, {_SAME_RUN}"),
    ("readonly", "the catalog may not be written", "check the permissions of the file and its folder"),
    ("append-only", "the change would edit history", "nothing is edited here; append a new entry instead"),
    ("malformed", "the catalog is damaged", "restore it from a copy"),
    ("not a database", "the file is not a SQLite database", "restore it from a copy, or name another file"),
    (
        "unable to open",
        "the catalog cannot be opened",
        "check the path, and the permissions of the file and its folder",
    ),
    ("disk I/O", "the disk refused to read or write", f"check the disk and its quota, {_SAME_RUN}"),
    ("no such table", "the file is a SQLite database, but not a catalog", "name another file with --catalog"),
)


def _explain(message: str) -> tuple[str, str]:
    for sign, what, fix in _EXPLANATIONS:
        if sign in message:
            return what, fix
    return "the catalog cannot be used", "check the path and the permissions of the file and its folder"
