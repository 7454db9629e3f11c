"""How a catalog is made, opened and refused: modes, promises of the database, other files and other releases."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.catalog.backends import sqlite, sqlite_schema
from lineage_pipelines.catalog.backends.migrations import NEWEST
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines_tests.samples import make_record


def test_a_new_catalog_is_its_owners_alone(catalog: Catalog, file: Path) -> None:
    catalog.append(make_record())
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {
        "catalog.db": 0o600,
        "catalog.db-shm": 0o600,
        "catalog.db-wal": 0o600,
    }
    catalog.close()
    assert [path.name for path in file.parent.iterdir()] == ["catalog.db"]


def test_what_the_database_promises(catalog: Catalog, url: str, file: Path) -> None:
    promised: dict[str, Any] = {"foreign_keys": 1, "trusted_schema": 0, "recursive_triggers": 1, "busy_timeout": 60_000}
    promised |= {"journal_mode": "wal"}
    assert file.is_file()
    with Catalog(url, read_only=True) as reader:
        for opened, more in ((catalog, {"synchronous": 2, "query_only": 0}), (reader, {"query_only": 1})):
            with opened.connection.reading() as one, opened.connection.reading() as other:
                for connection in (one, other):
                    asked = {
                        name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in {**promised, **more}
                    }
                    assert asked == {**promised, **more}


def test_a_new_catalog_has_the_newest_schema(catalog: Catalog, file: Path) -> None:
    assert catalog.connection.schema_version == NEWEST
    with closing(sqlite3.connect(file)) as raw:
        assert [number for (number,) in raw.execute("SELECT number FROM migration")] == list(range(1, NEWEST + 1))


def test_a_catalog_of_a_newer_release_can_be_read_and_not_written(catalog: Catalog, file: Path, url: str) -> None:
    entry = catalog.append(make_record("1"))
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("INSERT INTO migration VALUES (?, '2030-01-01T00:00:00Z')", (NEWEST + 1,))
        raw.execute("ALTER TABLE model ADD COLUMN owner TEXT")
    message = rf"a newer release wrote this catalog \(schema {NEWEST + 1}; this release knows {NEWEST}\)"
    attempts: list[Callable[[], Any]] = [
        lambda: Catalog(url),
        lambda: catalog.append(make_record("2")),
        catalog.rebuild,
    ]
    for attempt in attempts:
        with pytest.raises(CatalogError, match=message) as caught:
            attempt()
        assert "upgrade" in caught.value.fix
    with Catalog(url, read_only=True) as reader:
        assert reader.entries("flight_delay") == [entry]


def test_a_line_of_the_migrations_alone_locks_no_writer_out_and_is_reported(
    catalog: Catalog, file: Path, url: str
) -> None:
    catalog.append(make_record("1"))
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("ANALYZE")  # makes a table of SQLite's own
        raw.executemany("INSERT INTO migration VALUES (?, '2030-01-01T00:00:00Z')", [(NEWEST + 1,), (NEWEST + 2,)])
    assert catalog.append(make_record("2")).version == 2
    with Catalog(url) as opened:
        assert opened.connection.schema_version == NEWEST
        assert opened.append(make_record("3")).version == 3
        claims = {str(claim.kind): claim for claim in verify_catalog(opened) if claim.failed}
    assert claims.keys() == {"index"}
    assert f"says that its schema is {NEWEST + 2}, and is of schema {NEWEST}" in claims["index"].detail


@pytest.mark.parametrize("more", ["CREATE TABLE later (a)", "SELECT 1"])
def test_a_line_of_the_migrations_does_not_skip_the_guards_of_the_log(
    catalog: Catalog, file: Path, url: str, more: str
) -> None:
    catalog.append(make_record("1"))
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("INSERT INTO migration VALUES (?, '2030-01-01T00:00:00Z')", (NEWEST + 1,))
        raw.execute("DROP TRIGGER log_update")
        raw.execute(more)
    for read_only in (True, False):
        with pytest.raises(CatalogError, match="append-only were changed: log_update"):
            Catalog(url, read_only=read_only)


def test_a_catalog_of_an_older_release_can_be_read_and_is_brought_up_to_date_by_a_writer(url: str, file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as raw, raw:
        for statement in sqlite_schema.MIGRATIONS[0]:
            raw.execute(statement)
        raw.execute("INSERT INTO migration VALUES (1, '2026-01-01T00:00:00Z')")
    before = file.read_bytes()
    with Catalog(url, read_only=True) as catalog:
        assert (catalog.connection.schema_version, list(catalog.models())) == (1, [])
    assert file.read_bytes() == before
    with Catalog(url) as catalog:
        assert catalog.connection.schema_version == len(sqlite_schema.MIGRATIONS)


def test_a_catalog_opened_for_reading_writes_nothing(catalog: Catalog, url: str, file: Path) -> None:
    entry = catalog.append(make_record("1"))
    catalog.close()
    before = file.read_bytes()
    with Catalog(url, read_only=True) as reader:
        for write in (lambda: reader.append(make_record("2")), reader.rebuild):
            with pytest.raises(CatalogError, match="opened for reading only"):
                write()
        for statement in ("DROP TRIGGER log_update", "CREATE TABLE t (a)", "PRAGMA user_version = 3"):
            with pytest.raises(CatalogError, match="may not be written"), reader.connection.reading() as connection:
                connection.exec_driver_sql(statement)
        assert reader.entries("flight_delay") == [entry]
    assert file.read_bytes() == before


def test_a_reader_sees_what_was_committed_after_it_opened(catalog: Catalog, url: str) -> None:
    with Catalog(url, read_only=True) as reader:
        assert reader.latest("flight_delay") is None
        entry = catalog.append(make_record())
        assert reader.latest("flight_delay") == entry


@pytest.mark.parametrize("options", [{"create": False}, {"read_only": True}, {"create": False, "read_only": True}])
def test_a_catalog_that_is_missing_is_not_made_by_asking(url: str, file: Path, options: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError, match="there is no catalog yet") as caught:
        Catalog(url, **options)
    assert caught.value.where == str(file)
    assert "--catalog" in caught.value.fix
    assert not file.parent.exists()


def test_a_catalog_that_is_empty_has_nothing_to_read(url: str, file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    with pytest.raises(NotFoundError, match="the catalog is empty"):
        Catalog(url, read_only=True)
    assert file.read_bytes() == b""
    with Catalog(url, create=False) as catalog:
        assert catalog.append(make_record()).version == 1


def _text(file: Path) -> None:
    file.write_text("model,version\n" * 1000)


def _other_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("CREATE TABLE version (a)")
        raw.execute("CREATE TABLE log (a)")


def _torn(file: Path) -> None:
    Catalog(f"sqlite:///{file}").close()
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + bytes(len(whole) - 4096))


def _cut(file: Path) -> None:
    Catalog(f"sqlite:///{file}").close()
    file.write_bytes(file.read_bytes()[:50])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_text, "not a SQLite database"),
        (Path.mkdir, "that of a folder"),
        (_other_database, "there is a database, but not a catalog"),
        (_torn, "the catalog is damaged"),
        (_cut, "the catalog is damaged"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_no_catalog_is_refused_and_left_alone(
    url: str, file: Path, spoil: Callable[[Path], None], message: str, read_only: bool
) -> None:
    file.parent.mkdir()
    spoil(file)
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(CatalogError, match=message) as caught:
        Catalog(url, read_only=read_only)
    assert str(file) in caught.value.where
    assert caught.value.fix
    assert before is None or file.read_bytes() == before


def test_a_folder_that_is_a_file_is_told(url: str, file: Path) -> None:
    file.parent.write_text("")
    with pytest.raises(CatalogError) as caught:
        Catalog(url)
    assert caught.value.where == url


def test_a_name_is_not_taken_for_the_reason(tmp_path: Path) -> None:
    (tmp_path / "locked and full").write_text("")
    with pytest.raises(CatalogError, match="the catalog cannot be used"):
        Catalog(f"sqlite:///{tmp_path}/locked and full/in/catalog.db")


@pytest.mark.parametrize("given", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://ada:secret@db/lineage"])
def test_only_a_file_or_a_server_is_a_catalog_and_no_password_is_told(given: str) -> None:
    with pytest.raises(CatalogError, match="not a catalog that this release can open") as caught:
        Catalog(given)
    assert "secret" not in str(caught.value)


def test_a_writer_that_waits_in_vain_stores_nothing(url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    with Catalog(url) as catalog, closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogError, match="other writers kept the catalog busy") as caught:
            catalog.append(make_record())
        assert "the same run gets the same version" in caught.value.fix
        assert catalog.models() == []
        other.execute("ROLLBACK")
        assert catalog.append(make_record()).ref == "flight_delay@1"


def test_making_a_catalog_waits_for_whoever_is_making_it(url: str, file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        ending = threading.Timer(0.3, other.execute, ["ROLLBACK"])
        ending.start()
        with Catalog(url) as catalog:
            assert catalog.append(make_record()).version == 1
        ending.join()
