"""Rows of questions: the median and the 95th percentile of each side, and how much faster one is than the other."""

import math
import statistics
from collections.abc import Sequence

from benchmarks.table import Found

HEAD = ("what", "p50", "p95", "against", "ratio", "budget")


def p95(found: Sequence[float]) -> float:
    """Return the value that 95 % are not above."""
    return sorted(found)[math.ceil(0.95 * len(found)) - 1]


def milliseconds(seconds: float) -> str:
    """Return a time as a table shows it."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def compared(found: Found, budget: str = "") -> list[list[str]]:
    """Return a row of the first side, and of each other one with the ratio of its median to the first one's."""
    base, *others = found
    rows = [[base, *_times(found[base]), "", "", ""]]
    for name in others:
        ratio = statistics.median(found[name]) / statistics.median(found[base])
        rows.append([name, *_times(found[name]), base, f"{ratio:#.3g} x", budget])
    return rows


def _times(found: Sequence[float]) -> list[str]:
    return [milliseconds(statistics.median(found)), milliseconds(p95(found))]
