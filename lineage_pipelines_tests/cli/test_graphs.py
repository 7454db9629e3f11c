"""Trace, impact, what-changed and bisect as they are asked and answered on the command line."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lineage_pipelines.queries import index_check
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.samples import digests

pytestmark = pytest.mark.usefixtures("project")
RAW = digests("through 2013-03").md5 or ""
BISECT = ("bisect", "flight_delay", "--metric", "roc_auc", "--good", "2", "--bad", "3")


def test_trace_is_a_tree_back_to_the_source(lineage: Lineage) -> None:
    said = lineage("trace", "flight_delay@2")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "flight_delay@2"
    assert f"│           ├─ data/raw ({RAW[:12]}), tracked by data/raw.dvc" in said.out
    assert "28,834 rows, made by split (as above)" in said.out
    assert "commit 4f0c9a1b2c3d, branch main, repository https://example.invalid/flights.git" in said.out
    assert "flights.train:train, run run-2" in said.out
    assert "data/raw" not in lineage("trace", "flight_delay@2", "--depth", "1").out


def test_trace_as_json_has_nodes_and_edges_that_fit(lineage: Lineage) -> None:
    found = lineage("trace", "flight_delay@2", "--format", "json").json()
    ids = {node["id"] for node in found["nodes"]}
    assert found["root"] in ids
    assert {edge["verb"] for edge in found["edges"]} == {"used", "generated"}
    assert all({edge["activity"], edge["entity"]} <= ids for edge in found["edges"])


def test_impact_lists_every_version_the_live_one_first(lineage: Lineage) -> None:
    assert lineage("promote", "flight_delay@1", "--to", "production", "--reason", "good").code == 0
    said = lineage("impact", RAW[:8])
    assert said.code == 0
    assert [line.split()[:2] for line in said.out.splitlines()[2:5]] == [
        ["flight_delay@1", "production"],
        ["flight_delay@2", "–"],
        ["minutes@1", "–"],
    ]
    assert "first retrain flight_delay@1 without it, or retire the alias" in " ".join(said.out.split())
    only = lineage("impact", "data/raw", "--in", "production", "--format", "json").json()
    assert [(each["model"], each["version"], each["aliases"]) for each in only["versions"]] == [
        ("flight_delay", 1, ["production"])
    ]


def test_impact_of_what_nobody_used_is_bad_input_and_says_what_is_near(lineage: Lineage) -> None:
    said = lineage("impact", "data/ra")
    assert (said.code, said.out) == (2, "")
    assert "data/raw" in said.err
    said = lineage("impact", "flight_delay@1")
    assert (said.code, said.out) == (0, "the model file of flight_delay@1: no version used it\n")


@pytest.mark.parametrize("words", [("trace", "flight_delay"), ("impact", "data/raw")])
def test_drawings_are_written_to_a_file_or_to_stdout(lineage: Lineage, project: Path, words: tuple[str, ...]) -> None:
    file = project / "drawn.svg"
    said = lineage(*words, "--format", "svg", "-o", str(file))
    assert (said.code, said.out) == (0, "")
    assert ET.fromstring(file.read_text()).tag.endswith("svg")
    assert lineage(*words, "--format", "svg").out == file.read_text()
    assert lineage(*words, "--format", "mermaid").out.startswith("flowchart TD\n")
    assert lineage(*words, "-o", str(file)).code == 2
    assert lineage(*words, "--format", "svg", "-o", str(project / "no" / "folder.svg")).code == 3


def test_what_changed_says_first_what_is_live_and_where_the_metric_moved(lineage: Lineage) -> None:
    lineage("promote", "flight_delay@2", "--to", "production", "--reason", "good")
    said = lineage("what-changed", "flight_delay", "--since", "7d")
    assert said.code == 0
    first = " ".join(said.out.split())
    assert first.startswith("flight_delay@2 is in production, since ")
    assert "roc_auc rose from 0.7 to 0.75 with flight_delay@2 first" in first
    found = lineage("what-changed", "flight_delay", "--since", "flight_delay@2", "--format", "json").json()
    assert [event["kind"] for event in found["events"]] == ["version", "key", "decision"]
    assert found["moved"] == {"version": 3, "previous": 2, "before": 0.75, "after": 0.61}
    assert lineage("what-changed", "flight_delay", "--since", "long ago").code == 2
    assert lineage("what-changed", "flight_delay").code == 2


def test_bisect_names_the_pair_and_what_to_ask_next(lineage: Lineage) -> None:
    said = lineage(*BISECT)
    assert said.code == 0
    assert said.out.splitlines()[0] == "flight_delay@3 is the first with roc_auc on the bad side of 0.68"
    assert "measured on different data" in said.out
    assert "\n  next: lineage diff flight_delay@2 flight_delay@3\n" in said.out
    found = lineage(*BISECT, "--format", "json").json()
    assert (found["good"], found["bad"], found["monotonic"]) == (2, 3, True)
    assert lineage(*BISECT, "--threshold", "0.9").code == 2


@pytest.mark.parametrize(
    "words",
    [("trace", "flight_delay"), ("impact", "data/raw"), ("what-changed", "flight_delay", "--since", "1"), BISECT],
)
def test_markdown_has_no_colour_and_nothing_left_unsaid(lineage: Lineage, words: tuple[str, ...]) -> None:
    said = lineage(*words, "--format", "markdown")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert "flight" in said.out


def test_advice_to_delete_does_not_rest_on_an_altered_index(lineage: Lineage, project: Path) -> None:
    """115 rows of usage were deleted, and five versions were left out of what has to be erased."""
    assert lineage("promote", "flight_delay@1", "--to", "production", "--reason", "good").code == 0
    assert "first retrain flight_delay@1" in lineage("impact", "data/raw").out
    with unguarded(project / ".lineage/catalog.db") as raw:
        raw.execute("DELETE FROM usage WHERE seq IN (SELECT seq FROM version WHERE model = 'flight_delay')")
    said = lineage("impact", "data/raw")
    assert (said.code, said.out) == (3, "")
    assert "the index contradicts the log" in said.err
    assert "lineage verify" in said.err


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM entity WHERE kind = 'file'",
        "INSERT OR IGNORE INTO usage SELECT id, 3, 0 FROM entity",
        "DELETE FROM decided",
    ],
)
@pytest.mark.parametrize("most", [0, 2_000])
def test_no_answer_from_an_index_with_other_rows(
    lineage: Lineage, project: Path, monkeypatch: pytest.MonkeyPatch, change: str, most: int
) -> None:
    assert lineage("promote", "flight_delay@1", "--to", "production", "--reason", "good").code == 0
    monkeypatch.setattr(index_check, "MAX_ENTRIES", most)
    assert ("lineage verify --quick" in lineage("impact", "data/raw").out) == (not most)
    with unguarded(project / ".lineage/catalog.db") as raw:
        raw.execute(change)
    if "usage" in change and not most:
        return  # of a large catalog, rows that there should not be are found by verify alone
    assert lineage("impact", "data/raw").code == 3


def test_pins_do_not_rest_on_an_altered_index(lineage: Lineage, project: Path) -> None:
    assert lineage("promote", "flight_delay@1", "--to", "production", "--reason", "good").code == 0
    with unguarded(project / ".lineage/catalog.db") as raw:
        raw.execute("DELETE FROM decided")
    said = lineage("pin", "--dry-run")
    assert said.code == 3
    assert "the index contradicts the log" in said.err
