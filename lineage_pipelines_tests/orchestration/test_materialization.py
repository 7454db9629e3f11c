"""One event a version: readable without a click, and small enough for Dagster."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import Catalog, LineageRecord, SliceMetrics, TrainedModel
from lineage_pipelines.orchestration.ui.materialization import check_results, model_metadata, notes
from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines.orchestration.ui.version_card import commit_address, version_card
from lineage_pipelines.orchestration.ui.version_graph import version_graph
from lineage_pipelines.orchestration.ui.version_list import list_versions, version_table
from lineage_pipelines.queries.registry.baseline import Baseline
from lineage_pipelines_tests.samples import make_record

BUDGET = 20_000


def outcome(folder: Path, record: LineageRecord, **trained: Any) -> Outcome:
    """Commit a first version and then `record`."""
    with Catalog(f"sqlite:///{folder / 'catalog.db'}") as catalog:
        first = catalog.append(make_record(run="0"))
        entry = catalog.append(record)
        versions = list_versions(catalog, entry)
    return Outcome(
        entry=entry,
        trained=TrainedModel(estimator=None, metrics={}, **trained),
        previous=first,
        baseline=Baseline(label=first.ref, record=first.record),
        versions=versions,
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
        (20, 2_000, set()),
        (40, 30_000, {"lineage/graph", "lineage/slices", "lineage/plot"}),
        (2_000, 4_000, {"lineage/graph", "lineage/slices"}),
    ],
)
def test_what_is_too_much_gives_way_and_the_facts_stay(
    tmp_path: Path, slices: int, plot: int, dropped: set[str]
) -> None:
    event = model_metadata(outcome(tmp_path, with_slices(make_record(), slices), plot=b"x" * plot))
    assert weight(event) <= BUDGET
    courtesies = {"lineage/graph", "lineage/slices", "lineage/plot", "lineage/candidates", "lineage/comparison"}
    assert courtesies - event.keys() == dropped
    assert {"model/version", "lineage/summary", "lineage/inputs", "eval/roc_auc", "lineage/record"} <= event.keys()


def test_it_begins_with_what_people_look_for(tmp_path: Path) -> None:
    event = model_metadata(outcome(tmp_path, make_record(auc=0.61, raw="through June")))
    assert list(event)[:3] == ["lineage/summary", "model/version", "lineage/versions"]
    inputs = event["lineage/inputs"]
    assert isinstance(inputs, dg.TableMetadataValue)
    assert [row.data["since 1"] for row in inputs.records] == ["changed (+0 rows)"] * 2
    comparison = event["lineage/comparison"]
    assert isinstance(comparison, dg.TableMetadataValue)
    auc = next(row.data for row in comparison.records if row.data["metric"] == "roc_auc")
    assert auc["difference"] == round(0.61 - 0.7421, 5)


def card(outcome: Outcome) -> str:
    return version_card(outcome).replace("\\", "")


def test_the_card_says_first_whether_it_passed_and_fits(tmp_path: Path) -> None:
    committed = outcome(tmp_path, make_record(auc=0.61, raw="through June"), notes="x" * 5_000)
    text = card(committed).replace("  \n", " ")
    assert text.startswith("**flight_delay@2** FAILED 1 of 2 checks: min_roc_auc")
    for expected in (
        "**Production** no version",
        "**roc_auc** 0.61 on test; flight_delay@1",
        "| train | ",
        " new |",
        "**Code** ",
        "**Trained** by ",
    ):
        assert expected in text
    wrapped = [line.rstrip() for line in card(committed).splitlines() if not line.startswith("**Code**")]
    assert all(len(line) <= 36 + len("****") for line in wrapped)
    assert len(version_card(committed)) < 1_000
    assert len(notes(committed)) <= 1_000


def test_a_version_without_checks_says_so(tmp_path: Path) -> None:
    unchecked = make_record(run="2")
    assert unchecked.evaluation is not None
    unchecked = dataclasses.replace(unchecked, evaluation=dataclasses.replace(unchecked.evaluation, checks=()))
    assert card(outcome(tmp_path, unchecked)).startswith("**flight_delay@2** has no checks")


def test_the_card_fits_whatever_its_record_holds(tmp_path: Path) -> None:
    record = make_record()
    inputs = tuple(dataclasses.replace(record.data[0], name=f"input_{n}_{'é' * 200}", role="x") for n in range(40))
    record = dataclasses.replace(
        record, data=inputs, parameters={f"parameter_{n}": "v" * 300 for n in range(50)}, parameter_defaults={}
    )
    assert len(version_card(outcome(tmp_path, record))) < 1_000


@pytest.mark.parametrize(
    ("repository", "page"),
    [
        ("git@example.org:team/x.git", "https://example.org/team/x/commit/"),
        ("https://example.org/team/x.git", "https://example.org/team/x/commit/"),
        ("ssh://git@example.org:2222/team/x", "https://example.org:2222/team/x/commit/"),
        ("a-folder", None),
        ("https://example.org/a b](javascript:x", None),
        (None, None),
    ],
)
def test_a_commit_is_linked_where_its_host_is_known(repository: str | None, page: str | None) -> None:
    code = dataclasses.replace(make_record().code, repository=repository, revision="a" * 40)
    assert commit_address(code) == (page and page + "a" * 40)


def test_the_list_of_versions_marks_what_is_live_what_failed_and_other_data(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path / 'catalog.db'}") as catalog:
        catalog.append(make_record(run="0"))
        catalog.append(make_record(run="1", auc=0.61, raw="through June"))
        newest = catalog.append(make_record(run="2", auc=0.75, raw="through July"))
        table = version_table(list_versions(catalog, newest))
        assert version_table(list_versions(catalog, catalog.get("flight_delay", 1))) is None
    assert table is not None
    rows = [record.data for record in table.records]
    assert [row["version"] for row in rows] == ["3", "2", "1"]
    assert [row["checks"] for row in rows] == ["passed", "1 FAILED", "passed"]
    assert [row["roc_auc"] for row in rows] == ["0.75", "0.61 on other data", "0.7421 on other data"]
    assert rows[2]["changed"] == "first version"
    assert "content" in str(rows[0]["changed"])


def test_user_text_is_never_markdown_or_a_link(tmp_path: Path) -> None:
    record = make_record()
    evil = "[x](javascript:alert(1)) ![y](http://z)"
    record = dataclasses.replace(record, candidates=(dataclasses.replace(record.candidates[0], reason=evil),))
    event = model_metadata(outcome(tmp_path, record, notes=evil))
    links = (dg.UrlMetadataValue, dg.MarkdownMetadataValue, dg.NotebookMetadataValue)
    assert [name for name, value in event.items() if isinstance(value, links)] == ["lineage/summary", "lineage/graph"]
    hostile = dataclasses.replace(record, parameters={"x": evil}, parameter_defaults={})
    text = version_card(outcome(tmp_path / "other", hostile))
    assert "javascript" in text
    assert "](javascript" not in text
    assert "![" not in text


def test_the_picture_joins_versions_that_share_their_data(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path / 'catalog.db'}") as catalog:
        catalog.append(make_record(run="0", raw="through May"))
        catalog.append(make_record(run="1", raw="through May"))
        newest = catalog.append(make_record(run="2", raw="through June"))
        picture = version_graph(list_versions(catalog, newest))
        assert picture is not None
        assert all(f">version {number}<" in picture for number in (1, 2, 3))
        assert picture.count('class="box version"') == 3
        assert picture.count('class="box data"') == 2
        assert version_graph([]) is None


def test_every_gate_is_a_check_result() -> None:
    record = make_record(auc=0.61)
    results = check_results(record, dg.AssetKey("flight_delay"))
    assert {(r.check_name, r.passed, r.severity) for r in results} == {
        ("min_roc_auc", False, dg.AssetCheckSeverity.ERROR),
        ("slices_covered", True, dg.AssetCheckSeverity.WARN),
    }
