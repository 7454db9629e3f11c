"""Writers that are killed at any moment, again and again, and what is left of their work.

`python -m lineage_pipelines_tests.faults.kills --kills 1000` repeats the figure of the documentation; the tests run
it with fewer.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.catalog import Catalog
from lineage_pipelines.queries import CheckedClaim, Verdict, verify_catalog
from lineage_pipelines_tests.samples import make_record, run_key

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
    failed: list[CheckedClaim]
    seconds: float

    def sound(self) -> bool:
        return not (self.lost or self.gaps or self.failed)


def write_until_killed(folder: Path, acks: int, seed: int) -> None:
    """Commit records, and say of each, after it is committed, which version it is."""
    chance = random.Random(seed)
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        while True:
            run, model = uuid.UUID(int=chance.getrandbits(128)).hex, chance.choice(MODELS)
            entry = catalog.append(make_record(run=run, model=model))
            os.write(acks, f"{model} {run} {entry.version}\n".encode())  # one write: whole, or not at all


def spawn(folder: Path, seed: int) -> int:
    """Start a writer; return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        acks = os.open(folder / "acks", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with contextlib.suppress(KeyboardInterrupt):
            write_until_killed(folder, acks, seed)
    finally:
        os._exit(1)


def fight(folder: Path, *, kills: int, writers: int = 4, seed: int = 2013) -> Outcome:
    """Kill writers at random moments, replace each, and look at what is left."""
    chance = random.Random(seed)
    begun = time.monotonic()
    alive = [spawn(folder, chance.getrandbits(64)) for _ in range(writers)]
    for _ in range(kills):
        time.sleep(chance.uniform(0, 0.06))
        place = chance.randrange(len(alive))
        os.kill(alive[place], signal.SIGKILL)
        _, status = os.waitpid(alive[place], 0)
        if not os.WIFSIGNALED(status):
            raise RuntimeError(f"a writer ended by itself: {status}")
        alive[place] = spawn(folder, chance.getrandbits(64))
    for writer in alive:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
    return look(folder, kills, time.monotonic() - begun)


def look(folder: Path, kills: int, seconds: float) -> Outcome:
    """Compare what was acknowledged with what is there."""
    acks = [line.split() for line in (folder / "acks").read_text().splitlines()]
    lost, gaps, committed = [], [], 0
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        for model, run, version in acks:
            entry = catalog.by_run_key(run_key(f"{model} {run}"))
            if entry is None or (entry.model, entry.version) != (model, int(version)):
                lost.append(f"{model} {run} {version}")
        for model in MODELS:
            versions = [entry.version for entry in catalog.entries(model)]
            committed += len(versions)
            if versions != list(range(len(versions), 0, -1)):
                gaps.append(model)
        note = catalog.checkpoint()
        claims = verify_catalog(catalog, anchor=note, anchor_name="now")
    failed = [claim for claim in claims if claim.verdict is Verdict.FAIL]
    return Outcome(kills, len(acks), committed, lost, gaps, failed, seconds)


def main() -> int:
    """Fight, and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--writers", type=int, default=4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = fight(Path(name), kills=asked.kills, writers=asked.writers)
    sys.stdout.write(
        f"{found.kills:,} kills of {asked.writers} writers in {found.seconds:.0f} s: {found.committed:,} committed, "
        f"{found.acknowledged:,} acknowledged, {len(found.lost)} lost, {len(found.gaps)} gaps, "
        f"{len(found.failed)} claims failed\n"
    )
    return 0 if found.sound() else 1


if __name__ == "__main__":
    sys.exit(main())
