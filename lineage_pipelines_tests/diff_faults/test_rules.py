"""The rules by which findings about data are put into words and order, each on the smallest example of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    ColumnChange,
    DatasetChange,
    EnvironmentChange,
    EvaluationChange,
    Evidence,
    FileChange,
    Kind,
    MetricChange,
    PackageChange,
    ParameterChange,
    SchemaChange,
)
from lineage_pipelines.queries.diff.data.periods import Span, find_period
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.change import ChangeKind
from lineage_pipelines.queries.diff.explanation.data_layer import data_changes
from lineage_pipelines.queries.diff.explanation.record_layers import (
    code_changes,
    environment_changes,
    evaluation_changes,
    reported_metrics,
)
from lineage_pipelines.queries.diff.explanation.scores import by_effect, by_step
from lineage_pipelines.queries.diff.rows.row_change import (
    CellChange,
    Effect,
    EffectKind,
    GroupKind,
    RowChange,
    RowGroup,
)
from lineage_pipelines.queries.diff.units import linear_map
from lineage_pipelines.records.statement.dataset import Column, Delivery
from lineage_pipelines.records.statement.profile import ColumnKind, ColumnProfile
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines.reports.formatting import amount, later, moment, percent, quoted, scaled, span

DAY = 86_400.0
JUNE = 15_857 * DAY  # 2013-06-01
SEVERAL = ("a", "b", "c", "temp")
"""More columns than are few."""


def _change(
    *columns: ColumnChange, rows: tuple[int, int] = (1000, 1500), differing: tuple[str, ...] | None = None
) -> DatasetChange:
    return DatasetChange(
        name="train",
        kind=Kind.CHANGED,
        evidence=Evidence.PROFILES,
        role=("train", "train"),
        rows=rows,
        columns=columns,
        differing=differing,
    )


def _month(*, appeared: tuple[str, ...] = (), vanished: tuple[str, ...] = (), distance: float = 1 / 3) -> ColumnChange:
    values = (("2013-04", 0.5, 1 / 3), ("2013-05", 0.5, 1 / 3), ("2013-06", 0.0, 1 / 3))
    return ColumnChange(
        column="month", kind="text", values=values, appeared=appeared, vanished=vanished, distance=distance, psi=2.0
    )


def _temperature(after: float, *, distance: float = 0.3) -> ColumnChange:
    return ColumnChange(
        column="temp", kind="number", facts={"mean": (58.0, after), "std": (10.0, 12.0)}, psi=0.3, distance=distance
    )


def _score(change: DatasetChange, subject: str) -> float:
    return next(found.score for found in data_changes(change) if found.subject == subject)


def test_a_later_month_is_growth_and_named_with_the_rows() -> None:
    change = _change(_month(appeared=("2013-06",)))
    (found,) = data_changes(change)
    assert (found.kind, found.subject, found.before, found.after) == (ChangeKind.ROWS_ADDED, "train", 1000, 1500)
    assert (found.score, found.part) == (scores.GOES_ON, None)
    assert change_text(found) == "train has 500 rows more: 1,000 → 1,500; month 2013-06 is new"
    assert find_period(change).new_share == pytest.approx(1 / 3)


def test_a_date_goes_on() -> None:
    date = ColumnChange(column="date", kind="time", facts={"max": (JUNE - DAY, JUNE)}, distance=1 / 3)
    change = _change(date)
    assert find_period(change).spans == (Span("date", only_new=True, end=(JUNE - DAY, JUNE)),)
    (found,) = data_changes(change)
    assert change_text(found).endswith("1,000 → 1,500; date goes on from 2013-05-31 to 2013-06-01")


@pytest.mark.parametrize("distance", [0.0, 0.1])
def test_values_that_are_too_few_for_the_new_rows_are_no_period(distance: float) -> None:
    assert not find_period(_change(_month(appeared=("2013-06",), distance=distance))).moved


def test_names_without_an_order_are_no_period() -> None:
    carrier = ColumnChange(
        column="carrier", kind="text", appeared=("NK",), values=(("UA", 1.0, 2 / 3), ("NK", 0, 1 / 3)), distance=1 / 3
    )
    assert not find_period(_change(carrier)).moved
    assert _score(_change(carrier), "train.carrier") == scores.VALUES_GONE + scores.VALUES_MOST


def test_a_season_counts_less_than_the_same_shift_without_new_rows() -> None:
    month, season = _month(appeared=("2013-06",)), _temperature(62.0)
    alone = _score(_change(season, rows=(1000, 1000), differing=SEVERAL), "train.temp")
    assert _score(_change(month, season), "train.temp") == alone - scores.SEASON


def test_more_than_new_rows_can_move_is_no_season() -> None:
    month = _month(appeared=("2013-06",))
    alone = _score(_change(_temperature(62.0, distance=0.4), rows=(1000, 1000), differing=SEVERAL), "train.temp")
    assert _score(_change(month, _temperature(62.0, distance=0.4)), "train.temp") == alone


def test_new_rows_that_lie_apart_are_no_season_and_their_mean_is_told() -> None:
    change = _change(_month(appeared=("2013-06",)), _temperature(46.0))
    found = next(each for each in data_changes(change) if each.subject == "train.temp")
    assert change_text(found) == "train: temp mean 58 → 46 (22 in the new rows); spread 10 → 12"
    assert found.score == scores.NEW_ROWS_APART > scores.GOES_ON


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"kind": "number", "facts": {"nulls": (0.0, 0.25)}}, "missing 0 % → 25 % (75 % in the new rows)"),
        ({"kind": "boolean", "facts": {"rate": (0.3, 0.2)}}, "rate 30 % → 20 % (0 % in the new rows)"),
        ({"kind": "text", "values": (("web", 0.6, 0.4),)}, "web 60 % → 40 % of the rows (0 % of the new ones)"),
    ],
)
def test_new_rows_that_are_missing_or_hold_one_value_stand_before_their_coming(
    column: dict[str, Any], words: str
) -> None:
    apart = ColumnChange(column="temp", psi=0.05, distance=0.2, **column)
    found, more = sorted(data_changes(_change(_month(appeared=("2013-06",)), apart)), key=lambda each: -each.score)
    assert (found.score, more.kind) == (scores.NEW_ROWS_APART, ChangeKind.ROWS_ADDED)
    assert change_text(found) == f"train: temp {words}"


@pytest.mark.parametrize(
    ("differing", "score"),
    [
        (("late",), scores.ONE_COLUMN),
        (("a", "b", "late"), scores.ONE_COLUMN),
        (("a", "b", "c", "late"), scores.SLIGHTLY_SHIFTED + 0.03),
        (None, scores.ONE_COLUMN),
    ],
)
def test_a_small_shift_counts_where_hardly_any_other_column_differs(
    differing: tuple[str, ...] | None, score: float
) -> None:
    """Digests of the columns tell which differ; where there are none, those that moved are counted."""
    label = ColumnChange(column="late", kind="boolean", facts={"rate": (0.24, 0.31)}, psi=0.03)
    assert _score(_change(label, rows=(1000, 1000), differing=differing), "train.late") == score
    assert (
        _score(_change(label, rows=(1000, 1010), differing=differing), "train.late") == scores.SLIGHTLY_SHIFTED + 0.03
    )


def test_two_columns_that_hold_what_the_other_held_are_exchanged() -> None:
    old = {"mean": (5.0, 90.0), "std": (1.0, 20.0), "min": (1.0, 40.0), "max": (9.0, 150.0)}
    new = {fact: (after, before) for fact, (before, after) in old.items()}
    change = _change(
        ColumnChange(column="debt", kind="number", facts=old, psi=9.0),
        ColumnChange(column="income", kind="number", facts=new, psi=9.0),
        rows=(1000, 1000),
    )
    (found,) = data_changes(change)
    assert (found.kind, found.columns, found.score) == (
        ChangeKind.COLUMNS_EXCHANGED,
        ("debt", "income"),
        scores.UNIT,
    )
    assert change_text(found) == "train: debt holds what income held, and income what debt held"


def test_numbers_are_written_as_they_are_read() -> None:
    assert [amount(each) for each in (1020.34, 58.5634, 3, True, "x")] == ["1,020", "58.56", "3", "true", "x"]
    assert [percent(each) for each in (1.0, 0.157, 0.004, None)] == ["100 %", "15.7 %", "0.4 %", "–"]
    assert [moment(each) for each in (JUNE, JUNE + 3660, 3600.0, "x")] == [
        "2013-06-01",
        "2013-06-01 01:01",
        "1:00:00",
        "x",
    ]
    assert scaled(5 / 9, -160 / 9) == "× 0.5556 \N{MINUS SIGN} 17.78 (as °F to °C)"
    assert scaled(1.0, 12.0) == "+ 12"
    assert scaled(33.86, 0.0) == "× 33.86 (as inHg to hPa)"
    assert scaled(1 / 3.6, 0.0) == "× 0.2778 (as km/h to m/s)"
    assert scaled(5 / 9, 255.37) == "× 0.5556 + 255.4 (as °F to K)"
    assert scaled(1 / 1.852, 0.0) == "× 0.54 (as km to nautical miles)"
    assert scaled(0.01, 0.0).startswith("÷ 100")
    assert [span(each) for each in (45, 90, 3600, 12.5 * DAY)] == ["45 s", "1.5 minutes", "1 hour", "12.5 days"]
    assert [later(each) for each in (5 * 3600, -DAY)] == ["5 hours later", "1 day earlier"]
    assert [quoted(each) for each in ("car", "car ", "")] == ["car", "'car '", "''"]


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("more", [0, 500])
def test_a_column_with_the_other_sign_is_called_so(symmetric: bool, more: int) -> None:
    before, after = _facts(symmetric=symmetric), _facts(symmetric=symmetric, sign=-1, more=more)
    found = linear_map(before, after, same_count=not more)
    assert found == (None if symmetric and more else (-1.0, 0.0))  # without its range, nothing tells
    assert linear_map(after, before, same_count=not more) == found
    assert linear_map(before, _facts(symmetric=symmetric, more=more), same_count=not more) is None
    assert scaled(-1.0, 0.0) == "with the other sign"


def _facts(*, symmetric: bool, sign: int = 1, more: int = 0) -> ColumnProfile:
    """A column of a skewed or a symmetric distribution; `more` rows are further draws of it."""
    random = np.random.default_rng(8)
    draws = random.normal(size=4000) if symmetric else random.gamma(2, 3, size=4000)
    further = np.random.default_rng(9)
    draws = np.append(draws, 5 + further.normal(size=more) / 9 if symmetric else further.gamma(2, 3, size=more))
    ordered = np.sort(sign * draws)
    places = np.linspace(0, ordered.size - 1, 41).astype(int)
    return ColumnProfile(
        kind=ColumnKind.NUMBER,
        distinct=ordered.size,
        min=ordered[0],
        max=ordered[-1],
        quantiles=tuple(ordered[places].tolist()),
    )


def test_of_equal_scores_the_greater_effect_comes_first() -> None:
    parameters = [
        ParameterChange(name=name, kind=Kind.CHANGED, before=before, after=after)
        for name, before, after in (("a", 100, 101), ("b", 0.1, 0.8), ("c", "x", "y"), ("d", 1, -1), ("e", True, False))
    ]
    assert [each.name for each in by_effect(parameters)] == ["d", "b", "a", "c", "e"]
    packages = [
        PackageChange(name=name, kind=Kind.CHANGED, before=before, after=after, imported=imported)
        for name, before, after, imported in (
            ("a", "1.2.3", "1.2.4", True),
            ("b", "1.2", "1.3", True),
            ("c", "1.2", "2.0", True),
            ("d", "1", "2", False),
        )
    ]
    assert [each.name for each in by_step(packages)] == ["c", "b", "a", "d"]


@pytest.mark.parametrize(
    ("patch", "lines", "words"),
    [
        ("--- a\n+++ b\n@@ -1 +1,2 @@\n x\n+    leaves=2,\n y\n", (1, 0), "fit.py: `leaves=2,` is new"),
        ("--- a\n+++ b\n@@ -1 +1,2 @@\n x\n-import a\n-a()\n", (0, 2), "fit.py: `import a` and `a()` are gone"),
        ("--- a\n+++ b\n@@ -1 +1,2 @@\n x\n+\n+\n", (2, 0), "fit.py differs (2 lines added, 0 removed)"),
    ],
)
def test_lines_that_only_came_or_went_are_shown(patch: str, lines: tuple[int, int], words: str) -> None:
    file = FileChange(path="fit.py", kind=Kind.CHANGED, patch=patch, lines=lines)
    (change,) = code_changes(CodeChange(identical=False, files=(file,)))
    assert change_text(change) == words


def test_a_column_of_another_type_says_in_how_many_rows_its_cells_changed() -> None:
    columns = [Column(name="days", type=kind) for kind in ("int64", "double")]
    schema = SchemaChange(kind=Kind.CHANGED, column="days", before=columns[0], after=columns[1])
    cells = CellChange(columns=("days", "hours"), rows=30, effect=Effect(kind=EffectKind.MISSING))
    rows = RowChange(key=("id",), added=0, removed=0, changed=30, same=970, cells=(cells,))
    said = {
        cells: "; days is missing now in 30 of 1,000 rows",
        replace(cells, effect=Effect(kind=EffectKind.REWRITTEN)): "",
    }
    for cell, words in said.items():
        moved = ColumnChange(column="days", kind="number", ratio=2.0)
        change = replace(_change(moved, rows=(1000, 1000)), schema=(schema,), row_change=replace(rows, cells=(cell,)))
        texts = [change_text(each) for each in data_changes(change)]
        assert texts == [f"train: days is decimal number now, and was whole number{words}"]
        assert [each.score for each in data_changes(change)] == [scores.UNIT]  # once, and as far as it moved


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("~ a.json", "~ b.json"), "2 files are changed"),
        (("~ a.json",), "1 file is changed"),
        (("~ a.json", "- b.json"), "2 files are changed, new or gone"),
    ],
)
def test_what_was_done_to_the_records_of_a_folder_is_said_and_its_files_are_counted(
    names: tuple[str, ...], words: str
) -> None:
    effect = Effect(kind=EffectKind.EXCHANGED, mapping=(("elm", "oak"), ("oak", "elm")))
    cells = CellChange(columns=("label",), rows=2, effect=effect)
    rows = RowChange(key=(), added=0, removed=0, changed=2, same=8, cells=(cells,))
    folder = replace(_change(rows=(10, 10)), evidence=Evidence.DATA, row_change=rows, changed_files=names)
    (found,) = data_changes(folder)
    assert change_text(found) == f"train: label: elm and oak are exchanged in 2 of 10 rows; {words}"


@pytest.mark.parametrize(
    ("moved", "names", "words"),
    [
        ([("round/a.png", "flat/a.png"), ("round/b.png", "flat/b.png")], [], "2 files have moved from round to flat"),
        ([("round/a.png", "flat/a.png")], ["+ flat/c.png"], "1 file has moved from round to flat; flat/c.png is new"),
        ([("a.png", "b.png")], [], "1 file has moved from a.png to b.png"),
        ([("x/a", "y/a"), ("y/b", "x/b")], [], "2 files have moved from x/a to y/a (the first)"),
    ],
)
def test_files_that_moved_are_neither_gone_nor_new(moved: list[tuple[str, str]], names: list[str], words: str) -> None:
    """A picture in the folder of another class."""
    marks = [*(f"- {old}" for old, _ in moved), *(f"+ {new}" for _, new in moved), *names]
    change = replace(_change(rows=(9, 9)), moved_files=tuple(moved), changed_files=tuple(marks), files=(200, 201))
    (found,) = data_changes(replace(change, evidence=Evidence.DIGESTS))
    assert change_text(found) == f"train: {words}"


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"mean": (9.0, -4e-16), "std": (2.0, 1.004)}, "standardized now: mean 0, spread 1"),
        ({"mean": (9.0, 0.4), "min": (3.0, 0.0), "max": (16.0, 1.0)}, "scaled to the range from 0 to 1 now"),
    ],
)
def test_columns_that_were_scaled_alike_are_one_finding(after: dict[str, tuple[Json, Json]], words: str) -> None:
    columns = [
        ColumnChange(column=name, kind="number", facts=after, ratio=ratio, offset=-2.0, psi=4.0, distance=1.0)
        for name, ratio in (("a", 0.1), ("b", 0.2), ("c", 0.3), ("d", 0.4))
    ]
    (found,) = data_changes(_change(*columns, rows=(1000, 1000)))
    assert (found.score, change_text(found)) == (scores.UNIT, f"train: 4 columns (a … d) are {words}")
    (alone,) = data_changes(_change(columns[0], rows=(1000, 1000)))
    assert change_text(alone) == f"train: a is {words}"


def test_rows_that_came_and_rows_that_went_are_counted_apart() -> None:
    july, august = (
        RowGroup(column="day", kind=GroupKind.VALUE, values=(month,), rows=rows, of=rows, touched=rows)
        for month, rows in (("2025-07", 313), ("2025-08", 267))
    )
    rows = RowChange(key=(), added=313, removed=267, changed=0, same=700, added_group=july, removed_group=august)
    (found,) = data_changes(replace(_change(rows=(967, 1013)), row_change=rows))
    said = "313 rows came: those with day = 2025-07; 267 went: those with day = 2025-08; 967 → 1,013"
    assert change_text(found) == f"train: {said}"


def test_rows_of_new_files_go_on_and_the_files_are_named() -> None:
    temp = ColumnChange(column="temp", kind="number", facts={"mean": (58.0, 46.0), "std": (10.0, 12.0)}, distance=0.3)
    delivery = Delivery(revision="f" * 40, author="Ada", date=datetime(2026, 3, 1, tzinfo=UTC))
    change = replace(_change(temp), changed_files=("+ july.csv",), files=(6, 7))
    assert find_period(change).moved
    first, rows = sorted(data_changes(change), key=lambda each: -each.score)
    assert (first.score, rows.score) == (scores.NEW_ROWS_APART, scores.GOES_ON)
    said = "train has 500 rows more: 1,000 → 1,500; july.csv is new; delivered by Ada in ffffffff, 2026-03-01"
    assert change_text(replace(rows, delivery=delivery)) == said
    for files in ((), ("+ july.csv", "~ june.csv")):
        assert not find_period(replace(change, changed_files=files)).moved


def test_a_pool_of_threads_is_told_in_words() -> None:
    facts: dict[str, tuple[Json, Json]] = {"threads.libgomp": (1, 2), "cpu": ("x86", "arm")}
    found = environment_changes(EnvironmentChange(identical=False, facts=facts))
    assert [change_text(each) for each in found] == ["the number of threads of libgomp 1 → 2", "cpu x86 → arm"]


def test_a_step_that_differs_by_itself_comes_before_the_other_data_that_it_makes() -> None:
    change = EvaluationChange(same_data=False, same_code=None, snapshot=("test", "test"))
    alone, behind = (
        next(iter(evaluation_changes(change, trained_alike=True, prepared_alike=alike))).score
        for alike in (True, False)
    )
    assert alone == scores.OTHER_EVALUATION > scores.OWN_PREPARATION > behind > scores.UNIT
    assert list(evaluation_changes(change, trained_alike=False, prepared_alike=True)) == []


def test_that_other_metrics_are_reported_is_a_finding() -> None:
    metrics = (MetricChange(name="auc", before=0.7, after=None), MetricChange(name="gini", before=None, after=0.4))
    change = EvaluationChange(same_data=True, same_code=False, metrics=metrics)
    (found,) = evaluation_changes(change, trained_alike=True, prepared_alike=True)
    assert reported_metrics(change) == (("gini",), ("auc",))
    assert change_text(found) == "the evaluation code differs: gini reported now; auc no longer reported"
    assert found.score > scores.CODE


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ("1.6.0", "1.7.0", 0.0),
        ("1.6.2", "2.6.2", 0.0),
        ("1.6", "1.7", 0.0),
        ("1", "2", 0.0),
        ("1.6.0", "1.6.1", scores.LIBRARY_STEP),
        ("1.6", "1.6.1", scores.LIBRARY_STEP),
        ("1.6.1", None, 0.0),
        (None, "1.6.1", 0.0),
    ],
)
def test_a_step_within_a_minor_release_counts_less(before: str | None, after: str | None, step: float) -> None:
    kind = Kind.ADDED if before is None else Kind.REMOVED if after is None else Kind.CHANGED
    for one, other in ((before, after), (after, before)):
        change = PackageChange(name="sklearn", kind=kind, before=one, after=other, imported=True)
        (found,) = environment_changes(EnvironmentChange(identical=False, packages=(change,)))
        assert (found.before, found.after, found.score) == (one, other, scores.LIBRARY - step)


def _times(hours: float, *, places: int = 9) -> ColumnProfile:
    quantiles = tuple(JUNE + place * DAY + hours * 3600 for place in range(places))
    return ColumnProfile(
        kind=ColumnKind.TIME, distinct=places, quantiles=quantiles, min=quantiles[0], max=quantiles[-1]
    )


@pytest.mark.parametrize(
    ("hours", "zone"),
    [(1, True), (-5, True), (14, True), (-14, True), (15, False), (-15, False), (0, False), (0.5, False), (9.5, False)],
)
def test_times_that_are_whole_hours_later_are_of_another_zone(hours: float, zone: bool) -> None:
    expected = (1.0, hours * 3600) if zone else None
    assert linear_map(_times(0), _times(hours), same_count=True) == expected
    assert linear_map(_times(0), _times(hours), same_count=False) is None


def test_fewer_than_five_distinct_values_are_no_evidence_of_a_zone() -> None:
    assert linear_map(_times(0, places=5), _times(3, places=5), same_count=True) == (1.0, 3 * 3600.0)
    assert linear_map(_times(0, places=4), _times(3, places=4), same_count=True) is None
