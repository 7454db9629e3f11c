"""One event a version: readable without a click, and small enough for Dagster."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import Catalog, LineageRecord, SliceMetrics, TrainedModel
from lineage_pipelines.orchestration.ui.materialization import check_results, model_metadata, summary
from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines.queries.registry.baseline import Baseline
from lineage_pipelines_tests.samples import make_record

BUDGET = 20_000


def outcome(folder: Path, record: LineageRecord, **trained: Any) -> Outcome:
    """Commit a first version and then `record`."""
    with Catalog(f"sqlite:///{folder / 'catalog.db'}") as catalog:
        first = catalog.append(make_record(run="0"))
        entry = catalog.append(record)
    return Outcome(
        entry=entry,
        trained=TrainedModel(estimator=None, metrics={}, **trained),
        previous=first,
        baseline=Baseline(label=first.ref, record=first.record),
    )


def with_slices(record: LineageRecord, count: int) -> LineageRecord:
    assert record.evaluation is not None
    metrics = {f"metric_{number}": 0.123456789 for number in range(8)}
    slices = tuple(SliceMetrics(name="carrier", value=f"C{n}", rows=n, metrics=metrics) for n in range(count))
    return dataclasses.replace(record, evaluation=dataclasses.replace(record.evaluation, slices=slices))


def weight(event: dict[str, Any]) -> int:
    return len(json.dumps({name: repr(getattr(value, "value", value)) for name, value in event.items()}))


@pytest.mark.parametrize(
    ("slices", "plot", "dropped"),
    [
        (40, 4_000, set()),
        (40, 30_000, {"lineage/slices", "lineage/plot"}),
        (2_000, 4_000, {"lineage/slices"}),
    ],
)
def test_what_is_too_much_gives_way_and_the_facts_stay(
    tmp_path: Path, slices: int, plot: int, dropped: set[str]
) -> None:
    event = model_metadata(outcome(tmp_path, with_slices(make_record(), slices), plot=b"x" * plot))
    assert weight(event) <= BUDGET
    courtesies = {"lineage/slices", "lineage/plot", "lineage/candidates", "lineage/comparison"}
    assert courtesies - event.keys() == dropped
    assert {"model/version", "lineage/summary", "lineage/inputs", "eval/roc_auc", "lineage/record"} <= event.keys()


def test_it_begins_with_what_people_look_for(tmp_path: Path) -> None:
    event = model_metadata(outcome(tmp_path, make_record(auc=0.61, raw="through June")))
    assert list(event)[:3] == ["model/version", "lineage/summary", "lineage/inputs"]
    inputs = event["lineage/inputs"]
    assert isinstance(inputs, dg.TableMetadataValue)
    assert [row.data["since flight_delay@1"] for row in inputs.records] == ["changed (+0 rows)"] * 2
    comparison = event["lineage/comparison"]
    assert isinstance(comparison, dg.TableMetadataValue)
    auc = next(row.data for row in comparison.records if row.data["metric"] == "roc_auc")
    assert auc["difference"] == round(0.61 - 0.7421, 5)


def test_the_summary_says_first_whether_it_passed(tmp_path: Path) -> None:
    text = summary(outcome(tmp_path, make_record(auc=0.61), notes="x" * 5_000))
    assert text.startswith("flight_delay version 2: FAILED min_roc_auc.")
    assert "lineage show flight_delay@2" in text
    assert len(text) < 1_000
    unchecked = make_record(run="2")
    assert unchecked.evaluation is not None
    unchecked = dataclasses.replace(unchecked, evaluation=dataclasses.replace(unchecked.evaluation, checks=()))
    assert "no checks declared" in summary(outcome(tmp_path, unchecked))


def test_user_text_is_never_markdown_or_a_link(tmp_path: Path) -> None:
    record = make_record()
    evil = "[x](javascript:alert(1)) ![y](http://z)"
    record = dataclasses.replace(record, candidates=(dataclasses.replace(record.candidates[0], reason=evil),))
    event = model_metadata(outcome(tmp_path, record, notes=evil))
    links = (dg.UrlMetadataValue, dg.MarkdownMetadataValue, dg.NotebookMetadataValue)
    assert not [name for name, value in event.items() if isinstance(value, links)]


def test_every_gate_is_a_check_result() -> None:
    record = make_record(auc=0.61)
    results = check_results(record, dg.AssetKey("flight_delay"))
    assert {(r.check_name, r.passed, r.severity) for r in results} == {
        ("min_roc_auc", False, dg.AssetCheckSeverity.ERROR),
        ("slices_covered", True, dg.AssetCheckSeverity.WARN),
    }
