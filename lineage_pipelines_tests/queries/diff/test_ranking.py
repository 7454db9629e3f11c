"""What of all that differs is kept, and in which order."""

from collections.abc import Sequence
from dataclasses import replace

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
    ParameterChange,
)
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind
from lineage_pipelines.queries.diff.explanation.data_layer import data_changes
from lineage_pipelines.queries.diff.explanation.ranking import Differences, rank
from lineage_pipelines.queries.diff.explanation.record_layers import code_changes
from lineage_pipelines.queries.diff.rows.row_change import CellChange, Effect, EffectKind, RowChange, Way
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines_tests.queries.diff.tables import Stored, record
from lineage_pipelines_tests.samples import digests, make_record

NAMES = [("home.age", "away.age"), ("home_age", "away_age"), ("age", ".age"), ("a.b.", "b.")]


ALIKE = EvaluationChange(same_data=True, same_code=True)


def _ranked(*data: DatasetChange, evaluation: EvaluationChange = ALIKE) -> tuple[Change, ...]:
    """The changes of two versions that differ in data, and in how they were measured."""
    environment = EnvironmentChange(identical=True)
    return rank(Differences(data=data, code=CodeChange(identical=True), environment=environment, evaluation=evaluation))


def _changes(names: tuple[str, str], *datasets: str) -> tuple[DatasetChange, ...]:
    """Both columns moved, by different ways, in each dataset."""
    draw, stored = np.random.default_rng(3), Stored()
    before = {name: draw.normal(size=500) for name in names}
    after = {names[0]: before[names[0]] * 1.5 + 4, names[1]: draw.exponential(size=500)}
    sides = [record(*(stored.snapshot(side, name) for name in datasets)) for side in (before, after)]
    return tuple(compare_datasets(sides[0], sides[1], Ways(blobs=stored)))


@pytest.mark.parametrize("names", NAMES)
def test_columns_are_told_apart_by_their_whole_name(names: tuple[str, str]) -> None:
    found = _ranked(*_changes(names, "train"))
    assert {f"train.{name}" for name in names} <= {change.subject for change in found}


@pytest.mark.parametrize("names", NAMES)
def test_a_column_that_moved_in_two_datasets_is_one_finding(names: tuple[str, str]) -> None:
    found = _ranked(*_changes(names, "train", "validation"))
    assert sorted(name for change in found for name in change.columns) == sorted(names)


def test_datasets_are_told_apart_whatever_their_names_end_with() -> None:
    one, other = _changes(("x", "y"), "north.csv", "south.csv")
    gone = [change.subject for change in _ranked(*(_without_columns(change) for change in (one, other)))]
    assert sorted(gone) == ["north.csv", "south.csv"]


def _without_columns(change: DatasetChange) -> DatasetChange:
    return DatasetChange(name=change.name, kind=change.kind, evidence=change.evidence, role=change.role, rows=(9, 5))


def test_of_one_finding_the_highest_score_is_kept_whichever_comes_first() -> None:
    """A column that moved far in one dataset and a little in the other."""
    draw, stored = np.random.default_rng(5), Stored()
    base = draw.normal(size=2000)
    before = record(stored.snapshot({"x": base}, "train"), stored.snapshot({"x": base}, "validation"))
    far, little = base + 3 * draw.normal(size=2000), base + 0.2 * draw.normal(size=2000)
    for near in ("train", "validation"):
        moved = {name: little if name == near else far for name in ("train", "validation")}
        after = record(*(stored.snapshot({"x": values}, name) for name, values in moved.items()))
        changes = tuple(compare_datasets(before, after, Ways(blobs=stored)))
        alone = max(
            each.score * (1 if change.name == "train" else scores.ELSEWHERE)
            for change in changes
            for each in data_changes(change)
            if each.columns == ("x",)
        )
        for order in (changes, changes[::-1]):
            assert [each.score for each in _ranked(*order) if each.columns == ("x",)] == [alone]


def _measured_on(other: str, *, differs: str) -> Sequence[str]:
    """The layers that are told where the data that was measured on is other, and one dataset differs."""
    one = make_record().data[0]
    first = (replace(one, name="train"), replace(one, name="test", path="t"))
    second = tuple(replace(each, digest=digests("other")) if each.name == differs else each for each in first)
    changes = compare_datasets(record(*first), record(*second), Ways(blobs=lambda _: None))
    evaluation = EvaluationChange(same_data=False, same_code=True, snapshot=(other, other))
    return [change.layer for change in _ranked(*changes, evaluation=evaluation)]


def test_metrics_cannot_be_compared_where_only_what_was_measured_on_differs() -> None:
    assert "evaluation" in _measured_on("test", differs="test")
    assert "evaluation" not in _measured_on("test", differs="train")


@pytest.mark.parametrize("moved", [True, False])
def test_where_nothing_that_was_recorded_differs_no_cause_is_claimed(moved: bool) -> None:
    metric = MetricChange(name="roc_auc", before=0.7, after=0.8 if moved else 0.7)
    (change,) = _ranked(evaluation=replace(ALIKE, metrics=(metric,)))
    assert change.kind is (ChangeKind.UNEXPLAINED if moved else ChangeKind.NOTHING)
    unexplained = "nothing that was recorded differs; the record does not explain the change in the metrics"
    assert (change_text(change) == unexplained) is moved
    assert "chance" not in change_text(change)


def test_a_parameter_is_told_though_it_moved_as_the_seed_did() -> None:
    """The seed is told once, as a fact and not as a parameter as well; a parameter of another name is not the seed."""
    parameters = [ParameterChange(name=name, kind=Kind.CHANGED, before=7, after=8) for name in ("seed", "depth")]
    environment = EnvironmentChange(identical=True)
    found = rank(
        Differences(
            code=CodeChange(identical=True),
            environment=environment,
            parameters=parameters,
            evaluation=ALIKE,
            facts={"seed": (7, 8)},
        )
    )
    assert [(change.kind, change.subject) for change in found] == [
        (ChangeKind.PARAMETER_CHANGED, "depth"),
        (ChangeKind.SEED_CHANGED, "seed"),
    ]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_source_that_reads_the_same_is_named_where_nothing_else_explains_what_was_made_of_it(
    elsewhere: bool,
) -> None:
    """Keys that lost their zeros read as the same numbers; the join that reads them as text loses rows."""
    zeros = CellChange(columns=("id",), rows=200, effect=Effect(kind=EffectKind.ZEROS, way=Way.LOST))
    rows = RowChange(key=("id",), added=0, removed=0, changed=200, same=700, cells=(zeros,))
    other = DatasetChange(
        name="orders.csv", kind=Kind.CHANGED, evidence=Evidence.DATA, role=("source", "source"), rows=(900, 500)
    )
    silent = replace(other, name="customers.csv", rows=(900, 900), same_rows=True, row_change=rows)
    train = DatasetChange(name="train", kind=Kind.CHANGED, role=("train", "train"), rows=(900, 700), prepared=True)
    found = rank(
        Differences(
            data=(train,),
            sources=(silent, *((other,) if elsewhere else ())),
            code=CodeChange(identical=True),
            environment=EnvironmentChange(identical=True),
            evaluation=ALIKE,
        )
    )
    texts = [change_text(change) for change in found if change.score > scores.ORDER_ONLY]
    said = "customers.csv: id has lost leading zeros in 200 of 900 rows; read by default, both are the same values"
    fewer = "train has 200 rows fewer: 900 → 700"
    assert texts == (["orders.csv has 400 rows fewer: 900 → 500", fewer] if elsewhere else [said, fewer])


def test_rows_that_came_with_a_delivery_stand_before_those_that_were_made_of_them() -> None:
    """The months of a CSV file are texts; in what was made of it they are times, that go on."""
    date = ColumnChange(column="at", kind="time", facts={"max": (0.0, 86_400.0)}, distance=0.1)
    train = DatasetChange(
        name="train", kind=Kind.CHANGED, role=("train", "train"), rows=(900, 1000), prepared=True, columns=(date,)
    )
    orders = DatasetChange(
        name="orders.csv", kind=Kind.CHANGED, evidence=Evidence.PROFILES, role=("source", "source"), rows=(990, 1100)
    )
    found = rank(
        Differences(
            data=(train,),
            sources=(orders,),
            code=CodeChange(identical=True),
            environment=EnvironmentChange(identical=True),
            evaluation=ALIKE,
        )
    )
    assert [change.subject for change in found] == ["orders.csv", "train"]
    assert found[1].score == scores.GOES_ON


def test_inputs_that_were_exchanged_are_all_there_is_to_say() -> None:
    train, test = _exchanged_inputs()
    (change,) = _ranked(train, test)
    assert (change.kind, change.names) == (ChangeKind.INPUTS_EXCHANGED, ("train", "test"))
    again = _ranked(train, replace(test, digest=("b", "c")))
    assert sorted(each.kind for each in again) == [ChangeKind.ROWS_ADDED, ChangeKind.ROWS_REMOVED]


def _exchanged_inputs() -> tuple[DatasetChange, DatasetChange]:
    train = DatasetChange(
        name="train", kind=Kind.CHANGED, evidence=Evidence.PROFILES, digest=("a", "b"), rows=(900, 300)
    )
    return train, replace(train, name="test", digest=("b", "a"), rows=(300, 900))


def test_how_the_data_that_was_measured_on_differs_is_said_with_it() -> None:
    _, test = _exchanged_inputs()
    evaluation = EvaluationChange(same_data=False, same_code=True, snapshot=("test", "test"))
    first = _ranked(test, evaluation=evaluation)[0]
    said = "the two were measured on other data (test), so their metrics cannot be compared; test has 600 rows more: "
    assert change_text(first) == f"{said}300 → 900"


def test_source_files_come_by_how_many_of_their_lines_changed() -> None:
    files = [
        FileChange(path="a.py", kind=Kind.CHANGED, lines=(90, 90), only_layout=True),
        FileChange(path="b.py", kind=Kind.CHANGED, lines=(1, 0)),
        FileChange(path="c.py", kind=Kind.CHANGED, lines=(5, 7)),
        FileChange(path="d.py", kind=Kind.CHANGED, lines=(0, 2)),
    ]
    found = code_changes(CodeChange(identical=False, files=tuple(files)))
    assert [change.subject for change in found] == ["c.py", "d.py", "b.py", "a.py"]


@pytest.mark.parametrize(
    ("exact", "rows", "alike"), [(False, (9, 9), True), (True, (9, 9), False), (False, (9, 8), False)]
)
def test_columns_that_differ_in_their_last_digits_are_one_change(
    exact: bool, rows: tuple[int, int], alike: bool
) -> None:
    columns = tuple(ColumnChange(column=name, exact=exact) for name in ("x", "y", "z"))
    change = DatasetChange(name="train", kind=Kind.CHANGED, rows=rows, columns=columns)
    found = [each for each in data_changes(change) if set(each.columns) >= {"x", "y", "z"}]
    assert bool(found) == alike


@pytest.mark.parametrize(
    ("same_rows", "differing", "kind"),
    [
        (False, (), ChangeKind.ROWS_REARRANGED),
        (None, (), ChangeKind.CONTENT_CHANGED),
        (False, None, ChangeKind.CONTENT_CHANGED),
    ],
)
def test_columns_moved_against_each_other_only_where_every_one_is_known_to_be_equal(
    same_rows: bool | None, differing: tuple[str, ...] | None, kind: ChangeKind
) -> None:
    change = DatasetChange(
        name="train",
        kind=Kind.CHANGED,
        evidence=Evidence.PROFILES,
        rows=(9, 9),
        same_rows=same_rows,
        differing=differing,
    )
    assert [each.kind for each in data_changes(change)] == [kind]
