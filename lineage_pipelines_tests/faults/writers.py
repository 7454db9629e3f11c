"""Many writers at once, and two attempts of one run: contiguous versions, and never a second one.

`python -m lineage_pipelines_tests.faults.writers --writers 64 --commits 50 --races 1000` prints the figures of the
documentation: all writers on one model, each on its own, and two processes that commit the same run at the same moment.
"""

import argparse
import dataclasses
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkContext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines_tests.faults.versions import open_catalog
from lineage_pipelines_tests.samples import digest, make_record, run_key

_TIMEOUT = 300.0
Committed = tuple[str, str, int, float]
"""Model, run, version, and the seconds that it took."""
Job = tuple[str, str, LineageRecord]
"""Model, run, and what is to be committed."""


@dataclass(frozen=True)
class Outcome:
    """What writers have come to."""

    committed: list[Committed]
    seconds: float
    wrong: list[str]

    def rate(self) -> float:
        """Commits a second."""
        return len(self.committed) / self.seconds

    def longest(self) -> float:
        """The longest that a commit took, in seconds."""
        return max(taken for *_, taken in self.committed)

    def usual(self) -> float:
        """What half of the commits took at most, in seconds."""
        return statistics.median(taken for *_, taken in self.committed)


def _write(folder: Path, jobs: Sequence[Job], barrier: Barrier, told: Any, *, together: bool) -> None:
    committed: list[Committed] = []
    barrier.wait(_TIMEOUT)
    try:
        with open_catalog(folder) as catalog:
            for model, run, record in jobs:
                if together:
                    barrier.wait(_TIMEOUT)
                begun = time.perf_counter()
                entry = catalog.append(record)
                committed.append((model, run, entry.version, time.perf_counter() - begun))
        told.put(committed)
    except BaseException as error:  # the parent has to hear of any
        told.put(repr(error))
        raise


def write(folder: Path, shares: Sequence[Sequence[Job]], *, together: bool = False) -> Outcome:
    """Commit each share by a process of its own, all at once.

    Args:
        folder: holds the catalog, or will.
        shares: what each process commits.
        together: whether the processes wait for each other before every commit.
    """
    context: ForkContext = multiprocessing.get_context("fork")
    barrier, told = context.Barrier(len(shares) + 1), context.SimpleQueue()
    processes = [
        context.Process(target=_write, args=(folder, jobs, barrier, told), kwargs={"together": together})
        for jobs in shares
    ]
    for process in processes:
        process.start()
    barrier.wait(_TIMEOUT)
    begun = time.perf_counter()
    for _ in shares[0] if together else ():
        barrier.wait(_TIMEOUT)
    answers = [told.get() for _ in processes]
    seconds = time.perf_counter() - begun
    for process in processes:
        process.join(_TIMEOUT)
    committed = [one for answer in answers if not isinstance(answer, str) for one in answer]
    return Outcome(committed, seconds, [*(a for a in answers if isinstance(a, str)), *look(folder, committed)])


def look(folder: Path, committed: Sequence[Committed]) -> list[str]:
    """Return what is wrong: an acknowledged version that is not there, a gap, a version too many."""
    wrong = []
    with open_catalog(folder) as catalog:
        for model in sorted({model for model, *_ in committed}):
            entries = {entry.version: entry for entry in catalog.entries(model)}
            runs = {(run, version) for name, run, version, _ in committed if name == model}
            if sorted(entries) != list(range(1, len({run for run, _ in runs}) + 1)):
                wrong.append(f"{model} has {len(entries)} versions, up to {max(entries, default=0)}")
            for run, version in runs:
                if version not in entries or entries[version].record.model.run_key != run_key(f"{model} {run}"):
                    wrong.append(f"{model}@{version} is not that of run {run}")
        claims = verify_catalog(catalog, anchor=catalog.log.checkpoint(), anchor_name="now")
    return [*wrong, *(f"verify: {claim.detail}" for claim in claims if claim.failed)]


def _jobs(writer: int, commits: int, model: str) -> list[Job]:
    return [(model, f"{writer} {n}", make_record(f"{writer} {n}", model=model)) for n in range(commits)]


def on_one_model(folder: Path, writers: int, commits: int) -> Outcome:
    """Let all writers commit versions of one model."""
    return write(folder, [_jobs(writer, commits, "one") for writer in range(writers)])


def on_many_models(folder: Path, writers: int, commits: int) -> Outcome:
    """Let each writer commit versions of a model of its own."""
    return write(folder, [_jobs(writer, commits, f"model_{writer}") for writer in range(writers)])


def race(folder: Path, races: int) -> Outcome:
    """Let two attempts of one run commit at the same moment, run after run; they differ as two attempts may."""

    def attempt(number: int, which: int) -> LineageRecord:
        record = make_record(str(number), model="raced")
        artifact = dataclasses.replace(record.artifact, digest=digest(f"file {number} of attempt {which}"))
        finished = record.run.finished.replace(microsecond=which)
        return dataclasses.replace(record, artifact=artifact, run=dataclasses.replace(record.run, finished=finished))

    shares = [[("raced", str(n), attempt(n, which)) for n in range(races)] for which in range(2)]
    found = write(folder, shares, together=True)
    twice = Counter((run, version) for _, run, version, _ in found.committed)
    found.wrong.extend(
        f"run {run} was told version {version} {n} times" for (run, version), n in twice.items() if n != 2
    )
    return found


def main() -> int:
    """Write, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--commits", type=int, default=50)
    parser.add_argument("--races", type=int, default=1000)
    asked = parser.parse_args()
    tried: dict[str, Callable[[Path], Outcome]] = {
        f"{asked.writers} writers on one model": lambda at: on_one_model(at, asked.writers, asked.commits),
        f"{asked.writers} writers, each on its own": lambda at: on_many_models(at, asked.writers, asked.commits),
        f"two attempts of each of {asked.races:,} runs": lambda at: race(at, asked.races),
    }
    wrong = []
    for what, write_all in tried.items():
        with tempfile.TemporaryDirectory() as name:
            found = write_all(Path(name))
        wrong += found.wrong
        sys.stdout.write(
            f"{what}: {len(found.committed):,} commits acknowledged in {found.seconds:.1f} s ({found.rate():.0f} a "
            f"second), median {found.usual():.3f} s, longest {found.longest():.2f} s, {len(found.wrong)} wrong\n"
        )
    sys.stdout.write("".join(f"  {line}\n" for line in wrong[:40]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
