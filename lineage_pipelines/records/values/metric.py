"""Metric: what is known of a metric by its name: which way is better, and which one people look at first."""

from collections.abc import Iterable

_LOWER = frozenset({"loss", "error", "brier", "mae", "mse", "rmse", "mape", "deviance"})
_FIRST = ("roc_auc", "average_precision", "accuracy", "f1", "r2", "mae", "rmse")


def lower_is_better(metric: str) -> bool:
    """Return whether a metric gets better as it falls: losses and errors do, everything else rises."""
    return not _LOWER.isdisjoint(metric.lower().split("_"))


def by_interest(metrics: Iterable[str]) -> list[str]:
    """Return metric names, the ones that people look at first in front, the others by name."""
    rank = {name: place for place, name in enumerate(_FIRST)}
    return sorted(metrics, key=lambda name: (rank.get(name, len(rank)), name))
