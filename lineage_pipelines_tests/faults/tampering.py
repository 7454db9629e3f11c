"""Every way to change a log of 10,000 entries, at every entry, and whether `verify` finds it and names the right one.

`python -m lineage_pipelines_tests.faults.tampering --entries 10000` repeats the figure of the documentation; the tests
run it with fewer. The detector is the product's own `verify_catalog`, whole, with the index and the decisions.

How 80,000 verifications of up to 10,000 entries each end within minutes: a change at entry k leaves all before it as it
was, and what `verify` says does not depend on what it did not come to yet. So the honest log is verified once for each
block of 32 entries, as long as it was shortly after the block, against the checkpoint of then and one of each size
within the block; and where that walk comes to entry k, the process forks for every change of k. The child is given the
changed rest, ends the same verification, says what came of it, and is gone. The parent goes on with the honest log, and
must find nothing wrong. What depends on its input alone is done once for the same input: an entry's leaf hash, what
model a record is of, and signatures that were found good.

Then a sample of each kind is made in the whole log (with partners and copies from anywhere in it), and one of that in
the database file itself, which the owner of the file can change.
"""

import argparse
import gc
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.signing import PublicKey
from lineage_pipelines.queries.verify import entry_reader
from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.values.finding import Finding
from lineage_pipelines_tests.faults.forged import ForgedCatalog
from lineage_pipelines_tests.faults.forging import Forger, Forgery, write_into
from lineage_pipelines_tests.faults.grown import Grown, grow

BLOCK = 32
BEYOND = 32
"""How many entries there are behind a block, at most."""
NAMED, MISSED = "named", "missed"


@dataclass
class Found:
    """What the changes have come to."""

    tried: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)
    """Changes of which another entry was named."""
    alarms: list[str] = field(default_factory=list)
    """What was found wrong with the honest log."""

    def add(self, what: str, at: int, verdict: str) -> None:
        """Count what came of one change."""
        if what == "honest":
            self.alarms.extend([verdict] * bool(verdict))
            return
        self.tried[what] += 1
        if verdict == MISSED:
            self.missed.append(f"{what} at {at}")
        elif verdict != NAMED:
            self.misnamed.append(f"{what} at {at}: {verdict}")

    def sound(self) -> bool:
        """Whether everything was found and nothing else."""
        return not (self.missed or self.misnamed or self.alarms)


def remember() -> None:
    """Do once for the same input what depends on nothing else: leaf hashes, what a record is of, good signatures."""
    LogEntry.leaf = cache(LogEntry.leaf)  # type: ignore[method-assign]
    entry_reader.decode_identity = cache(entry_reader.decode_identity)  # type: ignore[attr-defined]
    check, good = PublicKey.signed, set[tuple[str, str, bytes, bytes]]()

    def signed(key: PublicKey, kind: str, body: bytes, signature: bytes) -> bool:
        asked = (key.keyid, kind, body, signature)
        if asked not in good and check(key, kind, body, signature):
            good.add(asked)
        return asked in good

    PublicKey.signed = signed  # type: ignore[method-assign,assignment]


def verify(catalog: Catalog, grown: Grown, size: int, places: Collection[int]) -> Sequence[Finding]:
    """Return what fails of a catalog, against checkpoints: at `size` entries, and before and after some places."""
    note = grown.notes[size - 1]
    kept = sorted({at for place in places for at in (place - 1, place) if at}, reverse=True)
    earlier = [Anchor(grown.notes[at - 1], f"the auditor's copy of {at} entries") for at in kept]
    claims = verify_catalog(catalog, anchor=note, anchor_name="the auditor's copy", earlier=earlier)
    return [claim for claim in claims if claim.failed]


def judge(failed: Sequence[Finding], forgery: Forgery, log: Sequence[LogEntry]) -> str:
    """Say whether the change was found, and whether the entry was named that it begins with, and no honest one."""
    if not failed:
        return MISSED
    named = {seq for claim in failed for seq in claim.places}
    strays = sorted(named - forgery.touched(log))
    if strays:
        return f"names the honest entries {strays[:5]}"
    return NAMED if min(named, default=0) == forgery.at else f"names {sorted(named)[:5]}"


def try_changes(grown: Grown, size: int, places: Collection[int], seed: int, results: Path) -> None:
    """Make every kind of change at every one of some places of the log as it was when it had `size` entries."""
    log = grown.log[:size]
    forger = Forger(log, grown.keys, random.Random(seed))
    with ForgedCatalog(f"sqlite:///{grown.file}", forger, places) as catalog:
        catalog.decode_decided()
        failed = verify(catalog, grown, size, places)
        if catalog.forgery is None:
            _tell(results, "honest", size, "; ".join(claim.detail for claim in failed))
            for what, at in catalog.died:
                _tell(results, what, at, "the verification died")
            return
        _tell(results, catalog.forgery.what, catalog.forgery.at, judge(failed, catalog.forgery, log))
        os._exit(0)


def _tell(results: Path, what: str, at: int, verdict: str) -> None:
    with results.open("ab", buffering=0) as file:
        file.write(f"{json.dumps([what, at, verdict])}\n".encode())


def _tasks(grown: Grown, samples: int) -> Iterator[tuple[int, Collection[int]]]:
    """Yield how long the log is, and where it is changed."""
    chance, entries = random.Random(2013), len(grown.log)
    for first in range(1, entries + 1, BLOCK):
        last = min(first + BLOCK - 1, entries)
        yield min(last + chance.randint(1, BEYOND), entries), range(first, last + 1)
    for _ in range(samples):
        yield entries, (chance.randint(1, entries),)


def try_all(grown: Grown, results: Path, *, samples: int, jobs: int) -> None:
    """Make every change, in so many processes."""
    remember()
    try_changes(grown, len(grown.log), (), 0, results)  # what is remembered and imported by then, all processes have
    gc.collect()
    gc.freeze()  # the children are many and short: they must not touch every page
    gc.disable()
    tasks = list(enumerate(_tasks(grown, samples)))
    workers = []
    for job in range(jobs):
        workers.append(os.fork())
        if not workers[-1]:
            status = 1
            try:
                for number, (size, places) in tasks[job::jobs]:
                    try_changes(grown, size, places, number, results)
                status = 0
            except BaseException:  # noqa: BLE001  # told where it can be seen
                traceback.print_exc()
            finally:
                os._exit(status)
    if any(os.waitpid(worker, 0)[1] for worker in workers):
        raise RuntimeError("a worker died")


def try_in_file(grown: Grown, found: Found, *, samples: int) -> None:
    """Make some changes of every kind in the file of the database itself."""
    chance, size = random.Random(73), len(grown.log)
    forger = Forger(grown.log, grown.keys, chance)
    for _ in range(samples):
        for forgery in forger.forgeries(chance.randint(1, size)):
            file = grown.file.with_name("forged.db")
            shutil.copy(grown.file, file)
            write_into(file, forgery, grown.log)
            with Catalog(f"sqlite:///{file}", read_only=True) as catalog:
                failed = verify(catalog, grown, size, (forgery.at,))
                found.add(f"{forgery.what} (in the file)", forgery.at, judge(failed, forgery, grown.log))


def run(folder: Path, *, entries: int, samples: int, jobs: int) -> Found:
    """Grow a log and change it in every way."""
    grown = grow(folder, entries)
    results = folder / "results"
    try_all(grown, results, samples=samples, jobs=jobs)
    found = Found()
    for line in results.read_text().splitlines():
        found.add(*json.loads(line))
    try_in_file(grown, found, samples=max(1, samples // 10))
    return found


def main() -> int:
    """Change the log, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=20, help="places that are changed in the whole log")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        found = run(Path(name), entries=asked.entries, samples=asked.samples, jobs=asked.jobs)
    for what, tried in found.tried.items():
        sys.stdout.write(f"{what}: {tried:,}\n")
    sys.stdout.write("".join(f"  {line}\n" for line in (found.missed + found.misnamed + found.alarms)[:40]))
    sys.stdout.write(
        f"{sum(found.tried.values()):,} changes of {asked.entries:,} entries in {time.monotonic() - begun:.0f} s: "
        f"{len(found.missed)} missed, {len(found.misnamed)} with another entry named, "
        f"{len(found.alarms)} false alarms\n"
    )
    return 0 if found.sound() else 1


if __name__ == "__main__":
    sys.exit(main())
