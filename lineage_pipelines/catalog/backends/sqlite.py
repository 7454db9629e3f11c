"""SQLite as the catalog's database: creating, opening, locking and guarding the file."""

import contextlib
import os
import random
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from lineage_pipelines.catalog.backends import sqlite_schema
from lineage_pipelines.catalog.backends.database import is_foreign
from lineage_pipelines.catalog.backends.filesystem import lock_holders, network_disk
from lineage_pipelines.errors import CatalogError, LineageError, NotFoundError
from lineage_pipelines.settings import SQLITE
from lineage_pipelines.system.atomic_file import move_into_place, temporary_beside
from lineage_pipelines.system.file_lock import open_lock, try_lock

BUSY_SECONDS = 60.0
"""How long a writer waits for the others."""

ALLOW_NETWORK_DISK = "LINEAGE_ALLOW_NETWORK_DISK"
"""The environment variable that allows a catalog on a network disk."""

_OWNER_ONLY = 0o600
_HEADER = b"SQLite format 3\0"
_ALWAYS = ("PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF", "PRAGMA recursive_triggers=ON")


class Sqlite:
    """A catalog in a file.

    Args:
        url: `sqlite:///` and a path.

    Raises:
        CatalogError: the URL is not of that form.
    """

    schema = sqlite_schema.SCHEMA

    def __init__(self, url: str) -> None:
        self.url = url
        self._path = _file_of(url)

    def open_engine(self, *, create: bool, read_only: bool) -> sa.Engine:
        """Return an engine on the file.

        Args:
            create: whether to make the file when it is missing.
            read_only: whether SQLite is to refuse writes.

        Raises:
            NotFoundError: there is no such file, and `create` is false.
            CatalogError: the file cannot be made or is not a database.
        """
        if not read_only:
            _refuse_network_disk(self._path)
        with self.translated():
            _provide_file(self._path, create=create and not read_only)
        engine = sa.create_engine(
            "sqlite://",
            creator=lambda: _connect(self._path, read_only=read_only),
            poolclass=QueuePool,
            max_overflow=-1,  # threads wait for the database, not for each other's connections
        )
        sa.event.listen(engine, "begin", _begin)
        _follow_file(engine, self._path)
        return engine

    def tables(self, connection: sa.Connection) -> frozenset[str]:
        """Return the names of the tables that the file has."""
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        return frozenset(name for (name,) in rows)

    def installed_guards(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return the triggers that the file has, by name."""
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return {row.name: row.sql for row in rows}

    def keep_copy(self, number: int) -> None:
        """Copy the file, with what is in its write-ahead log, to `catalog.db.schema-2`, unless that is there.

        Raises:
            sqlite3.Error, OSError: it cannot be copied.
        """
        target = self._path.with_name(f"{self._path.name}.schema-{number}")
        if target.exists():
            return
        with temporary_beside(target) as temporary:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
            source, copy = _attach(self._path, "ro"), sqlite3.connect(temporary)
            with contextlib.closing(source), contextlib.closing(copy):
                source.backup(copy)
            move_into_place(temporary, target, durable=True)

    def prefer_indexes(self, connection: sa.Connection) -> None:
        """Do nothing: SQLite has no other way of joining."""

    @contextlib.contextmanager
    def exclusive(self, engine: sa.Engine, name: str) -> Iterator[bool]:  # noqa: ARG002  # PostgreSQL needs it
        """Try to lock a file beside the catalog; yield whether it was locked."""
        path = self._path.with_name(f"{self._path.name}.{name}.lock")
        with open_lock(path, mode=_OWNER_ONLY) as handle:
            yield try_lock(handle)

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of SQLite, and of the system about its file, into a `CatalogError` with a fix."""
        try:
            yield
        except LineageError:
            raise
        except (sa.exc.DBAPIError, sqlite3.Error, OSError) as error:
            original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            # Without the path of an OSError, which may contain any of the signs that `_explain` searches.
            message = original.strerror if isinstance(original, OSError) else None
            what, fix = _explain(message or str(original))
            if what == _BUSY:
                what += _holders_text(self._path)
            raise CatalogError(f"{what} ({original})", where=self.url, fix=fix) from error


def _file_of(url: str) -> Path:
    path = url.removeprefix(SQLITE)
    if path == url or path in ("", ":memory:"):
        raise CatalogError(
            "not a catalog that this release can open",
            where=url.rpartition("@")[2],
            fix="give a file as sqlite:///path/to/catalog.db, or a server as postgresql+psycopg://host/database",
        )
    return Path(path)


def _follow_file(engine: sa.Engine, path: Path) -> None:
    # A connection outlives its file: a commit into a catalog that was removed meanwhile (training takes hours) would be
    # lost, and reported as stored.
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


def _refuse_network_disk(path: Path) -> None:
    kind = network_disk(path)
    if kind is not None and not os.environ.get(ALLOW_NETWORK_DISK):
        raise CatalogError(
            f"the catalog is on a network disk ({kind}), where SQLite's locks do not hold and records can be lost",
            where=str(path),
            fix=f"keep it in PostgreSQL or on a local disk; to use it all the same, set {ALLOW_NETWORK_DISK}=1",
        )


def _provide_file(path: Path, *, create: bool) -> None:
    try:
        mode = path.stat().st_mode  # read once: another writer may be creating the file
    except (FileNotFoundError, NotADirectoryError):
        _make_file(path, create=create)
        return
    if stat.S_ISREG(mode):
        with path.open("rb") as file:
            head = file.read(len(_HEADER))
        if head not in (b"", _HEADER):
            raise CatalogError(
                "the file is not a SQLite database", where=str(path), fix="restore it from a copy, or name another file"
            )
    elif stat.S_ISDIR(mode):
        raise CatalogError("the catalog's name is that of a folder", where=str(path), fix="name a file inside it")
    else:
        raise CatalogError("the catalog's name is that of a pipe or a device", where=str(path), fix="name a file")


def _make_file(path: Path, *, create: bool) -> None:
    if not create:
        raise NotFoundError(
            "there is no catalog yet",
            where=str(path),
            fix="materialize a model asset (its first version makes the catalog), or name another with --catalog",
        )
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))


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
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # Invalid UTF-8 was written by another program; it is decoded nevertheless, so that messages can name the entry.
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _readable(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    # Readers of a write-ahead log create a small file beside the database. If they cannot, as on a read-only disk, and
    # no process is writing, the file can be opened as immutable.
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
        return  # refused later, and not ours to change
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


_BUSY = "other writers kept the catalog busy for a minute"
_SAME_RUN = "then try again: the same run gets the same version"
_EXPLANATIONS = (
    ("locked", _BUSY, f"wait for them, {_SAME_RUN}"),
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


def _holders_text(path: Path) -> str:
    # The lock of a write-ahead log is on the file beside it.
    holders = lock_holders(path.with_name(path.name + "-shm")) or lock_holders(path)
    return f", last process {', '.join(map(str, holders))}" if holders else ""
