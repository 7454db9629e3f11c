"""Repeated whole-process measurements and the table that shows them."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def seconds(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> float:
    """Return the wall time of one run of a command."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - begun


def in_turn(sides: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """Measure every side once a round, A B A B …, so that a drift of the machine meets all of them; one warm-up."""
    for measure in sides.values():
        measure()
    found: dict[str, list[float]] = {name: [] for name in sides}
    for round_number in range(runs):
        print(f"  round {round_number + 1} of {runs}", file=sys.stderr)
        for name, measure in sides.items():
            found[name].append(measure())
    return found


def ratio(found: Mapping[str, Sequence[float]], name: str, base: str) -> float:
    """Return the median of the ratios of two sides, round by round."""
    return statistics.median(a / b for a, b in zip(found[name], found[base], strict=True))


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    print(f"\n{title}\n")
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
