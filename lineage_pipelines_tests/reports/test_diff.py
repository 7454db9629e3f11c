"""A comparison in text and Markdown: what is identical is a line, and the likeliest comes where it is read first."""

import dataclasses

import pytest

from lineage_pipelines.queries.diff.changes import FileChange, Kind, VersionDiff
from lineage_pipelines.reports.formatting import visible
from lineage_pipelines.reports.render.markdown import render_markdown
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.diff import diff_document
from lineage_pipelines_tests.reports import diffs


def text(diff: VersionDiff, *, full: bool = False) -> str:
    return render_text(diff_document(diff, full=full, sentences_last=True))


def markdown(diff: VersionDiff) -> str:
    return render_markdown(diff_document(diff))


def test_text_ends_with_the_sentences_and_markdown_begins_with_them() -> None:
    lines = text(diffs.rich()).splitlines()
    assert lines[-6] == "What differs, the most likely explanation first"
    assert [line.split(". ", 1)[1] for line in lines[-5:]] == [sentence for sentence, *_ in diffs.SENTENCES]
    page = markdown(diffs.rich())
    assert page.index("What differs") < page.index("The two versions") < page.index("## Data")


def test_another_evaluation_is_said_before_anything_else() -> None:
    for page in (text(diffs.otherwise_measured()), markdown(diffs.otherwise_measured())):
        title, *rest = [line for line in page.splitlines() if line]
        assert "different from" in title
        assert "not measured on the same data" in rest[0]
        assert "code that measures differs" in rest[1]
    assert "not measured on the same data" not in text(diffs.rich())


def test_what_is_identical_is_one_line() -> None:
    lines = [" ".join(line.split()) for line in text(diffs.identical()).splitlines()]
    assert "environment identical, 143 packages" in lines
    assert "data train identical (52,341 rows), test identical (27,075 rows)" in lines
    assert "preparation identical, 1 step" in lines
    assert "evaluation identical, 1 metric, 7 checks" in lines
    assert "It is not: both are the same version." in lines
    assert len(lines) < 20
    assert "the same: validation identical (28,128 rows)" in text(diffs.rich())


def test_the_parts_say_what_happened() -> None:
    page = " ".join(text(diffs.rich()).split())
    for expected in (
        "rows 105,475 → 133,603 (+28,128)",
        "28,128 added, 0 removed, 2,226 changed, 103,249 the same, identified by flight, sched_dep",
        "gathered in month=2013-06 (2,226 of 2,226 rows)",
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
        assert expected in page, expected


def test_without_repeats_it_says_that_chance_is_not_known() -> None:
    assert "There are no repeats" in text(diffs.otherwise_measured())
    assert "There are no repeats" not in text(diffs.rich())


def test_a_patch_is_cut_unless_it_is_asked_for_whole() -> None:
    short, whole = text(diffs.rich()), text(diffs.rich(), full=True)
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
    assert "its lines are not kept" in text(dataclasses.replace(diffs.rich(), code=code))


def test_many_things_are_counted_and_not_listed() -> None:
    rich = diffs.rich()
    columns = tuple(dataclasses.replace(rich.data[0].columns[0], column=f"c{i}") for i in range(5_000))
    many = dataclasses.replace(rich, data=(dataclasses.replace(rich.data[0], columns=columns),))
    page = text(many)
    assert "… and 4,990 more columns that moved less (--full)" in page
    assert len(page.splitlines()) < 150
    assert "c4999" in text(many, full=True)


def test_two_models_may_be_compared_and_it_is_said() -> None:
    other = dataclasses.replace(diffs.rich(), second=dataclasses.replace(diffs.side(5), model="minutes"))
    assert "These are two models: flight_delay and minutes." in text(other)


@pytest.mark.parametrize("word", diffs.HOSTILE)
@pytest.mark.parametrize("full", [False, True])
def test_no_name_speaks_to_the_terminal_or_begins_a_line_of_its_own(word: str, full: bool) -> None:
    page = render_text(diff_document(diffs.every_hostile(word), full=full, sentences_last=True))
    assert all(visible(line) == line for line in page.split("\n"))
    # One that ends lines makes no more of them than one that does not; a patch has as many lines as it has.
    assert not any(line.startswith(("=", "#", "<", "[", "`")) for line in page.split("\n"))


@pytest.mark.parametrize("word", diffs.HOSTILE)
def test_no_name_is_markup_in_markdown(word: str) -> None:
    fence = ""
    for line in markdown(diffs.every_hostile(word)).splitlines():
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
