"""Whole processes: what a person waits for who asks a catalog of any size, once, with nothing warm but the disk."""

import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks import versions as v
from benchmarks.growing import Place
from benchmarks.histories import sqlite
from benchmarks.table import in_turn, row, seconds, show
from lineage_pipelines_tests.samples import digests

Command = Sequence[Path | str]
_LIMIT, _BASE = 5, 'python -c "import sqlalchemy"'


def _seconds(command: Callable[[], Command], project: Path) -> float:
    return seconds(command(), cwd=project)


def measure_processes(place: Place, sizes: Sequence[int], runs: int) -> None:
    """Print what `lineage show` and `lineage impact` take as processes, at each size."""
    lineage, draw, project = Path(sys.executable).with_name("lineage"), random.Random(4), place.project
    commands: dict[str, Callable[[], Command]] = {_BASE: lambda: [sys.executable, "-c", "import sqlalchemy"]}
    for size in sizes:
        with sqlite(place, size) as catalog:
            start: Command = [lineage, "--catalog", catalog.url]

        def shown(size: int = size, start: Command = start) -> Command:
            return [*start, "show", v.ref_of(draw.randrange(size))]

        def used(size: int = size, start: Command = start) -> Command:
            number = draw.randrange(size)
            snapshot = v.snapshot(v.team_of(number), "train", v.month_of(number))
            return [*start, "impact", digests(snapshot).sha256 or ""]

        commands |= {f"lineage show, {size:,}": shown, f"lineage impact, {size:,}": used}
    sides = {name: partial(_seconds, command, project) for name, command in commands.items()}
    runs = min(runs, _LIMIT)
    found = in_turn(sides, runs)
    rows = [row(found, _BASE), *(row(found, name, _BASE) for name in list(commands)[1:])]
    show(f"Whole processes, {runs} of each in turn", rows)
