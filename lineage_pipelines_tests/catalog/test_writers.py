"""Many writers at once: processes, threads and forks get contiguous versions, and a run gets one."""

import multiprocessing
import random
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Barrier as ThreadBarrier
from typing import Any

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import ConflictError
from lineage_pipelines_tests.samples import make_record, run_key

WRITERS = 8
MODELS = ("churn", "flight_delay")
RUNS = tuple(str(run) for run in range(8))

Wrote = tuple[str, str, int, str]
"""Model, run, version and digest."""


def write(url: str, seed: int, barrier: Any, wrote: Any) -> None:
    """Open the catalog at the same moment as the others and append half of all runs, so that each run has rivals."""
    jobs = [(model, run) for model in MODELS for run in RUNS if (int(run) + seed) % 2]
    random.Random(seed).shuffle(jobs)
    barrier.wait(60)
    with Catalog(url) as catalog:
        for model, run in jobs:
            entry = catalog.append(make_record(run, model=model))
            wrote.put((model, run, entry.version, entry.digest.hex))


def _check_complete(catalog: Catalog) -> dict[tuple[str, str], Entry]:
    """Check that every run has one version and no version is missing; return the entries by model and run."""
    found: dict[tuple[str, str], Entry] = {}
    for model in MODELS:
        entries = catalog.entries(model)[::-1]
        assert [entry.version for entry in entries] == list(range(1, len(RUNS) + 1))
        assert [entry.record.model.previous for entry in entries] == [None, *(entry.digest for entry in entries[:-1])]
        runs = {entry.record.model.run_key: entry for entry in entries}
        found |= {(model, run): runs[run_key(f"{model} {run}")] for run in RUNS}
    assert sorted(entry.seq for entry in found.values()) == list(range(1, len(found) + 1))
    return found


def test_processes_that_race_from_the_first_moment_lose_nothing(url: str, file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier: Barrier = context.Barrier(WRITERS)
    wrote = context.Queue()
    writers = [context.Process(target=write, args=(url, seed, barrier, wrote)) for seed in range(WRITERS)]
    for writer in writers:
        writer.start()
    told: list[Wrote] = [wrote.get(timeout=60) for _ in range(WRITERS * len(RUNS))]
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    with Catalog(url, read_only=True) as catalog:
        found = _check_complete(catalog)
    assert set(told) == {(*key, entry.version, entry.digest.hex) for key, entry in found.items()}
    assert file.stat().st_mode & 0o777 == 0o600


def test_threads_may_share_one_catalog(catalog: Catalog) -> None:
    barrier = ThreadBarrier(WRITERS)

    def append(seed: int) -> Sequence[Entry]:
        jobs = [(model, run) for model in MODELS for run in RUNS]
        random.Random(seed).shuffle(jobs)
        barrier.wait(60)
        return [catalog.append(make_record(run, model=model)) for model, run in jobs]

    with ThreadPoolExecutor(WRITERS) as pool:
        told = [entry for entries in pool.map(append, range(WRITERS)) for entry in entries]
    assert {(entry.model, entry.version, entry.digest) for entry in told} == {
        (entry.model, entry.version, entry.digest) for entry in _check_complete(catalog).values()
    }


def test_threads_that_open_a_new_catalog_at_once_all_get_it(tmp_path: Path) -> None:
    barrier = ThreadBarrier(WRITERS)

    def open_all(_thread: int) -> None:
        for number in range(20):
            barrier.wait(60)
            with Catalog(f"sqlite:///{tmp_path}/{number}/a/b/catalog.db") as catalog:
                assert catalog.models() == []

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(open_all, range(WRITERS)))


def test_of_rivals_that_contradict_each_other_one_is_told_so(catalog: Catalog) -> None:
    barrier = ThreadBarrier(WRITERS)

    def append(writer: int) -> Entry | ConflictError:
        barrier.wait(60)
        try:
            return catalog.append(make_record(auc=0.7 + writer / 100))
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(WRITERS) as pool:
        told = list(pool.map(append, range(WRITERS)))
    (won,) = [answer for answer in told if isinstance(answer, Entry)]
    assert catalog.entries("flight_delay") == [won]


FORK = """
import os, sys
from lineage_pipelines import Catalog
from lineage_pipelines_tests.samples import make_record

catalog = Catalog(sys.argv[1])
catalog.append(make_record("0"))
connection = catalog.connection.engine.raw_connection().driver_connection
children = []
for child in ("child", "other"):
    children.append(os.fork())
    if not children[-1]:
        entries = [catalog.append(make_record(f"{child} {run}")) for run in range(5)]
        assert entries == [catalog.get(entry.model, entry.version) for entry in entries]
        assert catalog.connection.engine.raw_connection().driver_connection is not connection
        os._exit(0)
for run in range(5):
    catalog.append(make_record(f"parent {run}"))
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
assert [entry.version for entry in catalog.entries("flight_delay")] == list(range(16, 0, -1))
catalog.close()
"""


def test_a_forked_child_may_use_a_catalog_that_its_parent_opened(url: str) -> None:
    subprocess.run([sys.executable, "-c", FORK, url], check=True, timeout=60)
    with Catalog(url, create=False) as catalog:
        assert catalog.rebuild() == 16
        if url.startswith("sqlite"):
            (integrity,) = catalog.connection.engine.raw_connection().execute("PRAGMA integrity_check").fetchone()
            assert integrity == "ok"


def test_more_threads_than_a_pool_usually_holds_are_served_at_once(url: str) -> None:
    many = 24
    together = ThreadBarrier(many, timeout=20)
    with Catalog(url) as catalog, ThreadPoolExecutor(many) as threads:

        def ask(_: int) -> int:
            with catalog.connection.reading():
                return together.wait()

        assert sorted(threads.map(ask, range(many))) == list(range(many))
