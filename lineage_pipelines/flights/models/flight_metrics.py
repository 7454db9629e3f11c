"""Metrics of a model, over all flights of a table and over parts of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from lineage_pipelines import SliceMetrics

if TYPE_CHECKING:
    import pandas as pd

WITHIN_MINUTES = 15
BINS = 10


def lateness_metrics(late: "pd.Series[bool]", probability: "pd.Series[float]") -> dict[str, float]:
    """Return how well probabilities of being late rank, and how honest they are.

    Where every flight was late, or none was, the metrics of ranking have no value and are left out.
    """
    from sklearn import metrics

    ranking = {}
    if late.nunique() > 1:
        ranking = {
            "roc_auc": float(metrics.roc_auc_score(late, probability)),
            "average_precision": float(metrics.average_precision_score(late, probability)),
        }
    return {
        **ranking,
        "log_loss": float(metrics.log_loss(late, probability, labels=[False, True])),
        "brier": float(((probability - late) ** 2).mean()),
        "calibration_error": calibration_error(late, probability),
        "late_share": float(late.mean()),
    }


def minutes_metrics(actual: "pd.Series[float]", expected: "pd.Series[float]") -> dict[str, float]:
    """Return how far expected minutes late are from the actual ones."""
    error = expected - actual
    squares = float((error**2).mean())
    variance = float(actual.var(ddof=0))
    return {
        "mae": float(error.abs().mean()),
        "rmse": squares**0.5,
        **({"r2": 1 - squares / variance} if variance else {}),
        f"within_{WITHIN_MINUTES}_minutes": float((error.abs() <= WITHIN_MINUTES).mean()),
        "mean_error": float(error.mean()),
    }


def calibration_error(outcome: "pd.Series[bool]", probability: "pd.Series[float]") -> float:
    """Return the expected calibration error: over ten groups of equal size, |predicted - observed| on average."""
    bins = calibration_bins(outcome, probability)
    return float(((bins["predicted"] - bins["observed"]).abs() * bins["rows"]).sum() / bins["rows"].sum())


def calibration_bins(outcome: "pd.Series[float] | pd.Series[bool]", predicted: "pd.Series[float]") -> "pd.DataFrame":
    """Return `predicted`, `observed` (means) and `rows` of ten groups of equal size, by rising prediction."""
    import numpy as np
    import pandas as pd

    order = np.argsort(predicted.to_numpy(), kind="stable")
    group = np.empty(len(order), dtype=int)
    group[order] = np.arange(len(order)) * BINS // len(order)
    columns = pd.DataFrame({"predicted": predicted.to_numpy(), "observed": outcome.to_numpy().astype(float)})
    return columns.groupby(group).mean().assign(rows=np.bincount(group)[np.unique(group)])


def slices(
    name: str,
    values: "pd.Series[str]",
    measure: "Callable[[pd.Series[bool]], Mapping[str, float]]",
    *,
    min_rows: int = 1,
) -> Iterator[SliceMetrics]:
    """Yield the metrics of the rows with each value of a column, where there are at least `min_rows`.

    Args:
        name: the column's name.
        values: the column.
        measure: from a mask of rows to their metrics.
        min_rows: fewer rows say too little.
    """
    for value, rows in values.value_counts().sort_index().items():
        if rows >= min_rows:
            yield SliceMetrics(name=name, value=str(value), rows=int(rows), metrics=measure(values == value))


def time_of_day(sched_dep: "pd.Series[float]") -> "pd.Series[str]":
    """Return the six hours that a scheduled departure (minutes of the day) falls in: `06-12`."""
    first = sched_dep.astype(int) // 360 * 6
    return first.map(lambda hour: f"{hour:02}-{hour + 6:02}")
