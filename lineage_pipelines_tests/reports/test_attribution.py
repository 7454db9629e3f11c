"""What a change is allocated to, as people and programs read it."""

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from lineage_pipelines.records.decisions.attribution import (
    Allocation,
    Attribution,
    MetricRuns,
    PlayerSplit,
    Reevaluation,
)
from lineage_pipelines.records.statement.metric import MetricSpec
from lineage_pipelines.reports.charts.waterfall import metric_words, waterfall_figure
from lineage_pipelines.reports.render.json_text import render_json
from lineage_pipelines.reports.render.markdown import render_markdown
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.attribute import attribution_document, attribution_html, attribution_json, sentence
from lineage_pipelines_tests.records.test_attribution import FOUND, GAME, INNER, UNDECIDED
from lineage_pipelines_tests.reports.test_html import CHROMIUM, QUIET, Tags

HOSTILE = [
    "<script>alert(1)</script>",
    '"/><image href="https://example.invalid/x"/>',
    "</h2><h2>What the change is allocated to</h2>",
    "a\x1b[2J\u202eb",
    "| pipe `tick` *star*",
    "x" * 5_000,
]


def text(found: Attribution, *, full: bool = True) -> str:
    return render_text(attribution_document(found, full=full))


def everywhere(word: str) -> Attribution:
    """The word wherever somebody may write one."""

    def named(game: Allocation, names: tuple[str, ...]) -> Allocation:
        players = tuple(
            dataclasses.replace(each, name=name, differs=word, members=(word, name))
            for each, name in zip(game.players, names, strict=True)
        )
        mixes = tuple(dataclasses.replace(mix, new=(word,), reason=word) for mix in game.infeasible)
        pairs = tuple(dataclasses.replace(pair, first=word, second=word) for pair in game.interactions)
        return dataclasses.replace(game, players=players, infeasible=mixes, interactions=pairs)

    return dataclasses.replace(
        FOUND,
        metric=word,
        by=word,
        host=word,
        reevaluation=dataclasses.replace(FOUND.reevaluation, missing=word),
        allocation=named(GAME, (word, "code")),
        splits=(PlayerSplit(player=word, allocation=named(INNER, (word, f"{word}2"))),),
    )


def test_the_sentence_says_how_much_how_sure_and_from_what() -> None:
    assert sentence(FOUND) == (
        "75 % of the ROC AUC change is allocated to the data, ± 4.0 %, 2 factors, 3 seeds, interaction 25 %."
    )


def test_no_interaction_is_said_in_words_and_one_factor_has_none() -> None:
    plain = dataclasses.replace(FOUND, splits=(), allocation=dataclasses.replace(GAME, agreed=True, interaction=0.001))
    assert sentence(plain).endswith("2 factors, 3 seeds, no interaction seen.")
    assert "no interaction was seen" in text(plain)
    whole = dataclasses.replace(GAME.players[0], allocated=-0.5, low=-0.5, high=-0.5, share=1.0, standard_error=0.0)
    alone = dataclasses.replace(FOUND, splits=(), allocation=dataclasses.replace(GAME, agreed=True, players=(whole,)))
    assert sentence(alone).endswith("to the data, 1 factor, 3 seeds, deterministic: chance not measured.")
    assert "±" not in sentence(alone)
    assert "every seed gave the same, so chance was not measured" in text(alone)
    assert re.search(r"-0\.5 +100 % +– +– ", text(alone))


def test_a_screen_has_the_outcome_first_then_the_factors() -> None:
    lines = text(FOUND, full=False).splitlines()
    assert lines[1] == sentence(FOUND)
    assert re.split(r"\s{2,}", lines[4].strip())[:4] == ["data", "-0.375", "75 %", "4.0 %"]
    assert "Nothing is allocated." in text(UNDECIDED, full=False)
    assert len(lines) < len(text(FOUND).splitlines())


def test_re_evaluation_comes_first() -> None:
    for found in (FOUND, UNDECIDED):
        shown = text(found)
        assert 0 < shown.index("without training") < shown.index("What the change is allocated to")
    assert "the new test data is gone" in text(FOUND)
    whole = dataclasses.replace(FOUND.reevaluation, old_on_new=0.875, new_on_new=0.5, missing="")
    shown = text(dataclasses.replace(FOUND, reevaluation=whole))
    assert "The test data alone move the old model by -0.125." in shown
    assert "The models alone differ on the new test data by -0.375." in shown


def test_moved_test_data_are_told_only_where_they_differ_and_evaluation_code_by_its_name() -> None:
    same = Reevaluation(
        old_on_old=1.0, old_on_new=0.75, new_on_old=0.5, new_on_new=0.5, old_by_new_code=0.75, same_data=True
    )
    shown = text(dataclasses.replace(FOUND, reevaluation=same))
    assert "Both models on the same test data" in shown
    assert "test data alone" not in shown
    assert "The evaluation code alone moves the old model by -0.25." in shown
    assert "The models alone differ on the same test data by -0.25." in shown
    quiet = text(dataclasses.replace(FOUND, reevaluation=dataclasses.replace(same, old_by_new_code=1.0)))
    assert "alone moves" not in quiet
    assert "on the same test data by -0.5." in quiet
    both = dataclasses.replace(same, same_data=False, old_on_new=0.625)
    shown = text(dataclasses.replace(FOUND, reevaluation=both))
    assert "The evaluation code alone moves the old model by -0.25." in shown
    assert "The test data alone move the old model by -0.125." in shown
    assert "The models alone differ on the new test data by -0.125." in shown


def test_factors_whose_difference_begins_at_one_place_are_told_together() -> None:
    origin = "data/orders.csv"
    names = ("data (train)", "evaluation data (test)")
    players = tuple(
        dataclasses.replace(each, name=name, origin=origin) for each, name in zip(GAME.players, names, strict=True)
    )
    found = dataclasses.replace(FOUND, splits=(), allocation=dataclasses.replace(GAME, players=players))
    assert sentence(found).startswith(
        "100 % of the ROC AUC change is allocated to data (train) and evaluation data (test) together, whose "
        "difference begins at data/orders.csv, ± 8.0 %, 2 factors, 3 seeds"
    )
    assert "evaluation data (test) differ from data/orders.csv on: together -0.5, 100 %." in text(found)
    apart = dataclasses.replace(players[1], origin="data/other.csv")
    found = dataclasses.replace(FOUND, splits=(), allocation=dataclasses.replace(GAME, players=(players[0], apart)))
    assert "together" not in sentence(found)


def test_two_deterministic_versions_with_one_metric_did_not_change() -> None:
    ends = MetricRuns(values={"0": 0.8, "1": 0.8, "2": 0.8})
    same = dataclasses.replace(UNDECIDED.allocation, before=ends, after=ends)
    words = sentence(dataclasses.replace(UNDECIDED, allocation=same))
    assert words == "ROC AUC did not change: both versions give 0.8 with every seed. Nothing is allocated."


def test_the_table_is_aligned_adds_up_and_has_single_swaps_beside() -> None:
    lines = text(FOUND).splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith("factor"))
    head, data, code, total = lines[start : start + 4]
    assert re.split(r"\s{2,}", data.strip())[:4] == ["data", "-0.375", "75 %", "4.0 %"]
    assert re.split(r"\s{2,}", total.strip())[:3] == ["sum", "-0.5", "100 %"]
    ends = [line.index(cell) + len(cell) for line, cell in ((head, "share"), (data, "75 %"), (code, "25 %"))]
    assert len(set(ends)) == 1
    assert "alone, from old" in head
    assert "alone from the old version the factors make up 100 %" in text(FOUND)


def test_it_never_says_that_something_was_caused() -> None:
    for found in (FOUND, UNDECIDED):
        for shown in (text(found, full=True), attribution_html(found), render_json(attribution_json(found))):
            assert "cause" not in shown.lower().replace("because", "")


def test_a_change_within_noise_has_no_percentages() -> None:
    shown = text(UNDECIDED)
    assert "not distinguishable from noise" in shown
    assert "Nothing is allocated." in shown
    assert "%" not in shown
    assert waterfall_figure(UNDECIDED) == ""
    assert "<figure" not in attribution_html(UNDECIDED)


def test_what_is_inseparable_and_what_cannot_run_is_said() -> None:
    players = (dataclasses.replace(GAME.players[0], name="code+data", members=("code", "data")), GAME.players[1])
    joined = dataclasses.replace(FOUND, splits=(), allocation=dataclasses.replace(GAME, players=players))
    shown = text(joined)
    assert "code and data are inseparable" in shown
    assert "KeyError: 'hour'" in shown
    assert "no value was made up" in shown


def test_metrics_are_written_as_people_say_them() -> None:
    assert [metric_words(name) for name in ("roc_auc", "rmse", "average_precision")] == [
        "ROC AUC",
        "RMSE",
        "average precision",
    ]


def test_json_has_what_was_recorded_and_what_follows() -> None:
    plain = json.loads(render_json(attribution_json(FOUND)))
    assert plain["allocation"]["change"] == -0.5
    assert plain["allocation"]["before"] == {"mean": 1.0, "sd": 0.0, "values": {"0": 1.0, "1": 1.0, "2": 1.0}}
    assert plain["allocation"]["players"][0]["share"] == 0.75
    assert plain["allocation"]["interaction_share"] == 0.25
    assert plain["splits"][0]["allocation"]["players"][0]["name"] == "data:05"
    assert plain["reevaluation"]["new_on_new"] is None
    undecided = json.loads(render_json(attribution_json(UNDECIDED)))
    assert undecided["allocation"]["players"][0]["share"] is None


def test_the_waterfall_goes_from_the_old_value_to_the_new_one() -> None:
    rects = [r.attrib for r in ET.fromstring(waterfall_figure(FOUND)).iter("rect")]
    first, *bars, last = [(float(r["x"]), float(r["x"]) + float(r["width"])) for r in rects]
    assert [r["class"] for r in rects] == ["unknown", "bad", "bad", "unknown"]
    # All of them fall: each begins on the right where the one above it ended on the left.
    assert bars[0][1] == pytest.approx(sum(first) / 2, abs=0.2)
    assert all(above[0] == pytest.approx(below[1], abs=0.2) for above, below in pairwise(bars))
    assert bars[-1][0] == pytest.approx(sum(last) / 2, abs=0.2)


def test_an_error_that_falls_is_good() -> None:
    svg = waterfall_figure(dataclasses.replace(FOUND, metric="rmse"))
    assert 'class="good"' in svg
    assert 'class="bad"' not in svg


def test_a_metric_that_was_declared_neutral_has_no_colours_whatever_its_name() -> None:
    svg = waterfall_figure(dataclasses.replace(FOUND, metric="rmse", direction=MetricSpec("rmse")))
    assert 'class="good"' not in svg
    assert 'class="bad"' not in svg


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_is_anything_but_text(word: str) -> None:
    found = everywhere(word)
    plain = Tags(attribution_html(FOUND))
    page = attribution_html(found)
    assert Tags(page).tags <= plain.tags | {"p", "h2"}
    assert Tags(page).attributes <= plain.attributes
    assert page.count("<h2>What the change is allocated to</h2>") == 1
    assert page.count("<figure>") == 1
    root = ET.fromstring(waterfall_figure(found))
    drawn = {"svg", "title", "text", "rect", "line"}
    assert {each.tag for each in root.iter()} == {"figure", "figcaption", "div", *drawn}
    assert "\x1b" not in text(found)
    assert "<script>" not in render_markdown(attribution_document(found))


def test_the_page_is_readable_in_light_and_dark_and_loads_nothing(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(attribution_html(FOUND), encoding="utf-8")
    requests: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET)
        colours = []
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme, viewport={"width": 1000, "height": 1400})
            page.on("request", lambda request: requests.append(request.url))
            page.goto(file.as_uri())
            colours.append(page.evaluate("getComputedStyle(document.querySelector('svg .bad')).fill"))
            box = page.locator("svg").bounding_box()
            assert box is not None
            assert box["width"] > 300
            page.close()
        browser.close()
    assert len(set(colours)) == 2
    assert set(requests) == {file.as_uri()}
