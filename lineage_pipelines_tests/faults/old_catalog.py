"""A catalog as the release that had schema 1 left it: the same records and indexes, and no signatures."""

import contextlib
import sqlite3
from pathlib import Path

from lineage_pipelines.catalog import Catalog
from lineage_pipelines.catalog.sqlite_schema import MIGRATIONS
from lineage_pipelines_tests.faults.versions import open_store, stored

_COPIED = {
    "model": "name, folded",
    "log": "seq, kind, digest, body, recorded",
    "version": "model, version, seq, digest, run_key",
    "content": "id, hex",
    "usage": "content, seq",
}
"""The tables of schema 1 and their columns."""


def make_old_catalog(folder: Path, records: int) -> None:
    """Make the catalog of a folder that has so many records and was never opened by a later release."""
    with Catalog(f"sqlite:///{folder}/now.db") as catalog:
        for number in range(records):
            catalog.append(stored(open_store(folder), f"old {number}"))
    with contextlib.closing(sqlite3.connect(folder / "catalog.db")) as old, old:
        old.execute("PRAGMA journal_mode=WAL")
        for statement in MIGRATIONS[0]:  # never edited once released: catalog/released has what it made
            old.execute(statement)
        old.execute("INSERT INTO migration VALUES (1, '2013-06-30T12:00:00.000000Z')")
        old.execute("ATTACH DATABASE ? AS now", (str(folder / "now.db"),))
        for table, columns in _COPIED.items():
            old.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM now.{table} ORDER BY 1, 2")
    (folder / "now.db").unlink()
