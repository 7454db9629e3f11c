"""Repeated measurements, side by side, and the table that shows them."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HEAD = ["what", "median", "least", "against", "ratio", "budget"]

Found = Mapping[str, Sequence[float]]
"""The measurements of each side, round by round."""


def environment() -> dict[str, str]:
    """Return the environment of a measured process: nothing is sent anywhere, and bytecode is kept as it always is."""
    env = os.environ | {"DAGSTER_DISABLE_TELEMETRY": "1", "DVC_NO_ANALYTICS": "1", "NO_COLOR": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process would compile what it imports anew
    return env


def seconds(command: Sequence[str | Path], *, cwd: Path) -> float:
    """Return the wall time of one run of a command."""
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment(), check=False, capture_output=True, text=True)
    taken = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return taken


def timed(call: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def in_turn(sides: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """Measure every side once a round, A B A B …, so that a drift of the machine meets all of them.

    A round that is not counted comes first, but where there is one round only, to see that it works.
    """
    for measure in sides.values() if runs > 1 else ():
        measure()
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(runs):
        print(f"  round {number + 1} of {runs}", file=sys.stderr)
        for name, measure in sides.items():
            found[name].append(measure())
    return found


def ratio(found: Found, name: str, base: str) -> float:
    """Return the median of the ratios of two sides, round by round."""
    return statistics.median(a / b for a, b in zip(found[name], found[base], strict=True))


def row(found: Found, name: str, base: str = "", budget: str = "") -> list[str]:
    """Return the cells of one side, and of its ratio to another one."""
    times = [_shown(statistics.median(found[name])), _shown(min(found[name]))]
    return [name, *times, base, f"{ratio(found, name, base):#.3g} x" if base else "", budget]


def _shown(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.0f} ms"


def show(title: str, rows: Sequence[Sequence[object]], head: Sequence[str] = HEAD) -> None:
    """Print a Markdown table."""
    lines = [[str(cell) for cell in cells] for cells in (head, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    print(f"\n{title}\n")
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    sys.stdout.flush()


class Process:
    """A process to be measured: how long it takes, and the most memory that it had.

    Args:
        command: what is run.
        folder: where.
    """

    def __init__(self, command: Sequence[str | Path], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self.memory = 0
        """Bytes, of the largest of the runs."""

    def seconds(self) -> float:
        """Run it once."""
        return timed(self._run)

    def _run(self) -> None:
        with subprocess.Popen(self._command, cwd=self._folder, env=environment(), stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, self._command))} failed")
        self.memory = max(self.memory, usage.ru_maxrss * 1024)


def show_processes(title: str, processes: Mapping[str, Process], base: str, runs: int) -> None:
    """Run processes in turn, and print how long each took beside one of them, and how much memory it had."""
    found = in_turn({side: each.seconds for side, each in processes.items()}, runs)
    rows = [
        [*row(found, side, "" if side == base else base)[:-1], f"{each.memory / 1e6:.0f} MB"]
        for side, each in processes.items()
    ]
    show(f"{title}, {runs} processes of each in turn", rows, [*HEAD[:-1], "memory"])
