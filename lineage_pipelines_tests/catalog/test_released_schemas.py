"""Catalogs that earlier releases wrote, one of each schema, as `sqlite3 .dump` gives them. They are read for ever."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.catalog.backends.migrations import NEWEST
from lineage_pipelines.catalog.backends.sqlite_schema import GUARDS, SCHEMA
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.queries.graph.impact import impact
from lineage_pipelines.queries.graph.subject import Places, find_subject
from lineage_pipelines.queries.registry.alias_history import find_holder
from lineage_pipelines.queries.registry.approval_status import list_approvals
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines_tests.samples import digests, make_record

RELEASED = Path(__file__).parent / "released"
SCHEMAS = range(1, NEWEST)


@pytest.fixture(params=SCHEMAS, ids="schema {}".format)
def schema(request: pytest.FixtureRequest, file: Path) -> int:
    """The number of a schema, and a file that its release wrote."""
    number = int(request.param)
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript((RELEASED / f"schema-{number}.sql").read_text())
        raw.execute("PRAGMA journal_mode=WAL")
    return number


def _log(file: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as raw:
        return raw.execute("SELECT seq, kind, digest, body, recorded FROM log ORDER BY seq").fetchall()


def _failed(catalog: Catalog, schema: int) -> list[str]:
    note = RELEASED / f"schema-{schema}.checkpoint"
    anchor = note.read_text() if note.exists() else None
    claims = verify_catalog(catalog, anchor=anchor, anchor_name=note.name)
    return [claim.detail for claim in claims if claim.failed]


def test_there_is_one_of_every_schema() -> None:
    assert sorted(path.name for path in RELEASED.glob("*.sql")) == [f"schema-{number}.sql" for number in SCHEMAS]


def test_it_is_read_as_it_is(url: str, file: Path, schema: int) -> None:
    before = file.read_bytes()
    with Catalog(url, read_only=True) as catalog:
        assert catalog.connection.schema_version == schema
        assert {model.name for model in catalog.models()} == {"flight_delay", "minutes"}
        assert [entry.record.model.name for entry in catalog.entries("minutes")] == ["minutes"]
        assert len(catalog.outbox.pending_versions("dagster")) == len(catalog.index.versions())
        assert list(catalog.outbox.running_attempts()) == []
        assert _failed(catalog, schema) == []
    assert file.read_bytes() == before


def test_a_writer_brings_it_up_to_date_and_changes_no_entry(url: str, file: Path, schema: int, tmp_path: Path) -> None:
    before = _log(file)
    with Catalog(url, keys=tmp_path / "keys") as catalog:
        assert catalog.connection.schema_version == NEWEST
        assert _log(file) == before
        assert _failed(catalog, schema) == []
        versions = len(catalog.index.versions())
        assert [entry.seq for entry in catalog.outbox.pending_versions("dagster")] == sorted(catalog.index.versions())
        catalog.append(make_record("new"))
        assert _log(file)[: len(before)] == before
        assert _failed(catalog, schema) == []
        assert catalog.rebuild() == versions + 1
    copy = file.with_name(f"catalog.db.schema-{schema}")
    assert _log(copy) == before
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name, copy.name]
    with closing(sqlite3.connect(file)) as raw:
        triggers = dict(raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    assert triggers == GUARDS


def _impacts(catalog: Catalog) -> dict[str, list[str]]:
    raw, record = digests("through 2013-03"), make_record()
    revision, digest = record.code.revision or "", catalog.entries("minutes")[0].digest.hex
    subjects = (raw.md5 or "", raw.sha256 or "", "data", "flights/train.py", revision, digest, "scikit-learn==1.9.1")
    found = {text: impact(catalog, find_subject(catalog, text, Places())) for text in subjects}
    return {text: [each.ref for each in answer.versions] for text, answer in found.items()}


def test_what_came_of_what_is_answered_before_and_after(url: str, file: Path, schema: int) -> None:
    with Catalog(url, read_only=True) as catalog:
        before = _impacts(catalog)
        assert catalog.connection.schema_version == schema
        assert len(catalog.index.users_of(digests("through 2013-03").md5 or "")) == len(catalog.index.versions())
    versions = {"flight_delay@3", "flight_delay@2", "flight_delay@1", "minutes@1"}
    assert all(set(refs) <= versions for refs in before.values())
    assert len(before["data"]) == len(before["scikit-learn==1.9.1"]) >= 2
    with Catalog(url) as catalog:
        assert _impacts(catalog) == before
        assert file.is_file()


def test_a_log_that_was_altered_is_not_brought_up_to_date(url: str, file: Path, schema: int) -> None:
    with closing(sqlite3.connect(file)) as raw:
        guard = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'log_update'").fetchone()[0]
        seq = raw.execute("SELECT max(seq) FROM log WHERE kind = 'record'").fetchone()[0]
        raw.execute("DROP TRIGGER log_update")
        raw.execute("UPDATE log SET body = CAST(body || x'20' AS BLOB) WHERE seq = ?", (seq,))
        raw.execute(guard)
        raw.commit()
        before = list(raw.iterdump())
    with pytest.raises(CatalogError, match=f"entry {seq} was altered"):
        Catalog(url)
    with closing(sqlite3.connect(file)) as raw:
        assert list(raw.iterdump()) == before
    assert schema < NEWEST


def test_what_was_decided_then_is_so_now(url: str, file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript((RELEASED / "schema-2.sql").read_text())
    with Catalog(url) as catalog:
        holder = find_holder(catalog, "flight_delay", "production")
        assert holder is not None
        assert holder.version == 1


def test_approvals_of_then_are_listed_without_a_migration(url: str, file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript((RELEASED / "schema-3.sql").read_text())
        raw.execute("PRAGMA journal_mode=WAL")
    with Catalog(url, read_only=True) as catalog:
        read_only = [each.seq for each in list_approvals(catalog, "flight_delay")]
    with Catalog(url) as catalog:
        assert [each.seq for each in list_approvals(catalog, "flight_delay")] == read_only == [8]


def test_a_migration_that_is_cut_short_leaves_what_was(
    url: str, file: Path, schema: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(file)) as raw:
        before = list(raw.iterdump())
    last = len(SCHEMA.migrations[-1])
    for cut in range(last + 1):
        broken = (*SCHEMA.migrations[:-1], (*SCHEMA.migrations[-1][:cut], "no statement"))
        with monkeypatch.context() as patch:
            patch.setattr("lineage_pipelines.catalog.backends.sqlite.Sqlite.schema", _with(broken))
            with pytest.raises(CatalogError):
                Catalog(url)
        with closing(sqlite3.connect(file)) as raw:
            assert list(raw.iterdump()) == before
    with Catalog(url) as catalog:
        assert catalog.connection.schema_version == NEWEST
    assert schema < NEWEST


def _with(migrations: tuple[tuple[str, ...], ...]) -> object:
    import dataclasses

    return dataclasses.replace(SCHEMA, migrations=migrations)
