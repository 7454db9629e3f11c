"""`lineage migrate`: made, brought up to date, up to date; on a file and on a server."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lineage_pipelines.catalog.backends.migrations import NEWEST
from lineage_pipelines_tests.catalog.test_released_schemas import RELEASED
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.postgres_server import Server


def test_a_file_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lineage: Lineage) -> None:
    monkeypatch.chdir(tmp_path)
    for result in ("created", "up to date"):
        told = lineage("migrate")
        assert (told.code, told.out) == (0, "")
        assert f"catalog.db: {result}, schema {NEWEST}" in told.err


def test_an_older_file_is_brought_up_to_date(tmp_path: Path, lineage: Lineage) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript((RELEASED / "schema-1.sql").read_text())
    told = lineage("--catalog", f"sqlite:///{file}", "migrate")
    assert (told.code, told.err) == (0, f"sqlite:///{file}: upgraded from schema 1, schema {NEWEST}\n")
    assert (tmp_path / "old.db.schema-1").exists()


def test_on_a_server_it_takes_the_owner(postgresql: Server, lineage: Lineage) -> None:
    with postgresql.database() as name:
        told = lineage("--catalog", postgresql.url(name, "lineage_writer"), "migrate")
        assert told.code == 3
        assert "as the owner to make or change tables" in told.err
        assert lineage("--catalog", postgresql.url(name), "migrate").code == 0
        told = lineage("--catalog", postgresql.url(name, "lineage_writer"), "migrate")
        assert (told.code, "up to date" in told.err) == (0, True)
        told = lineage("--catalog", postgresql.url(name, "lineage_reader"), "models")
        assert told.code == 0
