"""A comparison in text and Markdown: one screen, the answer first; and everything where it is asked for."""

import dataclasses

import pytest

from lineage_pipelines.errors import visible
from lineage_pipelines.queries.diff.changes import FileChange, Kind, MetricChange, StageChange
from lineage_pipelines.queries.diff.explanation.change import ChangeKind
from lineage_pipelines.queries.diff.version_diff import VersionDiff
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines.reports.formatting import width
from lineage_pipelines.reports.render.markdown import render_markdown
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.diff import diff_document, page_document
from lineage_pipelines_tests.reports import diffs


def text(diff: VersionDiff, *, full: bool = False) -> str:
    return render_text(diff_document(diff, full=full))


def page(diff: VersionDiff) -> str:
    """What a page shows, as text."""
    return render_text(page_document(diff))


def markdown(diff: VersionDiff, *, full: bool = False) -> str:
    return render_markdown(diff_document(diff, full=full))


def _hostile() -> dict[str, VersionDiff]:
    """One thing in every text, and each thing somewhere."""
    alike = {f"every text is hostile {place}": diffs.every_hostile(word) for place, word in enumerate(diffs.HOSTILE)}
    return alike | {f"hostile {seed}": diffs.hostile(seed) for seed in range(20)}


_SCREENS = {
    "rich": diffs.rich(),
    "identical": diffs.identical(),
    "measured on other data": diffs.otherwise_measured(),
    **_hostile(),
}


@pytest.mark.parametrize("diff", _SCREENS.values(), ids=_SCREENS)
def test_a_comparison_is_one_screen_of_25_lines_and_100_columns(diff: VersionDiff) -> None:
    lines = render_text(diff_document(diff), columns=100).rstrip("\n").split("\n")
    assert max(map(width, lines)) <= 100, "\n".join(lines)
    assert len(lines) <= 25, "\n".join(lines)


def test_the_answer_comes_first_and_a_line_for_each_layer_last() -> None:
    rich = diffs.rich()
    lines = text(rich).splitlines()
    assert lines[0] == "Why is flight_delay@5 different from flight_delay@4 (production)?"
    assert lines[1] == "roc_auc fell from 0.75635 to 0.67857 (-0.07778). Measured on the same data (test)."
    assert lines[3] == "What differs, the most likely explanation first"
    assert [line.strip().split(". ", 1)[1] for line in lines[4:9]] == [change_text(each) for each in rich.changes[:5]]
    assert lines[9].strip() == f"… and {len(rich.changes) - 5} that explain less (--full)"
    layers = ["data", "preparation", "code", "environment", "parameters", "evaluation", "decisions"]
    assert [line.split()[0] for line in lines[11:]] == layers
    for whole in (text(rich, full=True), page(rich)):
        places = [whole.index(f". {change_text(each)}\n") for each in rich.changes]
        assert places == sorted(places)
        assert max(places) < whole.index("\nData\n") < whole.index("\nCode\n")
    written = markdown(rich, full=True)
    assert written.index("## What differs") < written.index("## The two versions") < written.index("## Data")


def test_another_evaluation_is_said_before_anything_else() -> None:
    for screen in (text(diffs.otherwise_measured()), markdown(diffs.otherwise_measured())):
        title, *rest = [line for line in screen.splitlines() if line]
        assert "different from" in title
        assert "Measured on other data (test): the two cannot be compared as they stand." in rest[0].replace("\\", "")
        assert "the two were measured on other data (test)" in rest[2].replace("\\", "")
        assert "the evaluation code differs" in screen
    assert "Measured on other data" not in text(diffs.rich())


def test_what_is_identical_is_one_line() -> None:
    lines = [" ".join(line.split()) for line in text(diffs.identical()).splitlines()]
    assert "It is not: both are the same version." in lines
    assert "1. nothing differs in data, preparation, code, parameters and environment" in lines
    assert "data the same (train, test)" in lines
    assert "preparation the same (1 step)" in lines
    assert "code the same (137 files)" in lines
    assert "environment the same (143 packages)" in lines
    assert "parameters the same (9 parameters)" in lines
    assert "evaluation 1 metric, 7 checks the same" in lines
    rich = [" ".join(line.split()) for line in text(diffs.rich()).splitlines()]
    assert "data train, raw differ; validation, test the same" in rich
    assert "environment scikit-learn, ruff, threads.openmp differ; 199 packages the same" in rich
    whole = [" ".join(line.split()) for line in text(diffs.identical(), full=True).splitlines()]
    assert "environment identical, 143 packages" in whole
    assert "data train identical (52,341 rows), test identical (27,075 rows)" in whole
    assert "preparation identical, 1 step" in whole
    assert "evaluation identical, 1 metric, 7 checks" in whole
    assert "the same: validation identical (28,128 rows)" in page(diffs.rich())


def test_steps_that_are_the_same_and_read_other_data_do_not_differ() -> None:
    join = StageChange(name="join", kind=Kind.CHANGED, inputs=("~ raw.csv",), outputs=("~ joined",), origin=True)
    split = StageChange(name="split", kind=Kind.CHANGED, inputs=("~ joined",), outputs=("~ train",))
    clip = StageChange(name="clip", kind=Kind.CHANGED, params={"clip.most": (9, 8)}, outputs=("~ clipped",))
    nothing = StageChange(name="fetch", kind=Kind.IDENTICAL)
    forced = StageChange(name="draw", kind=Kind.CHANGED, outputs=("~ drawn",))
    said = (
        ((join, split), "the same (2 steps); join, split read other data"),
        ((join, clip, nothing), "clip differs; 2 steps the same; join read other data"),
        ((forced, split), "the same (2 steps); split read other data; draw gave out other data"),
    )
    for stages, words in said:
        lines = text(dataclasses.replace(diffs.rich(), stages=stages)).splitlines()
        assert next(line.split(None, 1)[1] for line in lines if line.strip().startswith("preparation")) == words


def test_a_metric_that_differs_in_its_last_digits_did_not_move() -> None:
    alike = MetricChange(name="roc_auc", before=0.72076, after=0.72076 - 2.2e-16, greater_is_better=True)
    moved = MetricChange(name="brier", before=0.17459, after=0.1775)
    diff = diffs.rich()
    measured = dataclasses.replace(diff.evaluation, metrics=(alike, moved), checks={})
    screen = text(dataclasses.replace(diff, evaluation=measured))
    assert screen.splitlines()[1].startswith("roc_auc is 0.72076 in both but for the last digits. ")
    assert "  evaluation   brier differs; 1 metric, 5 checks the same\n" in screen


def test_the_same_rows_in_another_order_are_not_other_data() -> None:
    """A test set whose bytes differ alone is measured on as before; nothing warns of it."""
    diff = diffs.otherwise_measured()
    train = next(each for each in diff.data if each.name == "train")
    test = dataclasses.replace(train, name="test", kind=Kind.CHANGED, digest=("aa", "bb"), same_rows=True)
    measured = dataclasses.replace(diff.evaluation, same_data=False, same_code=True, snapshot=("test", "test"))
    alike = diffs.ranked(dataclasses.replace(diff, data=(test,), evaluation=measured))
    assert "Measured on the same rows (test), in another order or encoding." in text(alike)
    assert not [change for change in alike.changes if change.kind is ChangeKind.MEASURED_ON_OTHER_DATA]
    other = diffs.ranked(dataclasses.replace(alike, data=(dataclasses.replace(test, same_rows=False),)))
    assert "Measured on other data (test)" in text(other)
    assert [change for change in other.changes if change.kind is ChangeKind.MEASURED_ON_OTHER_DATA]


def test_the_parts_say_what_happened() -> None:
    whole = " ".join(text(diffs.rich(), full=True).split())
    for expected in (
        "rows 105,475 → 133,603 (+28,128)",
        "28,128 added, 0 removed, 2,226 changed, 103,249 the same, identified by flight, sched_dep",
        "gathered in with time_hour = 2013-06 (2,226 of 2,226 rows)",
        "gust was called wind_gust",
        "gone: MQ; new: OO",
        "from profiles: the data is gone from cache and remote",
        "+ 2013-07/flights.csv",
        "scikit-learn 1.8.0 1.9.1 imported by the training",
        "min_samples_leaf 200 20 not set explicitly: its default in the code changed",
        'late_after_minutes "15" 15',
        "±0.004 within the noise",
        "no_worse_roc_auc passed FAILED",
        "ada promoted version 4 to production",
        "clean (it begins here) params.yaml:clean.origins",
    ):
        assert expected in whole, expected


def test_without_repeats_it_says_that_chance_is_not_known() -> None:
    assert "There are no repeats" in text(diffs.otherwise_measured(), full=True)
    assert "There are no repeats" not in text(diffs.rich(), full=True)


def test_a_patch_is_cut_unless_it_is_asked_for_whole() -> None:
    short, whole = page(diffs.rich()), text(diffs.rich(), full=True)
    assert "… and 14 more lines (--full)" in short
    assert "line 19" not in short
    assert "line 19" in whole
    assert "--- a/flights/clean.py" in whole
    assert "(--full)" not in whole
    assert "numpy" in whole, "what is identical is unfolded"
    assert "numpy" not in short
    assert "max_iter" in whole


def test_a_file_whose_lines_are_not_kept_says_so() -> None:
    code = dataclasses.replace(diffs.rich().code, files=(FileChange(path="lost.py", kind=Kind.CHANGED),))
    assert "its lines are not kept" in text(dataclasses.replace(diffs.rich(), code=code), full=True)


def test_many_things_are_counted_and_not_listed() -> None:
    rich = diffs.rich()
    columns = tuple(dataclasses.replace(rich.data[0].columns[0], column=f"c{i}") for i in range(5_000))
    many = dataclasses.replace(rich, data=(dataclasses.replace(rich.data[0], columns=columns),))
    shown = page(many)
    assert "… and 4,990 more columns that moved less (--full)" in shown
    assert len(shown.splitlines()) < 180
    assert "c4999" in text(many, full=True)


def test_two_models_may_be_compared_and_it_is_said() -> None:
    other = dataclasses.replace(diffs.rich(), second=dataclasses.replace(diffs.side(5), model="minutes"))
    assert "These are two models: flight_delay and minutes." in text(other)
    assert "two models" not in text(diffs.rich())


@pytest.mark.parametrize("word", diffs.HOSTILE)
@pytest.mark.parametrize("full", [False, True])
def test_no_name_speaks_to_the_terminal_or_begins_a_line_of_its_own(word: str, full: bool) -> None:
    shown = text(diffs.every_hostile(word), full=full)
    assert all(visible(line) == line for line in shown.split("\n"))
    # One that ends lines makes no more of them than one that does not; a patch has as many lines as it has.
    title, headline, *others = shown.split("\n")
    assert " is 0.308 in both. Measured on the same data (" in headline, "it begins with the name of the metric"
    assert not any(line.startswith(("=", "#", "<", "[", "`")) for line in (title, *others))


@pytest.mark.parametrize("word", diffs.HOSTILE)
@pytest.mark.parametrize("full", [False, True])
def test_no_name_is_markup_in_markdown(word: str, full: bool) -> None:
    fence = ""
    for line in markdown(diffs.every_hostile(word), full=full).splitlines():
        if (fence and line == fence) or (not fence and line.startswith("```")):
            fence = "" if fence else line.removesuffix("diff")
            continue
        assert visible(line) == line
        bare = "" if fence else line
        for special in ("<", "](", "![", "`", "://"):
            assert special not in bare.replace(f"\\{special[0]}", ""), bare[:200]
        if bare.startswith("|") and "---" not in bare:
            assert bare.replace("\\|", "").count("|") >= 3
    assert not fence, "every fence ends"
