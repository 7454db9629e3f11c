"""Month model, `month_delay`: the delays of one month alone, from its delivery; trained as of each month of the year.

It learns from the first three weeks and is measured on the rest of the month. Small on purpose: a backfill of a year is
twelve trainings.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lineage_pipelines import CaptureError, TrainedModel
from lineage_pipelines.flights.models.flight_metrics import lateness_metrics

if TYPE_CHECKING:
    import pandas as pd

_CATEGORIES = ["carrier", "origin", "dest"]
_NUMBERS = ["hour", "distance"]
_RARE = 50


@dataclass(frozen=True)
class MonthParams:
    """What can be set when `month_delay` is trained."""

    late_after_minutes: int = 15
    """A flight is late when it arrives more than this after its schedule."""
    learn_through_day: Annotated[int, Field(ge=7, le=27)] = 21
    """The last day of the month that the model learns from."""
    c: Annotated[float, Field(gt=0)] = 0.1
    """Logistic regression: inverse strength of regularization."""


def train_month_delay(flights: "pd.DataFrame", params: MonthParams) -> TrainedModel:
    """Predict the probability that a flight of the month arrives late, from what is known before departure.

    Raises:
        CaptureError: the days that are learned from, or the others, have no flight or no late one.
    """
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    arrived = flights[flights["arr_delay"].notna()]
    late = arrived["arr_delay"] > params.late_after_minutes
    learned = arrived["day"] <= params.learn_through_day
    if late[learned].nunique() < len((False, True)) or late[~learned].nunique() < len((False, True)):
        raise CaptureError("the month has too few flights to learn from and to measure on", where="flights")
    encode = OneHotEncoder(min_frequency=_RARE, handle_unknown="infrequent_if_exist")
    columns = ColumnTransformer([("categories", encode, _CATEGORIES), ("numbers", StandardScaler(), _NUMBERS)])
    model = Pipeline([("columns", columns), ("model", LogisticRegression(C=params.c, max_iter=1000))])
    model.fit(arrived[learned], late[learned])
    rest = arrived[~learned]
    probability = pd.Series(model.predict_proba(rest)[:, 1], index=rest.index)
    return TrainedModel(
        estimator=model,
        metrics=lateness_metrics(late[~learned], probability),
        evaluated_on="flights",
        notes="Learned from the first days of the month, measured on the rest of it.",
    )
