"""Writers that are killed at any moment, again and again, and what is left of their work.

`python -m lineage_pipelines_tests.faults.kills --kills 1000` repeats the figure of the documentation, and
`--kills 100 --postgresql` the one that kills the database's server, too; the tests run both with fewer.
"""

import argparse
import contextlib
import os
import random
import re
import signal
import sys
import tempfile
import time
import traceback
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import psutil

from lineage_pipelines.catalog.backends.database import LostConnectionError
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.orchestration.operations.reconcile import reconcile
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.values.finding import Finding
from lineage_pipelines_tests import postgres_server
from lineage_pipelines_tests.faults.versions import (
    commit,
    keep_elsewhere,
    open_catalog,
    open_store,
    store_shared,
    temporary_files,
)
from lineage_pipelines_tests.postgres_server import Server
from lineage_pipelines_tests.samples import run_key

_HEX = re.compile(r"[0-9a-f]{64}")
_SERVER_TURN = 2
"""Every second kill is the server's, where there is one."""
_ONE_PROCESS = 0.7
_PATIENCE = 120
LEAST = 12
"""How many records are acknowledged before the kills end."""
MODELS = ("one", "other")


@dataclass(frozen=True)
class Outcome:
    """What a bout of killing has come to."""

    kills: int
    acknowledged: int
    """Records whose writer was told that they are committed."""
    committed: int
    lost: list[str]
    """Acknowledged records that are not there, or have another version."""
    gaps: list[str]
    failed: list[Finding]
    seconds: float
    unacknowledged: int
    """Records that are committed though their writer died before it was told."""
    temporary: list[str]
    """Files that were not finished."""
    unnamed: list[str]
    """Model files that no record names: their writer died between the two."""
    reconciled: dict[str, int] = field(default_factory=dict)
    """What one reconciling found and put right, and how often."""
    uncleared: list[str] = field(default_factory=list)
    """What a second one still found."""

    def sound(self) -> bool:
        return not (self.lost or self.gaps or self.failed or self.uncleared)


def write_until_killed(folder: Path, acks: int, seed: int) -> None:
    """Store model files and commit their records, and say of each, after it is committed, which version it is."""
    chance = random.Random(seed)
    store = open_store(folder)
    with _open_patiently(folder) as catalog:
        while True:
            run, model = uuid.UUID(int=chance.getrandbits(128)).hex, chance.choice(MODELS)
            entry = commit(catalog, store, run, model=model)
            os.write(acks, f"{model} {run} {entry.version}\n".encode())  # one write: whole, or not at all


def _open_patiently(folder: Path) -> Catalog:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return open_catalog(folder)
        except LostConnectionError:  # its server was killed as well
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def spawn(folder: Path, seed: int) -> int:
    """Start a writer; return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        acks = os.open(folder / "acks", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with contextlib.suppress(KeyboardInterrupt):
            write_until_killed(folder, acks, seed)
    except BaseException:  # noqa: BLE001  # told here, for the process ends at once
        traceback.print_exc()
    finally:
        os._exit(1)


def fight(
    folder: Path,
    *,
    kills: int,
    writers: int = 4,
    seed: int = 2013,
    server: Server | None = None,
) -> Outcome:
    """Kill writers, and now and then their server, at random moments; replace each, and look at what is left."""
    chance = random.Random(seed)
    store_shared(folder)
    alive = [spawn(folder, chance.getrandbits(64)) for _ in range(writers)]
    try:
        _wait_until_acknowledged(folder, 1)
        begun = time.monotonic()
        for number in range(kills):
            time.sleep(chance.uniform(0, 0.12 if server is None else 1.5))
            if server is not None and number % _SERVER_TURN:
                kill_server(server, chance)
            else:
                kill_writer(alive, folder, chance)
        _wait_until_acknowledged(folder, LEAST)
    finally:
        for writer in alive:
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
    found = look(folder, kills, time.monotonic() - begun)
    first, second = tick(folder), tick(folder)
    left = [*map(str, temporary_files(folder)), *second]
    return replace(found, reconciled=first, uncleared=left)


def _wait_until_acknowledged(folder: Path, least: int) -> None:
    """Wait for the writers: on a busy machine they have done little when the kills are over."""
    acks, deadline = folder / "acks", time.monotonic() + _PATIENCE
    while not acks.exists() or acks.read_bytes().count(b"\n") < least:
        if time.monotonic() > deadline:
            raise RuntimeError(f"fewer than {least} records were acknowledged in {_PATIENCE} s")
        time.sleep(0.02)


def tick(folder: Path) -> dict[str, int]:
    """Reconcile once; say what was found and what was done about it, and how often."""
    with dg.DagsterInstance.ephemeral() as instance, _open_patiently(folder) as catalog:
        now = timedelta(0)
        # Every record lacks an event here, for nobody is Dagster: they are put right without telling it of each.
        catalog.outbox.mark_delivered(DAGSTER, catalog.outbox.pending_versions(DAGSTER))
        found = reconcile(instance, catalog, artifacts=open_store(folder), grace=now, older_than=now)
    return dict(Counter(f"{each.kind}, {each.status}" for each in found))


def kill_writer(alive: list[int], folder: Path, chance: random.Random) -> None:
    """Kill one of the writers, and put another in its place."""
    place = chance.randrange(len(alive))
    os.kill(alive[place], signal.SIGKILL)
    _, status = os.waitpid(alive[place], 0)
    alive[place] = spawn(folder, chance.getrandbits(64))
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"a writer ended by itself: {status}")


def kill_server(server: Server, chance: random.Random) -> None:
    """Kill one process of a server, which then starts all anew, or the whole of it, which is started again."""
    assert server.process is not None
    backends = psutil.Process(server.process.pid).children()
    if backends and chance.random() < _ONE_PROCESS:
        with contextlib.suppress(psutil.NoSuchProcess):
            chance.choice(backends).kill()
    else:
        server.kill()
        server.start()


def look(folder: Path, kills: int, seconds: float) -> Outcome:
    """Compare what was acknowledged with what is there."""
    acks = [line.split() for line in (folder / "acks").read_text().splitlines()]
    lost, gaps, committed, files = [], [], 0, set()
    with _open_patiently(folder) as catalog:
        for model, run, version in acks:
            entry = catalog.by_run_key(run_key(f"{model} {run}"))
            if entry is None or (entry.model, entry.version) != (model, int(version)):
                lost.append(f"{model} {run} {version}")
        for model in MODELS:
            entries = catalog.entries(model)
            committed += len(entries)
            files |= {digest for entry in entries for digest in _HEX.findall(entry.body.decode())}
            if [entry.version for entry in entries] != list(range(len(entries), 0, -1)):
                gaps.append(model)
        failed = _failed(catalog, folder)
    return Outcome(
        kills=kills,
        acknowledged=len(acks),
        committed=committed,
        lost=lost,
        gaps=gaps,
        failed=failed,
        seconds=seconds,
        unacknowledged=committed - len({(model, run) for model, run, _ in acks}),
        temporary=[str(path.relative_to(folder)) for path in temporary_files(folder)],
        unnamed=sorted(_kept(folder) - files),
    )


def _failed(catalog: Catalog, folder: Path) -> list[Finding]:
    claims = verify_catalog(catalog, anchor=catalog.log.checkpoint(), anchor_name="now", artifacts=open_store(folder))
    return [claim for claim in claims if claim.failed]


def _kept(folder: Path) -> set[str]:
    """Return the digests that the store has, in hex."""
    return {
        path.parent.name + path.name
        for path in folder.glob("artifacts/sha256/*/*")
        if not path.name.startswith(".new-")
    }


def main() -> int:
    """Fight, and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--postgresql", action="store_true", help="Keep the catalog in PostgreSQL; kill that, too.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder, server = Path(name), None
        if asked.postgresql:
            server = stack.enter_context(postgres_server.server())
            server.run("CREATE DATABASE lineage")
            keep_elsewhere(folder, server.url("lineage"))
        tempfile.tempdir = name  # what is reconciled is this fight's own
        found = fight(folder, kills=asked.kills, writers=asked.writers, server=server)
    sys.stdout.write(
        f"{found.kills:,} kills of {asked.writers} writers in {found.seconds:.0f} s: {found.committed:,} committed, "
        f"{found.acknowledged:,} acknowledged, {len(found.lost)} lost, {len(found.gaps)} gaps, "
        f"{len(found.failed)} claims failed\n"
        f"left behind: {found.unacknowledged:,} records that are committed and were not acknowledged, "
        f"{len(found.temporary):,} unfinished files, {len(found.unnamed):,} model files that no record names\n"
        f"reconciled: {', '.join(f'{what} ({count:,} times)' for what, count in found.reconciled.items())}; "
        f"left after that: {len(found.uncleared)}\n"
    )
    return 0 if found.sound() else 1


if __name__ == "__main__":
    sys.exit(main())
