"""What a record says of the inputs of a training: how they were read, and which of their rows were trained on."""

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from lineage_pipelines import LineageRecord, TrainedModel, model_asset, unique_rows
from lineage_pipelines.orchestration.training import training_inputs
from lineage_pipelines.records.statement.dataset import Grade, RowOverlap
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.show import Sequel, full_document
from lineage_pipelines_tests.orchestration.conftest import INPUTS
from lineage_pipelines_tests.orchestration.shop import Shop, orders

if TYPE_CHECKING:
    import pandas as pd


def widest(train: "pd.DataFrame", other: Path) -> TrainedModel:
    """Change the table that it gets, and report what was in it."""
    from sklearn.dummy import DummyClassifier

    metrics = {"rows": len(train), "columns": len(train.columns), "missing": train["x"].isna().sum()}
    train["x"] = 0.0
    assert other.read_text() == "y\n1,5\n2\n"
    return TrainedModel(estimator=DummyClassifier().fit([[0], [1]], [0, 1]), metrics=metrics)


def test_a_table_is_described_as_training_got_it_and_a_path_as_it_is_read_by_default(shop: Shop) -> None:
    for name, text in {"train": "x,n\n1,1\nNone,2\n3\n3\n", "other": "y\n1,5\n2\n"}.items():
        shop.world.write(f"data/{name}.csv", text)
        shop.world.track(f"data/{name}.csv")
    inputs = {name: f"data/{name}.csv" for name in ("train", "other")}
    gates = [unique_rows("train", blocking=False)]
    model = model_asset(project=shop.project(), inputs=inputs, checks=gates)(widest)
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([model], resources=shop.resources(), instance=instance).success
    with shop.catalog() as catalog:
        record = catalog.get("widest", 1).record
    train, other = record.data
    assert record.evaluation is not None
    assert record.evaluation.metrics == {"rows": train.rows, "columns": len(train.schema), "missing": 1}
    assert record.evaluation.checks[0].detail == "train: 1 of 4 rows repeat"
    assert [(column.name, column.type) for column in train.schema] == [("x", "double"), ("n", "double")]
    assert train.reading is not None
    assert other.reading is not None
    assert (train.reading.grade, other.reading.grade) == (Grade.CAPTURED, Grade.INFERRED)
    assert (train.reading.reader, train.reading.delimiter) == ("pandas", ",")
    assert [gap for gap in record.completeness.missing if gap.startswith("data.other.schema: rows have more fields")]


def trained(shop: Shop) -> tuple[LineageRecord, str]:
    """Train the churn model; return its record, and what is shown of it."""
    model = model_asset(project=shop.project(), inputs=INPUTS)(shop.module().churn)
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([model], resources=shop.resources(), instance=instance).success
    with shop.catalog() as catalog:
        entry = catalog.latest("churn")
    assert entry is not None
    return entry.record, render_text(full_document(entry, Sequel()))


def test_rows_of_the_test_that_were_trained_on_are_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.world.repro("split")
    record, shown = trained(shop)
    train, test = record.data
    assert test.overlaps == (RowOverlap(trained="train", rows=0, columns=4),)
    assert train.overlaps == ()
    assert "are rows of" not in shown
    rows = orders().splitlines(keepends=True)
    # Every third order is for testing. Of these the first 10 are delivered again: 6 of them for training.
    shop.world.write("data/orders.csv", "".join([*rows, *rows[1::3][:10]]))
    shop.world.track("data/orders.csv")
    shop.world.repro("split")
    record, shown = trained(shop)
    assert record.data[1].overlaps == (RowOverlap(trained="train", rows=6, columns=4),)
    assert f"6 of {record.data[1].rows} rows of test are rows of train" in shown
    monkeypatch.setattr(training_inputs, "MAX_COMPARED", 100)
    record, _ = trained(shop)
    assert record.data[1].overlaps == ()
    assert [gap for gap in record.completeness.missing if gap.startswith("data.test.overlaps: 1,")]
