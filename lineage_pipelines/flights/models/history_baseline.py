"""History baseline: the forecast that every model must beat, from what happened at this airport at this hour.

Months differ: in a stormy one every model ranks better or worse than in a quiet one. Measured on the same flights,
the gain over this forecast says whether the model or the month has changed.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_BY = ["origin", "hour"]


def forecast_from_history(
    past: "pd.DataFrame", outcome: "pd.Series[Any]", flights: "pd.DataFrame"
) -> "pd.Series[float]":
    """Return the mean outcome of past flights from the same airport in the same hour, or of all where there was none.

    Args:
        past: flights that are over.
        outcome: what is forecast, of those.
        flights: for which to forecast.
    """
    import pandas as pd

    means = outcome.groupby([past[column] for column in _BY]).mean()
    found = means.reindex(pd.MultiIndex.from_frame(flights[_BY]))
    return pd.Series(found.to_numpy(), index=flights.index).fillna(float(outcome.mean()))
