"""What the verbs answer, in all three forms."""

import json
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.cli.conftest import Lineage

pytestmark = pytest.mark.usefixtures("project")


def test_models_lists_every_model_with_its_newest_version(lineage: Lineage) -> None:
    said = lineage("models")
    assert said.code == 0
    assert said.err == ""
    assert [line.split()[:2] for line in said.out.splitlines()[1:3]] == [["flight_delay", "3"], ["minutes", "1"]]
    assert {row["name"]: row["versions"] for row in lineage("models", "--format", "json").json()} == {
        "flight_delay": 3,
        "minutes": 1,
    }


def test_log_is_a_list_of_versions_newest_first(lineage: Lineage) -> None:
    rows = lineage("log", "flight_delay", "--format", "json").json()
    assert [row["version"] for row in rows] == [3, 2, 1]
    for row in rows:
        assert {"version", "record", "created", "run_id", "metrics", "revision", "dirty", "data"} <= row.keys()
        assert row["data"].keys() == {"train", "test"}
        assert all(set(digests) == {"md5", "sha256"} for digests in row["data"].values())
    assert [row["metrics"]["roc_auc"] for row in rows] == [0.61, 0.75, 0.7]
    assert rows[0]["data"] != rows[1]["data"] == rows[2]["data"]
    assert rows[0]["run_id"] == "run-3"
    assert rows[0]["dirty"] is True


def test_log_marks_what_changed_and_what_failed(lineage: Lineage) -> None:
    lines = lineage("log", "flight_delay").out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["3", "2", "1"]
    assert "FAILED: min_roc_auc" in lines[1]
    assert lines[2].rstrip().endswith("passed")
    train = slice(lines[0].index("train"), lines[0].index("test"))
    assert lines[1][train].rstrip().endswith("*")
    assert not lines[2][train].rstrip().endswith("*")


def test_show_json_is_the_predicate_and_where_it_stands(lineage: Lineage, project: Path) -> None:
    with Catalog(resolve_settings(start=project).catalog, create=False) as catalog:
        entry = catalog.get("flight_delay", 2)
    shown = lineage("show", "flight_delay@2", "--format", "json").json()
    assert shown.pop("version") == 2
    assert shown.pop("record") == entry.digest.hex
    assert shown == json.loads(entry.body)["predicate"]


def test_show_has_the_gaps_first_and_the_four_layers_in_order(lineage: Lineage) -> None:
    out = lineage("show", "flight_delay@3").out
    places = [out.index(f"\n{title}\n") for title in ("Missing", "Data", "Code", "Experiment", "Artifact")]
    assert places == sorted(places)
    assert "environment.lock: the project has no lock file" in out
    for word in ("52,341", "python -m flights.features", "with uncommitted changes", "boosting", "origin=JFK", "0.61"):
        assert word in out
    assert "FAILED: min_roc_auc" in out


def test_digests_are_shortened_for_people_and_whole_for_programs(lineage: Lineage) -> None:
    digest = lineage("show", "flight_delay", "--format", "json").json()["record"]
    text = lineage("show", "flight_delay").out
    assert digest[:12] in text
    assert digest not in text


@pytest.mark.parametrize("ref", ["flight_delay@3", "flight_delay"])
def test_a_version_may_be_called_by_number_or_be_the_latest(lineage: Lineage, ref: str) -> None:
    assert lineage("show", ref, "--format", "json").json()["version"] == 3


@pytest.mark.parametrize("length", [6, 12, 64])
def test_a_version_may_be_called_by_its_record(lineage: Lineage, length: int) -> None:
    record = lineage("log", "flight_delay", "--format", "json").json()[1]["record"]
    shown = lineage("show", record[:length], "--format", "json").json()
    assert (shown["version"], shown["record"]) == (2, record)


@pytest.mark.parametrize("words", [("models",), ("log", "flight_delay"), ("show", "flight_delay"), ("doctor",)])
def test_markdown_is_markdown(lineage: Lineage, words: tuple[str, ...]) -> None:
    out = lineage(*words, "--format", "markdown").out
    lines = out.splitlines()
    rules = [i for i, line in enumerate(lines) if line.startswith("|") and set(line) <= set("|-: ")]
    assert rules or words == ("doctor",)
    for rule in rules:
        assert lines[rule - 1].count("|") == lines[rule].count("|")
    assert "\x1b" not in out
