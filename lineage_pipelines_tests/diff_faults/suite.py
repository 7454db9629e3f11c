"""Injects every fault into its world, asks why the version differs, and prints what the answer says first.

`python -m lineage_pipelines_tests.diff_faults.suite [WORDS…]` runs the faults whose names hold all of the words.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.queries.diff.comparison import compare_versions
from lineage_pipelines.queries.diff.explanation.change import Change
from lineage_pipelines.queries.diff.version_diff import VersionDiff
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines_tests.diff_faults import credit_faults, flights_faults
from lineage_pipelines_tests.diff_faults.credit_world import CreditWorld
from lineage_pipelines_tests.diff_faults.faults import Fault, is_accepted
from lineage_pipelines_tests.diff_faults.flights_world import FlightsWorld
from lineage_pipelines_tests.diff_faults.worlds import FaultyWorld

WORLDS: dict[str, type[FaultyWorld]] = {"flights": FlightsWorld, "credit": CreditWorld}
FAULTS: list[Fault] = [*flights_faults.FAULTS, *credit_faults.FAULTS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was said of one fault."""

    fault: Fault
    answer: VersionDiff
    seconds: float
    """Of the comparison alone."""

    @property
    def changes(self) -> Sequence[Change]:
        """What was found, most likely explanation first."""
        return self.answer.changes

    @property
    def rank(self) -> int | None:
        """The place of the right change, from 1; None when it was not found."""
        ranked = enumerate(self.changes, start=1)
        return next((place for place, each in ranked if is_accepted(_said(each), self.fault.accepted)), None)


def _said(change: Change) -> tuple[str, str, str]:
    return str(change.layer), change.subject, change_text(change)


def run(folder: Path, faults: Sequence[Fault] = FAULTS) -> Iterator[Outcome]:
    """Make each world's base version once, then one version a fault, and compare it with the base."""
    for name, kind in WORLDS.items():
        chosen = [fault for fault in faults if fault.world == name]
        if chosen:
            (folder / name).mkdir(parents=True)
            yield from _run_world(kind(folder / name), chosen)


def _run_world(world: FaultyWorld, faults: Sequence[Fault]) -> Iterator[Outcome]:
    with world.catalog:
        base = world.record("base", world.base())
        for fault in faults:
            draft = world.base()
            fault.inject(draft)
            faulty = world.record(fault.name, draft)
            begun = time.perf_counter()
            answer = compare_versions(world.catalog, base, faulty, artifacts=world.store, project_dir=world.root)
            yield Outcome(fault=fault, answer=answer, seconds=time.perf_counter() - begun)


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return how many right causes were found first, and how many among the first three."""
    ranks = [outcome.rank for outcome in outcomes]
    first, third = sum(rank == 1 for rank in ranks), sum(rank is not None and rank <= 3 for rank in ranks)
    return f"{len(ranks)} faults: the right cause is first in {first}, among the first three in {third}"


def main(words: Sequence[str]) -> None:
    """Print a line a fault, more where the right change is not the first, and a summary."""
    chosen = [fault for fault in FAULTS if all(word in fault.key for word in words)]
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for outcome in run(Path(folder), chosen):
            outcomes.append(outcome)
            sys.stdout.write(_lines(outcome))
            sys.stdout.flush()
    seconds = sorted(outcome.seconds for outcome in outcomes)
    median = f"; a comparison takes {seconds[len(seconds) // 2] * 1000:.0f} ms" if seconds else ""
    sys.stdout.write(f"{summary(outcomes)}{median}\n")


def _lines(outcome: Outcome) -> str:
    """Rank, fault and first change; where that is not the right one, those behind it too, with their scores."""
    first = f"{outcome.rank or '-'!s:>2}  {outcome.fault.key:45} {change_text(outcome.changes[0])}\n"
    if outcome.rank == 1:
        return first
    others = outcome.changes[: max(outcome.rank or 0, 6)]
    return first + "".join(
        f"{each.score:10.1f} {each.layer:>14} {each.subject:>24} {change_text(each)}\n" for each in others
    )


if __name__ == "__main__":
    main(sys.argv[1:])
