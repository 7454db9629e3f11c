"""Minutes model, `expected_minutes`: how late will this flight arrive? The same features, a regression."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lineage_pipelines import TrainedModel
from lineage_pipelines.flights.models.candidates import Contender, Criterion, Metrics
from lineage_pipelines.flights.models.flight_metrics import minutes_metrics
from lineage_pipelines.flights.models.preprocessing import linear_pipeline, tree_pipeline
from lineage_pipelines.flights.models.training import Task, train_best
from lineage_pipelines.flights.preparation.columns import LABEL

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class MinutesParams:
    """What can be set when `expected_minutes` is trained."""

    ridge_alpha: tuple[float, ...] = (1.0, 1000.0)
    """Ridge regression: strengths of regularization, a candidate each."""
    max_leaf_nodes: tuple[int, ...] = (15, 31)
    """Gradient boosting: leaves of a tree, a candidate each."""
    max_iter: Annotated[int, Field(ge=1)] = 100
    """Gradient boosting: number of trees."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    """Gradient boosting: weight of a tree."""
    min_samples_leaf: Annotated[int, Field(ge=1)] = 200
    """Gradient boosting: flights in a leaf, at least."""
    seed: int = 7
    """Of every random choice."""


def train_expected_minutes(
    train: "pd.DataFrame", validation: "pd.DataFrame", test: "pd.DataFrame", params: MinutesParams
) -> TrainedModel:
    """Predict the minutes that a flight arrives late, on average; early flights count as negative.

    Raises:
        CaptureError: fewer than two candidates.
    """
    return train_best(_task(), _contenders(params), train, validation, test, seed=params.seed)


def measure_expected_minutes(fitted: "Pipeline", table: "pd.DataFrame") -> Metrics:
    """Return the metrics of a trained model on any flights."""
    return _task().predict_table(fitted, table).metrics()


def _task() -> Task:
    return Task(
        target=lambda table: table[LABEL].astype(float),
        predict=_expected,
        measure=minutes_metrics,
        # Squared error is what a mean minimizes; a model chosen by absolute error would expect the median.
        criterion=Criterion(metric="rmse", title="RMSE", higher_is_better=False),
        unit="minutes late",
    )


def _expected(fitted: "Pipeline", table: "pd.DataFrame") -> "pd.Series[float]":
    import pandas as pd

    return pd.Series(fitted.predict(table), index=table.index)


def _contenders(params: MinutesParams) -> list[Contender]:
    """The candidates, the simplest first."""
    ridge = [_ridge(alpha, params) for alpha in params.ridge_alpha]
    return [*ridge, *(_boosting(leaves, params) for leaves in params.max_leaf_nodes)]


def _ridge(alpha: float, params: MinutesParams) -> Contender:
    from sklearn.linear_model import Ridge

    estimator = Ridge(alpha=alpha, random_state=params.seed)
    return Contender(name=f"ridge_alpha{alpha:g}", parameters={"alpha": alpha}, pipeline=linear_pipeline(estimator))


def _boosting(leaves: int, params: MinutesParams) -> Contender:
    from sklearn.ensemble import HistGradientBoostingRegressor

    settings = {
        "max_leaf_nodes": leaves,
        "max_iter": params.max_iter,
        "learning_rate": params.learning_rate,
        "min_samples_leaf": params.min_samples_leaf,
    }
    estimator = HistGradientBoostingRegressor(**settings, early_stopping=False, random_state=params.seed)
    return Contender(name=f"boosting_{leaves}_leaves", parameters=settings, pipeline=tree_pipeline(estimator))
