"""Training: the best of several candidates, evaluated the same way for every model of this pipeline.

Candidates learn from the training months and are compared on the validation months; the best learns again from both
and is measured on the test months, which nothing has seen before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineage_pipelines import SliceMetrics, TrainedModel
from lineage_pipelines.flights.models.candidates import Contender, Criterion, Metrics, choose
from lineage_pipelines.flights.models.flight_metrics import slices, time_of_day
from lineage_pipelines.flights.models.history_baseline import forecast_from_history
from lineage_pipelines.flights.models.plots import reliability_plot

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

MIN_SLICE_ROWS = 200
"""A carrier or part of the day with fewer flights than this gets no metrics of its own."""

_NOTES = (
    "Chosen on the validation months, trained again with them, measured on the test months. The slices by month add "
    "the validation months as the candidate saw them that had not learned from them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is learned, and how it is measured."""

    target: "Callable[[pd.DataFrame], pd.Series[Any]]"
    """From a table to what should be predicted."""
    predict: "Callable[[Pipeline, pd.DataFrame], pd.Series[float]]"
    measure: "Callable[[pd.Series[Any], pd.Series[float]], Metrics]"
    """From the target and its prediction to metrics."""
    criterion: Criterion
    """What decides between candidates."""
    unit: str
    """Of the target, for the plot."""

    def fit(self, pipeline: "Pipeline", table: "pd.DataFrame") -> "Pipeline":
        """Train a clone of a pipeline."""
        from sklearn.base import clone

        fitted: Pipeline = clone(pipeline).fit(table, self.target(table))
        return fitted

    def predict_table(self, fitted: "Pipeline", table: "pd.DataFrame") -> "Predictions":
        """Predict a whole table, to measure it or its parts."""
        return Predictions(task=self, table=table, target=self.target(table), predicted=self.predict(fitted, table))


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """A table with what happened and what was predicted."""

    task: Task
    table: "pd.DataFrame"
    target: "pd.Series[Any]"
    predicted: "pd.Series[float]"

    def metrics(self) -> Metrics:
        """Return the metrics over all rows."""
        return self.task.measure(self.target, self.predicted)

    def by(self, name: str, values: "pd.Series[str]", *, min_rows: int = 1) -> Iterator[SliceMetrics]:
        """Yield the metrics of the rows with each value of a column."""
        return slices(
            name, values, lambda rows: self.task.measure(self.target[rows], self.predicted[rows]), min_rows=min_rows
        )


def train_best(
    task: Task,
    contenders: Sequence[Contender],
    train: "pd.DataFrame",
    validation: "pd.DataFrame",
    test: "pd.DataFrame",
    *,
    seed: int,
) -> TrainedModel:
    """Choose on `validation`, train the best on all but `test`, and evaluate it there.

    Raises:
        CaptureError: there is nothing to choose from, or no metric to choose by.
    """
    import pandas as pd

    choice = choose(
        contenders,
        fit=lambda pipeline: task.fit(pipeline, train),
        measure=lambda fitted: task.predict_table(fitted, validation).metrics(),
        criterion=task.criterion,
    )
    learned = pd.concat([train, validation], ignore_index=True)
    final = task.fit(choice.winner.pipeline, learned)
    predictions, earlier = task.predict_table(final, test), task.predict_table(choice.fitted, validation)
    return TrainedModel(
        estimator=final,
        metrics={**predictions.metrics(), **_gain(predictions, learned)},
        slices=[*_slices(predictions), *earlier.by("month", validation["month"])],
        evaluated_on="test",
        candidates=choice.candidates,
        seed=seed,
        parameters={"chosen": choice.winner.name},
        plot=reliability_plot(predictions.target, predictions.predicted, unit=task.unit),
        notes=_NOTES,
    )


def _gain(predictions: Predictions, learned: "pd.DataFrame") -> dict[str, float]:
    """What the model is worth: the deciding metric against that of a forecast from history, on the same flights."""
    task = predictions.task
    decides = task.criterion.metric
    model = predictions.metrics()
    history = task.measure(predictions.target, forecast_from_history(learned, task.target(learned), predictions.table))
    if decides not in model or decides not in history:
        return {}
    sign = 1 if task.criterion.higher_is_better else -1
    return {
        f"history_{decides}": history[decides],
        "gain_over_history": sign * (model[decides] - history[decides]),
    }


def _slices(predictions: Predictions) -> Iterator[SliceMetrics]:
    table = predictions.table
    yield from predictions.by("origin", table["origin"])
    yield from predictions.by("carrier", table["carrier"], min_rows=MIN_SLICE_ROWS)
    yield from predictions.by("time_of_day", time_of_day(table["sched_dep"]), min_rows=MIN_SLICE_ROWS)
    yield from predictions.by("month", table["month"])
