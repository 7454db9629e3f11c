"""Delay model, `flight_delay`: will this flight arrive late? A plain function from tables to a model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lineage_pipelines import TrainedModel
from lineage_pipelines.flights.models.candidates import Contender, Criterion, Metrics
from lineage_pipelines.flights.models.flight_metrics import lateness_metrics
from lineage_pipelines.flights.models.preprocessing import linear_pipeline, tree_pipeline
from lineage_pipelines.flights.models.training import Task, train_best
from lineage_pipelines.flights.preparation.columns import LABEL

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class DelayParams:
    """What can be set when `flight_delay` is trained."""

    late_after_minutes: int = 15
    """A flight is late when it arrives more than this after its schedule."""
    logistic_c: tuple[float, ...] = (0.01, 1.0)
    """Logistic regression: inverse strengths of regularization, a candidate each."""
    max_leaf_nodes: tuple[int, ...] = (15, 31, 63)
    """Gradient boosting: leaves of a tree, a candidate each."""
    max_iter: Annotated[int, Field(ge=1)] = 100
    """Gradient boosting: number of trees."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    """Gradient boosting: weight of a tree."""
    min_samples_leaf: Annotated[int, Field(ge=1)] = 200
    """Gradient boosting: flights in a leaf, at least."""
    l2_regularization: Annotated[float, Field(ge=0)] = 1.0
    """Gradient boosting: penalty on the leaves' values."""
    seed: int = 7
    """Of every random choice."""


def train_flight_delay(
    train: "pd.DataFrame", validation: "pd.DataFrame", test: "pd.DataFrame", params: DelayParams
) -> TrainedModel:
    """Predict the probability that a flight arrives late.

    Raises:
        CaptureError: fewer than two candidates, or validation flights that were all late or all on time.
    """
    return train_best(_task(params), _contenders(params), train, validation, test, seed=params.seed)


def measure_flight_delay(fitted: "Pipeline", table: "pd.DataFrame", params: DelayParams) -> Metrics:
    """Return the metrics of a trained model on any flights."""
    return _task(params).predict_table(fitted, table).metrics()


def _task(params: DelayParams) -> Task:
    return Task(
        target=lambda table: table[LABEL] > params.late_after_minutes,
        predict=_probability,
        measure=lateness_metrics,
        criterion=Criterion(metric="roc_auc", title="ROC AUC", higher_is_better=True),
        unit="share late",
    )


def _probability(fitted: "Pipeline", table: "pd.DataFrame") -> "pd.Series[float]":
    import pandas as pd

    return pd.Series(fitted.predict_proba(table)[:, 1], index=table.index)


def _contenders(params: DelayParams) -> list[Contender]:
    """The candidates, the simplest first."""
    logistic = [_logistic(c, params) for c in params.logistic_c]
    return [*logistic, *(_boosting(leaves, params) for leaves in params.max_leaf_nodes)]


def _logistic(c: float, params: DelayParams) -> Contender:
    from sklearn.linear_model import LogisticRegression

    estimator = LogisticRegression(C=c, max_iter=2000, random_state=params.seed)
    return Contender(name=f"logistic_c{c:g}", parameters={"C": c}, pipeline=linear_pipeline(estimator))


def _boosting(leaves: int, params: DelayParams) -> Contender:
    from sklearn.ensemble import HistGradientBoostingClassifier

    settings = {
        "max_leaf_nodes": leaves,
        "max_iter": params.max_iter,
        "learning_rate": params.learning_rate,
        "min_samples_leaf": params.min_samples_leaf,
        "l2_regularization": params.l2_regularization,
    }
    estimator = HistGradientBoostingClassifier(**settings, early_stopping=False, random_state=params.seed)
    return Contender(name=f"boosting_{leaves}_leaves", parameters=settings, pipeline=tree_pipeline(estimator))
