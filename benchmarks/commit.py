"""What does it cost to commit a version, against the least that a durable insert costs?

`python -m benchmarks.commit` compares `Catalog.append` (encoded, signed, indexed, chained to the version before) with a
transaction that inserts one row of the same bytes, with Python's sqlite3 and with SQLAlchemy Core, all with the same
promise (write-ahead log, synchronous=FULL), in turn, by one writer and by four at once. Then again with a disk whose
fsync takes longer: it is made slower below SQLite, for every side alike. The budget is 70 % of the rate of the bare
insert, that is 1.43 times its time. A C compiler is needed.
"""

import argparse
import dataclasses
import multiprocessing
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.cli import usual_record
from benchmarks.table import in_turn, row, show
from lineage_pipelines import Catalog, LineageRecord
from lineage_pipelines.records.statement.lineage_record import encode
from lineage_pipelines_tests.faults.interposer import Faults, under_interposer

_BUDGET = "1.43 x"
_TABLE = """CREATE TABLE IF NOT EXISTS entry (
  seq INTEGER PRIMARY KEY, kind TEXT, digest TEXT, body BLOB, recorded TEXT, keyid TEXT, signature BLOB)"""
_INSERT = "INSERT INTO entry (kind, digest, body, recorded, keyid, signature) VALUES (?, ?, ?, ?, ?, ?)"
Write = Callable[[Path, Sequence[LineageRecord]], float]
"""Commits records into a database in a folder, one a transaction; returns the seconds that they took."""


def records(count: int) -> list[LineageRecord]:
    """Return records of the usual size, each of a run of its own."""
    usual = usual_record()
    keys = (uuid.uuid4().hex * 2 for _ in range(count))
    return [dataclasses.replace(usual, model=dataclasses.replace(usual.model, run_key=key)) for key in keys]


def _rows(count: int) -> Iterator[tuple[str | bytes, ...]]:
    """Yield the columns that the log has of such a record."""
    body = encode(usual_record())
    for _ in range(count):
        yield "record", "0" * 64, body, "2013-06-30T12:00:00.000000Z", "0" * 64, bytes(64)


def _opened(file: Path) -> sqlite3.Connection:
    """Open a database that keeps what it promises, as the catalog's does."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=60)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", _TABLE):
        connection.execute(statement)
    return connection


def bare(folder: Path, given: Sequence[LineageRecord]) -> float:
    """Insert with Python's sqlite3 and nothing else."""
    connection = _opened(folder / "bare.db")
    begun = time.perf_counter()
    for values in _rows(len(given)):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_INSERT, values)
        connection.execute("COMMIT")
    taken = time.perf_counter() - begun
    connection.close()
    return taken


def core(folder: Path, given: Sequence[LineageRecord]) -> float:
    """Insert with SQLAlchemy Core."""
    import sqlalchemy as sa

    engine = sa.create_engine("sqlite://", creator=lambda: _opened(folder / "core.db"), poolclass=sa.QueuePool)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    names = ("kind", "digest", "body", "recorded", "keyid", "signature")
    table = sa.table("entry", *(sa.column(name) for name in names))
    engine.connect().close()
    begun = time.perf_counter()
    for values in _rows(len(given)):
        with engine.begin() as connection:
            connection.execute(table.insert().values(dict(zip(names, values, strict=True))))
    taken = time.perf_counter() - begun
    engine.dispose()
    return taken


def append(folder: Path, given: Sequence[LineageRecord]) -> float:
    """Append to the catalog."""
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        begun = time.perf_counter()
        for record in given:
            catalog.append(record)
        return time.perf_counter() - begun


def at_once(write: Write, folder: Path, commits: int, writers: int) -> float:
    """Let several processes commit their share at the same time; return the seconds until the last is done."""
    share = records(commits // writers)
    if writers == 1:
        return write(folder, share)
    write(folder, records(1))  # the file is there
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(writers + 1)
    shares = [records(len(share)) for _ in range(writers)]

    def work(mine: Sequence[LineageRecord]) -> None:
        barrier.wait()
        write(folder, mine)

    processes = [context.Process(target=work, args=(mine,)) for mine in shares]
    for process in processes:
        process.start()
    barrier.wait()
    begun = time.perf_counter()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("a writer failed")
    return time.perf_counter() - begun


def measure(folder: Path, *, commits: int, writers: int, runs: int) -> list[list[str]]:
    """Return the rows of one number of writers."""
    suffix = "" if writers == 1 else f", {writers} writers"
    sides: dict[str, Write] = {
        f"bare insert{suffix}": bare,
        f"SQLAlchemy Core{suffix}": core,
        f"append{suffix}": append,
    }
    found = in_turn({side: partial(at_once, write, folder, commits, writers) for side, write in sides.items()}, runs)
    base, other, ours = sides
    return [row(found, base), row(found, other, base), row(found, ours, base, _BUDGET), row(found, ours, other)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--sync", type=float, default=5.0, help="how much longer an fsync takes, in milliseconds")
    asked = parser.parse_args()
    under_interposer(__spec__.name, sys.argv[1:])
    for slower in (0.0, asked.sync):
        commits = asked.commits if not slower else max(asked.commits // 4, 4)
        Faults().slow_sync(slower / 1e3)
        with tempfile.TemporaryDirectory() as name:
            rows = [
                line
                for writers in (1, 4)
                for line in measure(Path(name), commits=commits, writers=writers, runs=asked.runs)
            ]
        disk = f", every fsync {slower:g} ms slower" if slower else ""
        show(f"{commits} commits{disk}, {asked.runs} rounds", rows)


if __name__ == "__main__":
    main()
