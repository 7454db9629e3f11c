"""A catalog as the release that had schema 1 left it: the same records and indexes, and no signatures."""

import contextlib
import sqlite3
from pathlib import Path

from lineage_pipelines.catalog.backends.sqlite_schema import MIGRATIONS
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines_tests.faults.versions import open_store, stored

_COPIED = {
    "model": "name, folded",
    "log": "seq, kind, digest, body, recorded",
    "version": "model, version, seq, digest, run_key",
}
"""The tables of schema 1 that are as they were, and their columns."""
_HEXES = "SELECT replace(md5, '.dir', '') AS hex FROM files UNION SELECT sha256 FROM files"
_CONTENT = (
    "CREATE TEMP VIEW files AS SELECT * FROM now.entity WHERE kind = 'file'",
    f"INSERT INTO content (hex) SELECT hex FROM ({_HEXES}) WHERE hex <> '' ORDER BY hex",
    """INSERT INTO usage SELECT DISTINCT content.id, used.seq FROM now.usage AS used
       JOIN files ON files.id = used.entity
       JOIN content ON content.hex IN (replace(files.md5, '.dir', ''), files.sha256)""",
)
"""What fills the index of content, which later schemas have not."""


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
        for statement in _CONTENT:
            old.execute(statement)
    (folder / "now.db").unlink()
