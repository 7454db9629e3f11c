"""Law 4: what is in the file stays there, and whoever changes it by hand is refused or found out."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lineage_pipelines.catalog.backends.migrations import NEWEST
from lineage_pipelines.catalog.backends.sqlite_schema import GUARDS
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.records.statement.lineage_record import encode
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.samples import make_record, run_key


@pytest.fixture
def entries(url: str) -> list[Entry]:
    """Two versions, in a catalog that nobody has open."""
    with Catalog(url) as catalog:
        return [catalog.append(make_record(run)) for run in "12"]


@pytest.fixture
def raw(file: Path, entries: list[Entry]) -> Iterator[sqlite3.Connection]:
    """The file as any other program opens it: without our settings."""
    assert entries
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        yield connection


TABLES = ("log", "version", "model", "entity", "usage", "part", "artifact", "migration")
COLUMNS = [
    ("log", "body", "x'00'"),
    ("log", "digest", "'00'"),
    ("version", "digest", "digest || '0'"),
    ("model", "folded", "'other'"),
    ("entity", "name", "name || '0'"),
    ("part", "source", "entity"),
    ("artifact", "seq", "3 - seq"),
    ("migration", "applied", "'2013-04-02T06:00:00Z'"),
    ("usage", "seq", "3 - seq"),
]
CHANGES = [
    *(f"DELETE FROM {table}" for table in TABLES),
    *(f"UPDATE {table} SET {column} = {value}" for table, column, value in COLUMNS),
    "UPDATE OR REPLACE log SET seq = 1 WHERE seq = 2",
    *(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}" for table in TABLES),
    *(f"REPLACE INTO {table} SELECT * FROM {table} LIMIT 1" for table in TABLES),
    "INSERT INTO log SELECT * FROM log WHERE true ON CONFLICT (seq) DO UPDATE SET body = x'00'",
    # Neither a gap nor a second claim to what is taken.
    "INSERT INTO log SELECT 4, kind, digest, body, recorded, keyid, signature FROM log WHERE seq = 1",
    "INSERT INTO log SELECT NULL, kind, digest, body, recorded, keyid, signature FROM log WHERE seq = 1",
    "INSERT OR REPLACE INTO log SELECT -1, kind, digest, body, recorded, keyid, signature FROM log WHERE seq = 1",
    "INSERT OR IGNORE INTO version SELECT model, 4, 3, 'd', 'r' FROM version WHERE version = 1",
    *(
        f"INSERT OR REPLACE INTO version SELECT model, 3, {columns} FROM version WHERE version = 1"
        for columns in ("seq, 'd', 'r'", "3, digest, 'r'", "3, 'd', run_key")
    ),
    "INSERT OR REPLACE INTO model SELECT 'other', folded FROM model",
    "INSERT OR REPLACE INTO entity SELECT id + 1000, key, kind, name, md5, sha256 FROM entity",
    "INSERT OR REPLACE INTO entity SELECT id, 'other', kind, 'other', md5, sha256 FROM entity",
    "INSERT OR REPLACE INTO artifact SELECT 'other', seq FROM artifact",
    f"INSERT INTO migration VALUES ({NEWEST + 2}, '2013-04-02T06:00:00Z')",
]


def _dump(connection: sqlite3.Connection) -> list[str]:
    return list(connection.iterdump())


def test_no_statement_of_another_program_changes_what_is_there(raw: sqlite3.Connection) -> None:
    before = _dump(raw)
    for statement in CHANGES:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
        assert _dump(raw) == before, statement


def test_no_statement_of_our_own_connections_changes_what_is_there(url: str, file: Path, entries: list[Entry]) -> None:
    with Catalog(url) as catalog:
        assert file.is_file()
        for statement in CHANGES:
            with (
                pytest.raises(CatalogError, match="the change would edit history"),
                catalog.connection.writing() as connection,
            ):
                connection.exec_driver_sql(statement)
        assert catalog.entries("flight_delay") == entries[::-1]


CHANGED_GUARDS = [
    *(f"DROP TRIGGER {name}" for name in GUARDS),
    "CREATE TRIGGER extra AFTER INSERT ON log BEGIN DELETE FROM usage; END",
    "DROP TRIGGER log_update; CREATE TRIGGER log_update BEFORE UPDATE ON log BEGIN SELECT 1; END",
]


def test_a_guard_that_was_dropped_added_or_changed_is_noticed_on_opening(url: str, raw: sqlite3.Connection) -> None:
    for script in CHANGED_GUARDS:
        name = script.split()[2].rstrip(";")
        raw.executescript(f"BEGIN; {script}; COMMIT")
        for read_only in (False, True):
            with pytest.raises(CatalogError, match=f"append-only were changed: {name}\n") as caught:
                Catalog(url, read_only=read_only)
            assert caught.value.where == url
            assert "restore it from a copy" in caught.value.fix
        raw.executescript(f"DROP TRIGGER IF EXISTS {name}; {GUARDS.get(name, '')}")
    Catalog(url).close()


def _edit(raw: sqlite3.Connection, table: str, statement: str) -> None:
    """Change a row as its owner can: without the guard, which is put back."""
    guard = f"{table}_update"
    raw.execute(f"DROP TRIGGER {guard}")
    raw.execute(statement)
    raw.execute(GUARDS[guard])


@pytest.mark.parametrize(
    "edit",
    [
        "body = CAST(replace(body, '0.7421', '0.9421') AS BLOB)",
        "body = x''",
        "body = CAST(body || x'00' AS BLOB)",
        "digest = (SELECT digest FROM log WHERE seq = 1)",
    ],
)
def test_an_entry_whose_bytes_were_altered_is_never_handed_out(
    url: str, entries: list[Entry], raw: sqlite3.Connection, edit: str
) -> None:
    _edit(raw, "log", f"UPDATE log SET {edit} WHERE seq = 2")
    digest = entries[1].digest
    with Catalog(url) as catalog:
        for ask in (
            lambda: catalog.get("flight_delay", 2),
            lambda: catalog.latest("flight_delay"),
            lambda: catalog.entries("flight_delay"),
            lambda: catalog.by_digest(digest.hex[:12]),
            lambda: catalog.by_run_key(run_key("flight_delay 2")),
            lambda: catalog.index.users_of(str(make_record().data[0].digest.md5)),
            lambda: catalog.append(make_record("2")),
        ):
            with pytest.raises(CatalogError, match="flight_delay@2 was altered: its bytes have") as caught:
                ask()
            assert caught.value.where == "entry 2 of the log"
            assert "restore it from a copy" in caught.value.fix
        with pytest.raises(CatalogError, match="entry 2 was altered"):
            catalog.rebuild()
        assert catalog.get("flight_delay", 1) == entries[0]


def test_a_body_and_a_digest_that_were_exchanged_together_are_found_out(
    url: str, raw: sqlite3.Connection, entries: list[Entry]
) -> None:
    forged = encode(make_record("2", auc=0.99))
    _edit(raw, "log", f"UPDATE log SET body = x'{forged.hex()}', digest = '{Digest.of(forged).hex}' WHERE seq = 2")
    with Catalog(url) as catalog:
        with pytest.raises(CatalogError, match=r"the index disagrees with the log about flight_delay@2"):
            catalog.get("flight_delay", 2)
        assert catalog.get("flight_delay", 1) == entries[0]


def test_an_index_that_names_another_model_is_found_out(url: str, raw: sqlite3.Connection) -> None:
    raw.execute("INSERT INTO model VALUES ('churn', 'churn')")
    _edit(raw, "version", "UPDATE version SET model = 'churn', version = 1 WHERE version = 2")
    with Catalog(url) as catalog:
        entry = catalog.get("churn", 1)
        with pytest.raises(CatalogError, match="the index names 'churn', the record 'flight_delay'") as caught:
            _ = entry.record
        assert caught.value.where == "entry 2 (churn@1)"
        catalog.rebuild()
        assert catalog.get("flight_delay", 2).record.model.name == "flight_delay"
        with pytest.raises(NotFoundError):
            catalog.get("churn", 1)
