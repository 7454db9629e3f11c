"""How long do questions to the catalog take, and how much longer when there are a hundred times as many versions?

`python -m benchmarks.queries` makes catalogs of a thousand and of ten thousand versions (see `benchmarks.versions`) on
SQLite and on PostgreSQL, asks each in turn, every time about something else, and shows p50, p95 and the growth of p50.
Then it asks MLflow (its client on its own SQLite store, 5,000 versions) and Dagster's event log (plain materializations
with the versions of their inputs) what they can answer of the same history, beside a catalog of as many versions.

    --sizes 1000 10000 100000   the large run; with --keep FOLDER what was made is there the next time
    --only sqlite postgresql mlflow dagster processes   parts of it
"""

import argparse
import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import histories
from benchmarks.growing import Place
from benchmarks.questions import QUESTIONS, Asker, Question
from benchmarks.rows import milliseconds, p95
from benchmarks.table import show, timed

PARTS = ("sqlite", "postgresql", "mlflow", "dagster", "processes")
_MINIMUM, _PATIENCE = 5, 8.0
"""So often is asked at least; no more, when it has taken so many seconds."""


def ask(question: Question, askers: Mapping[str, Asker], runs: int) -> dict[str, list[float]]:
    """Ask everybody in turn, each time about something else; the first round is not counted."""
    found: dict[str, list[float]] = {name: [] for name in askers}
    for name in itertools.islice(askers, len(askers) if runs > 1 else 0):
        question(askers[name])()
    begun = time.perf_counter()
    for run in range(runs):
        if run >= _MINIMUM and time.perf_counter() - begun > _PATIENCE:
            break
        for name, asker in askers.items():
            found[name].append(timed(question(asker)))
    return found


def growth(store: str, askers: Mapping[str, Asker], runs: int, words: Sequence[str]) -> None:
    """Print how long each question takes at each size."""
    rows = []
    for what, (question, budget) in QUESTIONS.items():
        if words and not any(word in what for word in words):
            continue
        found = ask(question, askers, runs)
        said = ", ".join(f"{size} {milliseconds(statistics.median(times))}" for size, times in found.items())
        print(f"  {store}: {what}: {said}", file=sys.stderr, flush=True)
        cells = [milliseconds(f(times)) for times in found.values() for f in (statistics.median, p95)]
        medians = [statistics.median(times) for times in found.values()]
        rows.append([what, *cells, f"{medians[-1] / medians[0]:#.3g} x", budget])
    head = ["what", *(f"{size} {part}" for size in askers for part in ("p50", "p95")), "growth", "budget"]
    show(f"{store}, {runs} questions of each kind, or what {_PATIENCE:g} s allow", rows, head)


@contextlib.contextmanager
def asked(store: str, place: Place, sizes: Sequence[int]) -> Iterator[dict[str, Asker]]:
    """Open the histories of a store, by their size in words."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(histories.postgresql(place)) if store == "postgresql" else None
        opened = {}
        for size in sizes:
            if server is not None:
                catalog = stack.enter_context(histories.in_postgresql(server, place, size))
            else:
                catalog = stack.enter_context(histories.sqlite(place, size))
            opened[f"{size:,}"] = Asker(catalog, place, size)
        yield opened


def run(
    place: Place,
    *,
    only: Sequence[str],
    sizes: Sequence[int],
    others: int,
    events: Sequence[int],
    runs: int,
    words: Sequence[str],
) -> None:
    """Measure and print what was asked for."""
    for store, name in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        if store in only:
            with asked(store, place, sizes) as askers:
                growth(name, askers, runs, words)
    if "processes" in only:
        from benchmarks.processes import measure_processes

        measure_processes(place, sizes, runs)
    if "mlflow" in only:
        from benchmarks.mlflow_store import measure_mlflow

        measure_mlflow(place, others, runs)
    if "dagster" in only:
        from benchmarks.dagster_events import measure_dagster

        measure_dagster(place, events, runs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000], help="versions in the catalogs")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--others", type=int, default=5_000, help="versions in MLflow's registry")
    parser.add_argument("--events", type=int, nargs="+", default=[1_000, 5_000], help="events in Dagster's log")
    parser.add_argument("--runs", type=int, default=40, help="questions of each kind")
    parser.add_argument("--questions", nargs="+", default=(), metavar="WORD", help="only those with one of these words")
    parser.add_argument("--keep", type=Path, help="a folder in which what is made is kept, and found again")
    asked_for = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = asked_for.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if asked_for.keep is None:
            folder.chmod(0o755)  # where root measures, PostgreSQL is another account, and has to get there
        place = Place(folder.resolve())
        place.prepare()
        run(
            place,
            only=asked_for.only,
            sizes=sorted(asked_for.sizes),
            others=asked_for.others,
            events=asked_for.events,
            runs=asked_for.runs,
            words=asked_for.questions,
        )


if __name__ == "__main__":
    main()
