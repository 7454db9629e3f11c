"""Every step of storing a version, and what is left when it fails or when the process dies in it.

`python -m lineage_pipelines_tests.faults.steps` stores a model file and its record in a child process, whose n-th call
that changes a file fails or kills it, for n = 1, 2, 3 … until a run ends without having met the fault, as SQLite tests
itself. Then the same with an interruption (Ctrl-C) at the n-th line of the catalog and the store. After each, the
parent looks at what there is and stores the same version again. `--thin` kills at every second call, and tries one
error a call and every 17th line.
"""

import argparse
import errno
import itertools
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines_tests.faults.interposer import KILL, Fault, under_interposer
from lineage_pipelines_tests.faults.stored_in_child import Arm, Told, at_calls, at_lines, store_in_child
from lineage_pipelines_tests.faults.versions import MODEL, open_store, store_shared, store_version, temporary_files
from lineage_pipelines_tests.samples import run_key

NAMES = {KILL: "kill", errno.ENOSPC: "full disk", errno.EIO: "I/O error", errno.EROFS: "read-only disk"}
NAMES |= {errno.EACCES: "permission denied"}
KINDS = (
    (KILL, False),
    *((code, lasting) for code in (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES) for lasting in (False, True)),
)
"""What happens at a call, and whether at every later one too."""
INTERRUPTION = "interruption"
RUN = "2"


@dataclass
class Found:
    """What all the faults have come to."""

    tried: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    """Writers that were not told that the version is committed."""
    left: Counter[str] = field(default_factory=Counter)
    """Temporary files left behind."""
    wrong: list[str] = field(default_factory=list)


def judge(folder: Path, told: Told, before: int) -> list[str]:
    """Return what is wrong with what a fault has left, in words.

    Args:
        folder: holds catalog, keys and store.
        told: what the child said.
        before: how many versions there were.
    """
    wrong = list(_manners(told))
    left = _look(folder, before, wrong)
    if told.acknowledged is not None and (told.acknowledged, left) != (before + 1, before + 1):
        wrong.append(f"acknowledged was version {told.acknowledged}, there are {left}")
    if store_version(folder, RUN).version != before + 1 or _look(folder, before, wrong) != before + 1:
        wrong.append("stored again, it is not there once")
    return wrong


def _manners(told: Told) -> Iterator[str]:
    expected = "KeyboardInterrupt" if told.interrupted else "LineageError"
    if not told.killed and told.acknowledged is None and told.error != expected:
        yield f"ended with {told.error}, not {expected}: {told.message}"
    elif told.error == "LineageError" and not told.fix:
        yield f"an error without a fix: {told.message}"


def _look(folder: Path, before: int, wrong: list[str]) -> int:
    """Check that the version is there whole or not at all; return how many there are."""
    if not (folder / "catalog.db").exists():
        return 0
    with Catalog(f"sqlite:///{folder}/catalog.db") as catalog:
        entries = catalog.entries(MODEL)[::-1]
        claims = verify_catalog(catalog, artifacts=open_store(folder))
    runs = ["1", RUN] if before else [RUN]
    expected = [(number, run_key(f"{MODEL} {run}")) for number, run in enumerate(runs, start=1)]
    if [(e.version, e.record.model.run_key) for e in entries] not in (expected, expected[:before]):
        wrong.append(f"the versions are {[entry.ref for entry in entries]}")
    wrong.extend(f"verify: {claim.detail}" for claim in claims if claim.failed)
    return len(entries)


def try_fault(found: Found, kind: str, base: Path, before: int, arm: Arm) -> bool:
    """Let one fault happen to a writer and judge what is left; return whether it was met."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        shutil.copytree(base, folder)
        told, met = store_in_child(folder, RUN, arm)
        left = temporary_files(folder)
        found.tried[kind] += 1
        found.unanswered[kind] += told.acknowledged is None
        found.left[kind] += len(left)
        wrong = judge(folder, told, before)
        if left and not (told.killed or told.interrupted):
            wrong.append(f"left behind: {[path.name for path in left]}")
        found.wrong.extend(f"{kind}, {before} before, {told.where}: {what}" for what in wrong)
        return met


def try_every_call(found: Found, base: Path, before: int, *, thin: bool) -> None:
    """Try every kind of fault at every call."""
    for kind, lasting in KINDS:
        every, first = (2, before) if kind == KILL else (len(KINDS) - 1, KINDS.index((kind, lasting)) - 1)
        for number in itertools.count(1):
            skipped = thin and number % every != first
            fault = Fault(number, kind, lasting)
            name = NAMES[kind] + (" from there on" if lasting else "")
            if not skipped and not try_fault(found, name, base, before, at_calls(fault)):
                break


def try_every_line(found: Found, base: Path, before: int, *, every: int) -> None:
    """Interrupt at every line."""
    for number in itertools.count(1, every):
        if not try_fault(found, INTERRUPTION, base, before, at_lines(number)):
            break


def run(*, thin: bool) -> Found:
    """Try everything, on a catalog that is to be made and on one that has a version."""
    found = Found()
    with tempfile.TemporaryDirectory() as name:
        for before in (0, 1):
            base = Path(name) / str(before)
            base.mkdir()
            store_shared(base)
            if before:
                store_version(base, "1")
            try_every_call(found, base, before, thin=thin)
            try_every_line(found, base, before, every=17 if thin else 1)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every fault, and print what it has come to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--thin", action="store_true")
    asked = parser.parse_args(arguments)
    under_interposer(__spec__.name, ["--thin"] * asked.thin)
    found = run(thin=asked.thin)
    for kind, tried in found.tried.items():
        sys.stdout.write(
            f"{kind}: tried {tried:,} times, {found.unanswered[kind]:,} not committed or not acknowledged, "
            f"{found.left[kind]:,} temporary files left\n"
        )
    sys.stdout.write("".join(f"  {line}\n" for line in found.wrong[:40]))
    sys.stdout.write(f"{sum(found.tried.values()):,} faults, {len(found.wrong)} of them left something half-done\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
