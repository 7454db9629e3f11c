"""What PostgreSQL refuses, to every role; how a server that is away, full of others or not ours is told."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from lineage_pipelines.catalog.backends import postgres
from lineage_pipelines.catalog.backends.migrations import NEWEST
from lineage_pipelines.catalog.backends.postgres_schema import SCHEMA
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CatalogError, ConflictError, NotFoundError
from lineage_pipelines_tests.postgres_server import Server, server
from lineage_pipelines_tests.samples import make_record

TABLES = (
    "log",
    "version",
    "model",
    "entity",
    "usage",
    "part",
    "artifact",
    "migration",
    "attempt",
    "attempt_end",
    "outbox",
    "delivery",
)
CHANGES = [
    *(f"DELETE FROM lineage.{table}" for table in TABLES),
    *(f"TRUNCATE lineage.{table} CASCADE" for table in TABLES),
    "UPDATE lineage.log SET body = ''",
    "UPDATE lineage.version SET digest = digest || '0'",
    "UPDATE lineage.model SET folded = 'other'",
    "UPDATE lineage.usage SET seq = 3 - seq",
    "UPDATE lineage.entity SET name = 'other'",
    "UPDATE lineage.artifact SET seq = 3 - seq",
    "UPDATE lineage.attempt_end SET how = 'failed'",
    "UPDATE lineage.outbox SET destination = 'nowhere'",
    "UPDATE lineage.log SET seq = seq WHERE false",
    "INSERT INTO lineage.log SELECT * FROM lineage.log ON CONFLICT (seq) DO UPDATE SET body = ''",
    "INSERT INTO lineage.log SELECT 9, kind, digest, body, recorded FROM lineage.log WHERE seq = 1",
    "INSERT INTO lineage.log SELECT 1, kind, digest, body, recorded FROM lineage.log WHERE seq = 1",
    "INSERT INTO lineage.version SELECT model, 4, 3, 'd', 'r' FROM lineage.version WHERE version = 1",
    "INSERT INTO lineage.attempt SELECT run_key, 5, model, begun, host, process, run, folder FROM lineage.attempt",
    "MERGE INTO lineage.log AS l USING lineage.log AS m ON l.seq = m.seq WHEN MATCHED THEN DELETE",
    f"INSERT INTO lineage.migration VALUES ({NEWEST + 2}, '2013-04-02T06:00:00Z')",
]


@pytest.fixture
def database(postgresql: Server) -> Iterator[str]:
    """A database with a catalog of two versions."""
    with postgresql.database() as name:
        with Catalog(postgresql.url(name)) as catalog:
            attempt = catalog.outbox.begin_attempt(
                make_record("1").model.run_key, "flight_delay", host="h", process="p"
            )
            catalog.append(make_record("1"), attempt=attempt, notify=["dagster"])
            catalog.append(make_record("2"))
        yield name


def _rows(postgresql: Server, database: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(postgresql.address(database)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM lineage.{table} ORDER BY 1, 2").fetchall() for table in TABLES
        }


@pytest.mark.parametrize("replica", [False, True])
def test_even_the_owner_changes_nothing_that_is_there(postgresql: Server, database: str, replica: bool) -> None:
    before = _rows(postgresql, database)
    with psycopg.connect(postgresql.address(database), autocommit=True) as owner:
        if replica:
            owner.execute("SET session_replication_role = replica")
        for statement in CHANGES:
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                owner.execute(statement.encode())
    assert _rows(postgresql, database) == before


@pytest.mark.parametrize(("role", "may"), [("lineage_writer", True), ("lineage_reader", False)])
def test_a_role_may_what_it_is_for_and_nothing_else(postgresql: Server, database: str, role: str, may: bool) -> None:
    before = _rows(postgresql, database)
    refused = [*CHANGES, "ALTER TABLE lineage.log DISABLE TRIGGER ALL", "DROP TABLE lineage.log CASCADE"]
    refused += ["CREATE TABLE lineage.mine ()", "ALTER TABLE lineage.log ENABLE TRIGGER log_append_only"]
    refused += [f"INSERT INTO lineage.migration VALUES ({NEWEST + 1}, 'now')", "CREATE SCHEMA mine"]
    with psycopg.connect(postgresql.address(database, role), autocommit=True) as connection:
        for statement in refused:
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)):
                connection.execute(statement.encode())
    assert _rows(postgresql, database) == before
    with Catalog(postgresql.url(database, role)) as catalog:
        assert [entry.version for entry in catalog.entries("flight_delay")] == [2, 1]
        if may:
            assert catalog.append(make_record("3")).version == 3
            with pytest.raises(CatalogError, match="the role may not do this"):
                catalog.rebuild()
        else:
            with pytest.raises(CatalogError, match="the role may not do this") as caught:
                catalog.append(make_record("3"))
            assert "connect as lineage_writer" in caught.value.fix


def test_a_catalog_opened_for_reading_writes_nothing(postgresql: Server, database: str) -> None:
    before = _rows(postgresql, database)
    with Catalog(postgresql.url(database), read_only=True) as catalog:
        with pytest.raises(CatalogError, match="opened for reading only"):
            catalog.append(make_record("3"))
        for statement in (
            "CREATE TABLE mine ()",
            "DROP TRIGGER log_next ON log",
            "INSERT INTO model VALUES ('a', 'a')",
        ):
            with pytest.raises(CatalogError, match="may not be written"), catalog.connection.reading() as connection:
                connection.exec_driver_sql(statement)
    assert _rows(postgresql, database) == before


def _drop(name: str, definition: str) -> tuple[str, str]:
    table = definition.partition(" ON lineage.")[2].split()[0]
    return name, f"DROP TRIGGER {name} ON {table}"


CHANGED_GUARDS = [
    *(_drop(name, definition) for name, definition in SCHEMA.guards.items()),
    ("log_append_only", "ALTER TABLE log DISABLE TRIGGER log_append_only"),
    ("log_next", "ALTER TABLE log ENABLE TRIGGER log_next"),
    ("extra", "CREATE TRIGGER extra AFTER INSERT ON log EXECUTE FUNCTION refuse()"),
    ("log_next", "CREATE OR REPLACE FUNCTION next_seq() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"),
]


def test_a_guard_that_was_dropped_added_or_changed_is_noticed_on_opening(postgresql: Server, database: str) -> None:
    for name, statement in CHANGED_GUARDS:
        with postgresql.database(template=database) as copy:
            postgresql.run(f"SET search_path = lineage; {statement}", copy)
            for read_only in (False, True):
                with pytest.raises(CatalogError, match=f"append-only were changed: {name}\n") as caught:
                    Catalog(postgresql.url(copy), read_only=read_only)
                assert copy in caught.value.where


def test_what_the_server_promises(postgresql: Server, database: str) -> None:
    postgresql.run(f"ALTER DATABASE {database} SET synchronous_commit = off")
    with Catalog(postgresql.url(database)) as catalog:
        with catalog.connection.reading() as connection:
            asked = {
                name: connection.exec_driver_sql(f"SHOW {name}").scalar()
                for name in ("synchronous_commit", "search_path", "lock_timeout", "transaction_isolation")
            }
        with catalog.connection.writing() as connection:
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
    assert asked == {
        "synchronous_commit": "on",
        "search_path": "lineage",
        "lock_timeout": "1min",
        "transaction_isolation": "repeatable read",
    }


def test_a_database_without_a_catalog_is_told_to_readers_and_made_by_the_first_writer(postgresql: Server) -> None:
    with postgresql.database() as name:
        postgresql.run("CREATE TABLE log (a int)", name)  # of another program, and none of ours
        with pytest.raises(NotFoundError, match="the catalog is empty"):
            Catalog(postgresql.url(name), read_only=True)
        with pytest.raises(CatalogError, match="the role may not do this") as caught:
            Catalog(postgresql.url(name, "lineage_writer"))
        assert "as the owner to make" in caught.value.fix
        with Catalog(postgresql.url(name)) as catalog:
            assert catalog.append(make_record()).ref == "flight_delay@1"


def test_a_schema_of_another_program_is_left_alone(postgresql: Server) -> None:
    with postgresql.database() as name:
        postgresql.run("CREATE SCHEMA lineage; CREATE TABLE lineage.log (a int)", name)
        with pytest.raises(CatalogError, match="there is a database, but not a catalog"):
            Catalog(postgresql.url(name))


@pytest.mark.parametrize(
    ("given", "message", "fix"),
    [
        ("postgresql+psycopg://ada:secret@127.0.0.1:1/lineage", "the catalog's server cannot be reached", "is running"),
        ("postgresql://ada:secret@127.0.0.1:1/lineage", "the catalog's server cannot be reached", "accepts your"),
        ("postgresql://ada:secret@127.0.0.1:port/lineage", "the catalog's URL cannot be read", "write it as"),
    ],
)  # fmt: skip
def test_a_server_that_is_not_there_is_told_without_its_password(given: str, message: str, fix: str) -> None:
    with pytest.raises(CatalogError, match=message) as caught:
        Catalog(given)
    assert fix in caught.value.fix
    assert "secret" not in f"{caught.value} {caught.value.__cause__!r} {caught.value.where}"


def test_a_database_or_a_user_that_is_not_there_is_told(postgresql: Server, database: str) -> None:
    with pytest.raises(CatalogError) as caught:
        Catalog(postgresql.url("nowhere"))
    assert "createdb" in str(caught.value)
    with pytest.raises(CatalogError) as caught:
        Catalog(postgresql.url(database, "nobody_known"))
    assert "nobody_known" in str(caught.value)


def test_a_writer_that_waits_in_vain_stores_nothing(
    postgresql: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "BUSY_SECONDS", 1)
    with Catalog(postgresql.url(database)) as catalog, Catalog(postgresql.url(database)) as other:
        with (
            other.connection.writing(),
            pytest.raises(CatalogError, match="other writers kept the catalog busy") as caught,
        ):
            catalog.append(make_record("3"))
        assert "the same run gets the same version" in caught.value.fix
        assert catalog.append(make_record("3")).version == 3


def test_opening_waits_for_a_server_that_is_started_again() -> None:
    with server() as mortal, mortal.database() as name:
        with Catalog(mortal.url(name)) as catalog:
            entry = catalog.append(make_record("1"))
        mortal.kill()
        again = threading.Timer(1.0, mortal.start)
        again.start()
        try:
            with Catalog(mortal.url(name), read_only=True) as reader:
                assert reader.entries("flight_delay") == [entry]
        finally:
            again.join()


def test_a_writer_waits_for_a_server_that_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that dies in the middle: what was committed is found again, what was not is committed now."""
    with server() as mortal, mortal.database() as name, Catalog(mortal.url(name)) as catalog:
        first = catalog.append(make_record("1"))
        mortal.kill()
        again = threading.Timer(1.0, mortal.start)
        again.start()
        second = catalog.append(make_record("2"))
        again.join()
        assert (first.version, second.version) == (1, 2)
        assert catalog.append(make_record("2")) == second
        mortal.kill()
        monkeypatch.setattr("lineage_pipelines.catalog.connection.RECONNECT_SECONDS", 0.5)
        begun = time.monotonic()
        with pytest.raises(CatalogError, match="the catalog's server cannot be reached"):
            catalog.append(make_record("3"))
        assert time.monotonic() - begun > 0.5
        mortal.start()
        assert [entry.version for entry in catalog.entries("flight_delay")] == [2, 1]


def test_bytes_come_back_as_they_are(postgresql: Server, database: str) -> None:
    record = make_record("3 \u202e <script>", model="flight_delay")
    with Catalog(postgresql.url(database)) as catalog:
        entry = catalog.append(record)
        assert catalog.get("flight_delay", entry.version).body == entry.body


def test_of_two_that_contradict_each_other_on_two_connections_one_is_told_so(postgresql: Server, database: str) -> None:
    with Catalog(postgresql.url(database)) as one, Catalog(postgresql.url(database)) as other:
        one.append(make_record("3"))
        with pytest.raises(ConflictError, match="which differs in"):
            other.append(make_record("3", auc=0.9))
