"""Probe: what a model says of a few rows: the cheapest evidence that a model made again is the same one.

Rows are never stored, only the predictions. They are the first of the table that the model was evaluated on, which
is known by its digest, or what the training function gives.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lineage_pipelines.records.statement.training_run import Probe
from lineage_pipelines.records.values.canonical import canonical_bytes
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    import pandas as pd

ROWS = 200
"""So many rows say whether two models are one; their predictions are a few kilobytes."""
HOW_TO_PROBE = "TrainedModel(probe=rows) gives rows to predict, evaluated_on= names the input that has some"
"""What to do for a model whose predictions are not recorded."""
_METHODS = ("predict_proba", "decision_function", "predict")
_MAX_COLUMNS = 50


def probe_rows(estimator: object, table: "pd.DataFrame") -> "pd.DataFrame | None":
    """Return the first rows of a table as the estimator takes them; None where its columns are not known by name."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None or not set(names) <= set(table.columns):
        return None
    return table.loc[:, list(names)].head(ROWS)


def take_probe(estimator: object, rows: object) -> tuple[Probe, bytes] | None:
    """Return a model's predictions of some rows, and the blob that holds them.

    Args:
        estimator: the fitted estimator.
        rows: what its `predict` takes.

    Returns:
        None where the model has no such method, fails on the rows, or answers with what has no exact form. A model that
        cannot be asked from outside is still a model: this never raises for it.
    """
    method = next((name for name in _METHODS if callable(getattr(estimator, name, None))), None)
    if method is None or not hasattr(rows, "__len__"):
        return None
    try:
        columns = _columns(getattr(estimator, method)(rows))
        if not columns or len(columns) > _MAX_COLUMNS or any(len(column) != len(rows) for column in columns):
            return None
        blob = canonical_bytes(columns)
    except Exception:  # noqa: BLE001  # whatever an estimator raises when it is asked from outside
        return None
    return Probe(rows=len(rows), method=method, predictions=Digest.of(blob)), blob


def _columns(predictions: Any) -> Sequence[list[Any]]:  # noqa: ANN401  # an array of any kind
    import numpy as np

    array = np.asarray(predictions)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    return [[_plain(value) for value in column] for column in array.T.tolist()]


def _plain(value: object) -> object:
    # JSON has one kind of number; repr is exact, and 1.0 stays apart from 1.
    return repr(value) if isinstance(value, float) else value
