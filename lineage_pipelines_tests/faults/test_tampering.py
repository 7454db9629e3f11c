"""Every way to change a catalog that the owner of its file has, at every entry, against a checkpoint kept elsewhere."""

import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.samples import make_record

ROOT = Path(__file__).parents[2]
RECORDS = 24
ENTRIES = RECORDS + 1  # the first one introduces the key
COLUMNS = ("body", "digest", "recorded", "keyid", "signature", "kind")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A catalog of two models, and its checkpoint."""
    folder = tmp_path_factory.mktemp("honest")
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        for number in range(RECORDS):
            catalog.append(make_record(run=str(number), model=("one", "other")[number % 2]))
        note = catalog.log.checkpoint()
    with sqlite3.connect(folder / "catalog.db") as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    return folder, note


def changes(chance: random.Random) -> Iterator[tuple[str, int, list[str]]]:
    """What is changed, the first entry that is not what it was, and the statements."""
    for seq in range(1, ENTRIES + 1):
        column = chance.choice(COLUMNS)
        longer = f"CAST({column} || 'x' AS {_type(column)})"
        other = chance.choice([n for n in range(1, ENTRIES + 1) if n != seq])
        yield f"edit {column}", seq, [f"UPDATE log SET {column} = {longer} WHERE seq = {seq}"]
        yield "delete", seq, [f"DELETE FROM log WHERE seq = {seq}"]
        yield "truncate", seq, [f"DELETE FROM log WHERE seq >= {seq}"]
        yield (
            "delete and close the gap",
            seq,
            [
                f"DELETE FROM log WHERE seq = {seq}",
                f"UPDATE log SET seq = -seq WHERE seq > {seq}",
                "UPDATE log SET seq = -seq - 1 WHERE seq < 0",
            ],
        )
        yield (
            "swap",
            min(seq, other),
            [
                f"UPDATE log SET seq = -{seq} WHERE seq = {seq}",
                f"UPDATE log SET seq = {seq} WHERE seq = {other}",
                f"UPDATE log SET seq = {other} WHERE seq = -{seq}",
            ],
        )
        copied = (
            f"SELECT {seq}, kind, digest, body, recorded, keyid, signature FROM log WHERE seq = {_moved(other, seq)}"
        )
        yield (
            "insert",
            seq,
            [
                f"UPDATE log SET seq = -seq WHERE seq >= {seq}",
                "UPDATE log SET seq = 1 - seq WHERE seq < 0",
                f"INSERT INTO log {copied}",
            ],
        )


def _moved(place: int, inserted: int) -> int:
    return place if place < inserted else place + 1


def _type(column: str) -> str:
    return "BLOB" if column in ("body", "signature") else "TEXT"


def test_every_change_of_every_entry_is_found(honest: tuple[Path, str], tmp_path: Path) -> None:
    folder, note = honest
    tried = 0
    for what, seq, statements in changes(random.Random(2013)):
        forged = tmp_path / "forged.db"
        shutil.copy(folder / "catalog.db", forged)
        _tamper(forged, statements)
        claims = _verify(forged, note)
        # The tree covers an entry's digest, and the digest its bytes.
        assert claims.keys() & ({"entries"} if what == "edit body" else {"checkpoint"}), f"{what} of entry {seq}"
        details = " ".join(claims.values())
        if what.startswith("edit") and what != "edit recorded":
            assert f"entry {seq} " in details or seq == 1, f"{what}: {details}"
        tried += 1
    assert tried == ENTRIES * 6


def test_every_change_of_a_longer_log_is_found(soak: bool) -> None:
    """With checkpoints of every size, everything signed again; in its own process, which forks for each."""
    entries, samples = ("500", "4") if soak else ("70", "1")
    program = ["lineage_pipelines_tests.faults.tampering", "--entries", entries, "--samples", samples]
    command = [sys.executable, "-m", *program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert re.search(
        rf" changes of {entries} entries in .*: 0 missed, 0 with another entry named, 0 false alarms", done.stdout
    ), done.stdout + done.stderr
    for what in ("edited", "deleted, gap closed", "rewritten and all behind it signed again (in the file)"):
        assert f"\n{what}: " in f"\n{done.stdout}", done.stdout


def _tamper(path: Path, statements: list[str]) -> None:
    with unguarded(path) as raw:
        for statement in statements:
            raw.execute(statement)


def _verify(path: Path, note: str) -> dict[str, str]:
    """Return the details of what failed."""
    with Catalog(f"sqlite:///{path}", read_only=True) as catalog:
        claims = verify_catalog(catalog, anchor=note, anchor_name="the auditor's copy")
    return {str(claim.kind): claim.detail for claim in claims if claim.failed}
