"""What a model says of a few rows is recorded exactly; a model that cannot be asked is still a model."""

import json

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from lineage_pipelines.capture.probe import probe_rows, take_probe
from lineage_pipelines.records.values.digest import Digest

TABLE = pd.DataFrame({"a": np.arange(500) % 7, "b": np.arange(500) % 3, "left": np.arange(500) % 2})


def test_the_first_rows_are_asked_in_the_columns_that_the_model_knows() -> None:
    model = LogisticRegression().fit(TABLE[["b", "a"]], TABLE["left"])
    rows = probe_rows(model, TABLE)
    assert rows is not None
    assert (list(rows.columns), len(rows)) == (["b", "a"], 200)
    taken = take_probe(model, rows)
    assert taken is not None
    probe, blob = taken
    assert (probe.method, probe.rows, probe.predictions) == ("predict_proba", 200, Digest.of(blob))
    said = [[float(value) for value in column] for column in json.loads(blob)]
    assert np.array_equal(np.array(said).T, model.predict_proba(rows))


def test_a_regressor_and_text_labels_have_a_probe() -> None:
    line = LinearRegression().fit(TABLE[["a"]], TABLE["b"])
    assert take_probe(line, TABLE[["a"]].head(5)) is not None

    class Says:
        def predict(self, rows: object) -> list[str]:
            return ["yes"] * len(rows)  # type: ignore[arg-type]

    taken = take_probe(Says(), [1, 2])
    assert taken is not None
    assert json.loads(taken[1]) == [["yes", "yes"]]


def test_what_cannot_be_asked_has_none() -> None:
    model = LogisticRegression().fit(TABLE[["a", "b"]].to_numpy(), TABLE["left"])
    assert probe_rows(model, TABLE) is None  # columns without names
    assert take_probe(model, TABLE[["a"]]) is None  # it refuses one column
    assert take_probe(object(), TABLE) is None
    assert take_probe(model, 7) is None
