"""What the verbs answer, in all three forms."""

import getpass
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.samples import digests, make_record

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
    out = lineage("show", "flight_delay@3", "--full").out
    places = [out.index(f"\n{title}\n") for title in ("Missing", "Data", "Code", "Experiment", "Artifact")]
    assert places == sorted(places)
    assert "environment.lock: the project has no lock file" in out
    for word in ("52,341", "python -m flights.features", "with uncommitted changes", "boosting", "origin=JFK", "0.61"):
        assert word in out
    assert "FAILED: min_roc_auc" in out


def test_show_answers_first_what_people_ask_first(lineage: Lineage) -> None:
    lineage("promote", "flight_delay@1", "--to", "production", "--reason", "it is better")
    lineage("promote", "flight_delay@2", "--to", "production", "--reason", "it is the best")
    lines = lineage("show", "flight_delay@2").out.splitlines()
    assert lines[0] == "flight_delay version 2"
    facts = {line[2:14].strip(): line[14:].strip() for line in lines if line.startswith("  ")}
    assert facts["gates"] == "2 of 2 passed"
    assert facts["production"].startswith("since ")
    assert facts["production"].endswith(f"UTC, by {getpass.getuser()}: it is the best")
    assert facts["roc_auc"] == "0.75 on test (28,834 rows)"
    assert "learning_rate 0.1" in facts["parameters"]
    assert facts["seed"] == "7"
    assert facts["commit"].startswith("4f0c9a1b2c3d on main, with uncommitted changes")
    assert "launched by user:ada (run run-2)" in facts["trained"]
    assert "environment.lock: the project has no lock file" in facts["missing"]
    raw = digests("through 2013-03", folder=True).md5 or ""
    train = next(line.split() for line in lines if line.startswith("  train "))
    assert train == [
        "train",
        "52,341",
        "2",
        (digests("train of through 2013-03").md5 or "")[:12],
        "data/train.parquet",
        "data/raw",
    ]
    assert any(line.startswith(f"  data/raw: {raw[:12]}, 4 files, 9.0 MB, tracked by data/raw.dvc") for line in lines)
    assert "no, version 2 is" in lineage("show", "flight_delay@1").out


def test_show_says_which_parameters_are_not_at_their_defaults_and_cuts_long_ones(
    project: Path, lineage: Lineage
) -> None:
    record = make_record("5")
    record = replace(
        record,
        parameters={**record.parameters, "prompt": "x" * 5_000},
        parameter_defaults={**record.parameters, "max_iter": 100, "prompt": ""},
    )
    with Catalog(resolve_settings(start=project).catalog) as catalog:
        catalog.append(record)
    out = lineage("show", "flight_delay").out
    assert "max_iter 200 (default 100), prompt xxx" in " ".join(out.split())
    assert "; 3 at their defaults" in " ".join(out.split())
    assert "x" * 121 not in out
    assert "x" * 5_000 in lineage("show", "flight_delay", "--format", "json").out


def test_too_short_a_digest_is_told_so(lineage: Lineage) -> None:
    record = lineage("log", "flight_delay", "--format", "json").json()[0]["record"]
    said = lineage("show", record[:5])
    assert said.code == 2
    assert "write 6 characters of it or more" in said.err


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
