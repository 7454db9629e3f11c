"""What a record says of the rows that a model is measured on."""

import dagster as dg
import pytest

from lineage_pipelines import LineageRecord, model_asset
from lineage_pipelines.orchestration.training import training_inputs
from lineage_pipelines.records.statement.dataset import RowOverlap
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.show import show_document
from lineage_pipelines_tests.orchestration.conftest import INPUTS
from lineage_pipelines_tests.orchestration.shop import Shop, orders


def trained(shop: Shop) -> tuple[LineageRecord, str]:
    """Train the churn model; return its record, and what is shown of it."""
    model = model_asset(project=shop.project(), inputs=INPUTS)(shop.module().churn)
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([model], resources=shop.resources(), instance=instance).success
    with shop.catalog() as catalog:
        entry = catalog.latest("churn")
    assert entry is not None
    return entry.record, render_text(show_document(entry))


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
    monkeypatch.setattr(training_inputs, "MOST_COMPARED", 100)
    record, _ = trained(shop)
    assert record.data[1].overlaps == ()
    assert [gap for gap in record.completeness.missing if gap.startswith("data.test.overlaps: 1,")]
