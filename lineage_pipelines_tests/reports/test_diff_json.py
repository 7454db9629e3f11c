"""A comparison as JSON: everything is in it, under the names that the reference gives."""

import dataclasses
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.reports.render.json_text import render_json
from lineage_pipelines.reports.views.diff import diff_json
from lineage_pipelines_tests.reports import diffs

CLI = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
FREE = (
    "facts",
    "params",
    "shifted",
    "checks",
    "check_kinds",
    "details",
    "same_checks",
    "same_parameters",
    "same",
)
"""Objects whose names are those of the data."""


def answer() -> Any:
    return json.loads(render_json(diff_json(diffs.rich())))


def _fields(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _fields(item)
    elif isinstance(value, dict):
        for name, below in value.items():
            yield name
            free = name in FREE or (name == "columns" and isinstance(below, dict))
            for each in below.values() if free and isinstance(below, dict) else [below]:
                yield from _fields(each)


def test_every_field_is_in_the_reference_and_every_field_there_is_in_the_answer() -> None:
    section = CLI.read_text().partition("### The comparison as JSON")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("|")]
    fields = set(re.findall(r"`([^`]+)`", " ".join(row[0] for row in rows)))
    anywhere = set(re.findall(r"`([^`]+)`", " ".join(cell for row in rows for cell in row)))
    found = set(_fields(answer()))
    assert fields <= found
    assert found <= anywhere


def test_pairs_are_named_and_nothing_is_cut() -> None:
    found = answer()
    assert list(found)[:4] == ["first", "second", "identical", "changes"]
    assert found["first"]["record"] == diffs.side(4).digest.hex
    assert found["identical"] is False
    assert len(found["changes"]) == len(diffs.rich().changes)
    assert found["changes"][3] | {"score": 0, "text": ""} == {
        "kind": "columns_changed",
        "layer": "data",
        "subject": "train.temp",
        "before": 71.31,
        "after": 22.14,
        "columns": ["temp"],
        "names": [],
        "evidence": "data",
        "delivery": None,
        "score": 0,
        "text": "",
    }
    written = [change["score"] for change in found["changes"]]
    assert written == sorted(written, reverse=True)
    train = found["data"][0]
    assert train["rows"] == {"before": 105_475, "after": 133_603}
    assert train["columns"][0]["facts"]["mean"] == {"before": 71.31, "after": 22.14}
    assert train["columns"][1]["values"][0] == {"value": "MQ", "before": 0.081, "after": 0.0}
    cells = train["row_change"]["cells"]
    assert (cells[0]["columns"], cells[0]["effect"]["kind"], cells[1]["effect"]["way"]) == (
        ["temp", "dewp"],
        "scaled",
        "upper",
    )
    assert (cells[0]["group"]["values"], cells[1]["group"]) == (["2013-06"], None)
    assert train["schema"][0]["after"] == {"name": "departures", "type": "int32", "nullable": True}
    assert found["code"]["files"][0]["lines"] == {"added": 3, "removed": 1}
    assert found["code"]["files"][0]["patch"] == diffs.PATCH
    assert found["evaluation"]["metrics"][0]["difference"] == pytest.approx(-0.07778)
    assert found["parameters"][1]["before"] == "15"


def test_the_same_version_is_identical() -> None:
    plain = diff_json(diffs.identical())
    assert isinstance(plain, dict)
    assert plain["identical"] is True


def test_what_is_no_number_is_null() -> None:
    rich = diffs.rich()
    column = dataclasses.replace(rich.data[0].columns[0], psi=math.inf, distance=math.nan)
    odd = dataclasses.replace(rich, data=(dataclasses.replace(rich.data[0], columns=(column,)),))
    (found,) = json.loads(render_json(diff_json(odd)))["data"]
    assert (found["columns"][0]["psi"], found["columns"][0]["distance"]) == (None, None)


@pytest.mark.parametrize("word", diffs.HOSTILE)
def test_a_terminal_reads_ascii(word: str) -> None:
    written = render_json(diff_json(diffs.every_hostile(word)))
    assert written.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", written)
    assert json.loads(written)["parameters"][0]["name"] == word
    assert json.loads(written)["changes"][0]["subject"] == word
