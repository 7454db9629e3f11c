"""Text for a terminal: aligned, wrapped where there is a width, and never a terminal's own language."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.errors import visible
from lineage_pipelines.reports.document import Document, Heading, Pairs, Paragraph, Table, Tree
from lineage_pipelines.reports.formatting import first_clauses, width
from lineage_pipelines.reports.render.markdown import render_markdown
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.preparation import preparation_trees
from lineage_pipelines_tests.samples import make_record

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
TABLE = Table(["check", "detail"], [["a", LONG], ["long name", "short"]])


def test_columns_are_aligned() -> None:
    table = Table(["name", "rows"], [["東京", "1"], ["x", "1,000"]], right=frozenset({"rows"}))
    lines = render_text(Document([table])).splitlines()
    assert len({width(line) for line in lines}) == 1


@pytest.mark.parametrize("block", [TABLE, Pairs([("name", LONG), ("longer name", "short")])])
def test_the_last_column_is_wrapped_in_a_terminal_and_only_there(block: Table | Pairs) -> None:
    assert LONG in render_text(Document([block]))
    wrapped = render_text(Document([block]), columns=50).splitlines()
    assert all(len(line) <= 50 for line in wrapped)
    assert " ".join(" ".join(wrapped).split()).count("thirteen fourteen") == 1
    assert LONG in render_text(Document([block]), columns=20), "too narrow to be wrapped"


@given(st.text(max_size=40), st.sampled_from([Heading, Paragraph, Tree]))
def test_no_text_can_speak_to_the_terminal(text: str, kind: type[Heading | Paragraph | Tree]) -> None:
    out = render_text(Document([kind(text), Pairs([(text, text)]), Table([text], [[text]], title=text)]))
    assert all(visible(line) == line for line in out.split("\n"))


@given(st.text(max_size=40))
def test_no_text_can_end_a_cell_of_markdown(text: str) -> None:
    lines = render_markdown(Document([Table(["a", "b"], [[text, "x"]])])).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 3
    assert all(row.replace("\\|", "").count("|") == 3 for row in rows)


def test_the_lines_of_a_paragraph_are_lines_in_markdown() -> None:
    assert render_markdown(Document([Paragraph("\n  first\n  second")])) == "first\nsecond\n"


def test_an_input_whose_maker_is_not_recorded_is_not_called_tracked() -> None:
    snapshot = replace(make_record().data[0], name="train", produced_by="clean")
    (tree,) = preparation_trees(replace(make_record(), data=(snapshot,), stages=()))
    assert tree.label == "train: made by clean, of which no run is recorded"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (100, "one changed; two changed; three changed"),
        (39, "one changed; two changed; three changed"),
        (38, "one changed; two changed"),
        (23, "one changed"),
        (11, "one changed"),
        (9, "one …nged"),
    ],
)
def test_a_sentence_is_cut_where_a_clause_ends(columns: int, expected: str) -> None:
    assert first_clauses("one changed; two changed; three changed", columns) == expected


@given(st.text(max_size=60), st.integers(4, 80))
def test_a_cut_sentence_fits(text: str, columns: int) -> None:
    assert width(first_clauses(text, columns)) <= columns
