"""What is yielded of one dataset and with which score, each rule at both sides of its bound."""

from typing import Any

import pytest

from lineage_pipelines.queries.diff.changes import (
    ColumnChange,
    DatasetChange,
    Evidence,
    Kind,
    OverlapChange,
    SchemaChange,
)
from lineage_pipelines.queries.diff.data.periods import find_period
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind
from lineage_pipelines.queries.diff.explanation.data_layer import (
    data_changes,
    find_exchanged,
    find_scaling,
    is_trained_on,
    of_new_rows,
    overlap_changes,
    share_of_new_rows,
)
from lineage_pipelines.queries.diff.rows.row_change import GroupKind, RowChange, RowGroup
from lineage_pipelines.records.statement.dataset import Column

MANY = ("a", "b", "c", "d")
"""More differing columns than are few."""


def _dataset(*columns: ColumnChange, **facts: Any) -> DatasetChange:
    plain = {"kind": Kind.CHANGED, "evidence": Evidence.PROFILES, "role": ("train", "train"), "rows": (1000, 1000)}
    return DatasetChange(name="train", columns=columns, **{**plain, "differing": MANY, **facts})


def _found(dataset: DatasetChange) -> list[tuple[ChangeKind, float]]:
    return [(change.kind, round(change.score, 6)) for change in data_changes(dataset)]


def _column(**facts: Any) -> ColumnChange:
    return ColumnChange(**{"column": "x", "kind": "number", **facts})


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"kind": Kind.ADDED}, [(ChangeKind.INPUT_ADDED, scores.COLUMN_NEW)]),
        ({"kind": Kind.REMOVED}, [(ChangeKind.INPUT_REMOVED, scores.COLUMN_GONE)]),
        ({"kind": Kind.IDENTICAL}, []),
        ({"same_rows": True}, [(ChangeKind.ORDER_CHANGED, scores.ORDER_ONLY)]),
        ({"kind": Kind.IDENTICAL, "origin": ("a", "b")}, [(ChangeKind.ORIGIN_CHANGED, scores.ORIGIN)]),
        ({"kind": Kind.IDENTICAL, "origin": (None, "b")}, [(ChangeKind.ORIGIN_CHANGED, scores.ORIGIN)]),
        ({"kind": Kind.IDENTICAL, "role": ("train", "test")}, [(ChangeKind.ROLE_CHANGED, scores.COLUMN_GONE)]),
        ({"kind": Kind.IDENTICAL, "role": (None, "test")}, []),
        ({"evidence": Evidence.DIGESTS}, [(ChangeKind.CONTENT_CHANGED, scores.BYTES_ONLY)]),
        ({"changed_files": ("~ a",)}, [(ChangeKind.FILES_CHANGED, scores.BYTES_ONLY)]),
        ({"rows": (1000, 1001)}, [(ChangeKind.ROWS_ADDED, scores.ROWS_MORE)]),
        ({"rows": (1000, 900)}, [(ChangeKind.ROWS_REMOVED, scores.ROWS_FEWER + 10)]),
        ({"rows": (1000, 100)}, [(ChangeKind.ROWS_REMOVED, scores.ROWS_FEWER + scores.FEWER_MOST)]),
        ({"rows": (None, 100)}, []),
    ],
)
def test_a_dataset_is_told_by_what_became_of_it(
    facts: dict[str, Any], expected: list[tuple[ChangeKind, float]]
) -> None:
    assert _found(_dataset(**facts)) == expected


def test_rows_of_a_group_are_told_before_others() -> None:
    group = RowGroup(column="origin", values=("LGA",), kind=GroupKind.VALUE, rows=9, of=9, touched=9)
    assert _found(_dataset(rows=(1000, 1001), added_group=group)) == [(ChangeKind.ROWS_ADDED, scores.ROWS_OF_GROUP)]
    removed = _dataset(rows=(1000, 990), removed_group=group)
    assert _found(removed) == [(ChangeKind.ROWS_REMOVED, scores.ROWS_OF_GROUP)]
    origin = _column(column="origin", psi=0.3)
    assert _found(_dataset(origin, rows=(1000, 990), removed_group=group)) == _found(removed)


@pytest.mark.parametrize(
    ("duplicates", "rows", "score"),
    [
        ((0, 5), 1000, scores.DUPLICATES + 0.5),
        ((0, 4), 1000, scores.SLIGHTLY_SHIFTED),
        ((10, 5), 1000, scores.DUPLICATES + 0.5),
        ((0, 500), 1000, scores.DUPLICATES + 20),
        ((0, 0), 1000, None),
        ((None, 5), 1000, None),
        ((0, 5), 0, None),
    ],
)
def test_repeated_rows_count_by_their_share(duplicates: tuple[int | None, int], rows: int, score: float | None) -> None:
    found = _found(_dataset(duplicates=duplicates, rows=(rows, rows), evidence=Evidence.RECORD))
    assert [each[1] for each in found if each[0] is ChangeKind.ROWS_REPEATED] == ([] if score is None else [score])


@pytest.mark.parametrize(
    ("duplicates", "told"), [((0, 0), True), ((3, 2), True), ((0, 3), False), ((None, None), True)]
)
def test_a_key_repeats_where_no_whole_rows_do(duplicates: tuple[int | None, int | None], told: bool) -> None:
    found = _found(_dataset(duplicates=duplicates, repeated_keys=("id",)))
    assert ((ChangeKind.KEY_REPEATED, scores.KEY_REPEATED) in found) is told


def _schema(kind: Kind, name: str, **facts: Any) -> SchemaChange:
    return SchemaChange(kind=kind, column=name, **facts)


@pytest.mark.parametrize(("moved", "shared", "replaced"), [(4, 1, True), (4, 2, False), (3, 0, False), (8, 2, True)])
def test_a_table_is_another_where_four_fifths_of_its_columns_are(moved: int, shared: int, replaced: bool) -> None:
    schema = tuple(_schema(Kind.ADDED if place % 2 else Kind.REMOVED, f"c{place}") for place in range(moved))
    kinds = [kind for kind, _ in _found(_dataset(schema=schema, shared_columns=shared))]
    assert (kinds == [ChangeKind.TABLE_REPLACED]) is replaced


def test_columns_that_came_went_or_have_another_name_or_type() -> None:
    schema = (
        _schema(Kind.ADDED, "b", after=Column(name="b", type="int64")),
        _schema(Kind.REMOVED, "c"),
        _schema(Kind.REMOVED, "d"),
        _schema(Kind.CHANGED, "e", renamed_from="f"),
        _schema(Kind.CHANGED, "x", before=Column(name="x", type="int64"), after=Column(name="x", type="string")),
    )
    found = list(data_changes(_dataset(_column(psi=9.0), schema=schema)))
    assert [(each.kind, each.columns, each.score, each.before, each.after) for each in found] == [
        (ChangeKind.COLUMNS_REMOVED, ("c", "d"), scores.COLUMN_GONE, None, None),
        (ChangeKind.COLUMNS_ADDED, ("b",), scores.COLUMN_NEW, None, None),
        (ChangeKind.COLUMN_RENAMED, ("e",), scores.COLUMN_RENAMED, "f", "e"),
        (ChangeKind.COLUMN_RETYPED, ("x",), scores.SHIFTED + 60, "int64", "string"),
    ]
    assert [each.subject for each in found] == ["train", "train.b", "train.e", "train.x"]
    assert [each.part for each in found] == [schema[1], schema[0], schema[3], schema[4]]


def _score(dataset: DatasetChange) -> float:
    (score,) = (round(each.score, 6) for each in data_changes(dataset) if each.kind is ChangeKind.COLUMNS_CHANGED)
    return score


@pytest.mark.parametrize(
    ("facts", "score"),
    [
        ({"psi": 0.0999}, scores.SLIGHTLY_SHIFTED + 0.0999),
        ({"psi": 0.1}, scores.SHIFTED + 1.2),
        ({"psi": 2.0}, scores.SHIFTED + 24),
        ({"psi": 9.0}, scores.SHIFTED + 60),
        ({"distance": 0.5}, scores.SHIFTED + 6),
        ({"psi": 0.02, "identifies": True}, scores.IDENTIFIER),
        ({"psi": 0.02, "ratio": 2.0}, scores.UNIT),
        ({"psi": 0.02, "ratio": 1.0, "offset": 3.0}, scores.UNIT),
        ({"psi": 0.02, "ratio": 1.0, "offset": 0.0}, scores.SLIGHTLY_SHIFTED + 0.02),
        ({"psi": 0.02, "exchanged": ("a", "b")}, scores.UNIT),
        ({"psi": 0.02, "facts": {"format": ("A", "9")}}, scores.FORMAT),
        ({"psi": 0.02, "facts": {"format": (None, "9")}}, scores.SLIGHTLY_SHIFTED + 0.02),
        ({"psi": 0.02, "facts": {"hole": (10, 20)}}, scores.SLIGHTLY_SHIFTED + 0.02),
        ({"psi": 0.02, "facts": {"hole": (10, 21)}}, scores.HOLE),
        ({"psi": 0.02, "facts": {"hole": (None, 1)}}, scores.HOLE),
        ({"exact": False}, scores.LAST_DIGITS),
        ({"exact": False, "facts": {"mean": (1.0, 1.1)}}, scores.SLIGHTLY_SHIFTED),
        ({"exact": False, "distance": 0.01}, scores.SLIGHTLY_SHIFTED + 0.01),
        ({"psi": 0.02, "values": (("a", 0.01, 0.0),), "vanished": ("a",)}, scores.VALUES_GONE + 2),
        ({"psi": 0.02, "values": (("a", 0.0, 0.005),), "appeared": ("a",)}, scores.VALUES_GONE + 1),
        ({"psi": 0.02, "values": (("a", 0.0, 0.0049),), "appeared": ("a",)}, scores.SLIGHTLY_SHIFTED + 0.02),
        ({"psi": 0.02, "values": (("a", 0.3, 0.2),)}, scores.SLIGHTLY_SHIFTED + 0.02),
        (
            {"psi": 0.02, "values": (("a", 0.1, 0.0), ("b", 0.5, 0.0)), "vanished": ("a", "b")},
            scores.VALUES_GONE + scores.VALUES_MOST,
        ),
    ],
)
def test_a_column_counts_by_what_is_known_of_its_move(facts: dict[str, Any], score: float) -> None:
    assert _score(_dataset(_column(**facts))) == round(score, 6)


def test_one_of_few_columns_counts_where_it_moved_at_all() -> None:
    assert _score(_dataset(_column(psi=0.0, facts={"mean": (1.0, 2.0)}), differing=None)) == scores.SLIGHTLY_SHIFTED
    assert _score(_dataset(_column(psi=0.001), differing=None)) == scores.ONE_COLUMN
    three, four = (tuple(_column(column=name, psi=0.001) for name in names) for names in ("abc", "abcd"))
    assert {each.score for each in data_changes(_dataset(*three, differing=None))} == {scores.ONE_COLUMN}
    assert scores.ONE_COLUMN not in {each.score for each in data_changes(_dataset(*four, differing=None))}


@pytest.mark.parametrize(
    ("facts", "alike"),
    [
        ({"ratio": 2.0}, True),
        ({"ratio": 1.0, "offset": 2.0}, True),
        ({"ratio": 1.0, "offset": 0.0}, False),
        ({"facts": {"nulls": (0.0, 0.2)}}, True),
        ({"facts": {"mean": (0.0, 0.2)}}, False),
    ],
)
def test_three_columns_that_changed_in_one_way_are_one_change(facts: dict[str, Any], alike: bool) -> None:
    columns = [_column(column=name, psi=0.2, **facts) for name in "cab"]
    found = [change.columns for change in data_changes(_dataset(*columns))]
    assert found == ([("a", "b", "c")] if alike else [("c",), ("a",), ("b",)])
    assert [len(change.columns) for change in data_changes(_dataset(*columns[:2]))] == [1, 1]


@pytest.mark.parametrize(
    ("facts", "ratio", "name"),
    [
        ({"mean": (5.0, 0.01), "std": (2.0, 1.009)}, 0.5, "standard"),
        ({"mean": (5.0, 0.02), "std": (2.0, 1.0)}, 0.5, None),
        ({"mean": (5.0, 0.0), "std": (2.0, 1.02)}, 0.5, None),
        ({"mean": (5.0, 0.0), "std": (2.0, 1.0)}, None, None),
        ({"mean": (5.0, 0.0), "std": (2.0, 1.0)}, 1.0, None),
        ({"min": (5.0, 0.0), "max": (9.0, 1.0)}, 0.25, "range"),
        ({"min": (5.0, 0.1), "max": (9.0, 1.0)}, 0.25, None),
        ({"max": (9.0, 1.0)}, 0.25, None),
    ],
)
def test_a_column_was_scaled_where_its_figures_are_those_of_a_scaling(
    facts: dict[str, Any], ratio: float | None, name: str | None
) -> None:
    assert find_scaling(_column(facts=facts, ratio=ratio)) == name


@pytest.mark.parametrize(
    ("fact", "value", "found"), [(None, None, True), ("mean", 5.05, True), ("mean", 5.2, False), ("max", None, False)]
)
def test_columns_are_exchanged_where_all_four_figures_are_within_a_hundredth(
    fact: str | None, value: float | None, found: bool
) -> None:
    old = {"mean": (5.0, 90.0), "std": (1.0, 20.0), "min": (-9.0, 40.0), "max": (9.0, 150.0)}
    new: dict[str, Any] = {name: (after, before) for name, (before, after) in old.items()}
    if fact is not None:
        new[fact] = (new[fact][0], value)
    pair = _column(column="a", facts=old), _column(column="b", facts=new)
    assert list(find_exchanged(pair)) == ([pair] if found else [])
    assert list(find_exchanged((pair[0], _column(column="b", kind="time", facts=new)))) == []


# Periods: a quarter of the rows is new, of a later time


def _going_on(*columns: ColumnChange) -> DatasetChange:
    at = ColumnChange(column="at", kind="time", facts={"max": (0.0, 86_400.0)}, distance=0.25)
    return _dataset(at, *columns, rows=(750, 1000))


@pytest.mark.parametrize(
    ("facts", "apart"),
    [
        ({"facts": {"mean": (10.0, 12.4), "std": (4.0, 4.0)}}, False),
        ({"facts": {"mean": (10.0, 12.6), "std": (4.0, 4.0)}}, True),
        ({"facts": {"mean": (10.0, 7.4), "std": (4.0, 4.0)}}, True),
        ({"facts": {"mean": (10.0, 12.6), "std": (0.0, 4.0)}}, False),
        ({"facts": {"nulls": (0.1, 0.174)}}, False),
        ({"facts": {"nulls": (0.1, 0.176)}}, True),
        ({"facts": {"rate": (0.1, 0.075)}}, True),
        ({"facts": {"rate": (0.09, 0.0675)}}, False),
        ({"facts": {"rate": (0.1, 0.08)}}, False),
        ({"facts": {"rate": (0.89, 0.9175)}}, True),
        ({"values": (("a", 0.4, 0.3),)}, True),
        ({"values": (("a", 0.4, 0.31),)}, False),
    ],
)
def test_new_rows_lie_apart_beyond_each_bound(facts: dict[str, Any], apart: bool) -> None:
    dataset = _going_on(_column(psi=0.05, distance=0.2, **facts))
    assert find_period(dataset).new_share == pytest.approx(0.25)
    found = {change.columns: change.score for change in data_changes(dataset)}
    assert (found["x",] == scores.NEW_ROWS_APART) is apart
    assert found["x",] <= scores.NEW_ROWS_APART


def test_facts_of_the_new_rows_follow_from_both_sides() -> None:
    column = _column(facts={"mean": (10.0, 11.0), "nulls": (0.1, 0.105), "rate": (0.5, 0.4)})
    period = find_period(_going_on())
    assert of_new_rows(column, period, "mean") == pytest.approx(14.0)
    assert of_new_rows(column, period, "rate") == pytest.approx(0.1)
    assert of_new_rows(column, period, "nulls") == pytest.approx(0.12)
    assert of_new_rows(column, period, "std") is None
    assert of_new_rows(_column(facts=column.facts, ratio=2.0), period, "mean") is None
    gaps = _column(facts={**column.facts, "nulls": (0.1, 0.12)})
    assert of_new_rows(gaps, period, "mean") is None
    assert of_new_rows(gaps, period, "nulls") == pytest.approx(0.18)
    assert [share_of_new_rows(*pair, period) for pair in ((0.5, 0.1), (0.5, 0.9))] == [0.0, 1.0]
    none = find_period(_dataset())
    assert of_new_rows(column, none, "mean") is None
    assert share_of_new_rows(0.5, 0.4, none) is None


# Rows that were both trained and measured on


@pytest.mark.parametrize(
    ("shared", "rows", "score"),
    [
        ((0, 100), 100, scores.ALL_TRAINED_ON),
        ((0, 50), 100, scores.ROWS_SHARED + 0.5),
        ((0, 5), 1000, scores.ROWS_SHARED + 0.005),
        ((0, 4), 1000, scores.SLIGHTLY_SHIFTED),
        ((50, 50), 100, scores.SLIGHTLY_SHIFTED),
        ((None, 50), 100, scores.ROWS_SHARED + 0.5),
        ((50, 0), 100, scores.CHECK_FAILS),
        ((50, None), None, scores.CHECK_FAILS),
    ],
)
def test_shared_rows_count_where_there_are_more(
    shared: tuple[int | None, int | None], rows: int | None, score: float
) -> None:
    overlap = OverlapChange(measured="test", trained="train", shared=shared, rows=(rows, rows))
    (found,) = overlap_changes(overlap)
    assert (found.subject, found.before, found.after) == ("test", *shared)
    assert found.score == pytest.approx(score)


@pytest.mark.parametrize(
    ("name", "role", "trained"),
    [
        ("x", ("train", None), True),
        ("x", ("test", "train"), True),
        ("train", ("test", "test"), True),
        ("x", (None, "test"), False),
    ],
)
def test_what_is_trained_on_follows_from_role_or_name(
    name: str, role: tuple[str | None, str | None], trained: bool
) -> None:
    assert is_trained_on(DatasetChange(name=name, kind=Kind.CHANGED, role=role)) is trained


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        ({"columns": (_column(exact=True, psi=0.0),)}, [ChangeKind.COLUMNS_CHANGED, ChangeKind.ROWS_REPLACED]),
        ({"same_rows": False, "differing": ()}, [ChangeKind.ROWS_REARRANGED]),
        ({"same_rows": False}, [ChangeKind.CONTENT_CHANGED]),
        ({"columns": (_column(psi=1.0),)}, [ChangeKind.COLUMNS_CHANGED]),
        ({"rows": (9, 10), "columns": (_column(psi=0.0),)}, [ChangeKind.COLUMNS_CHANGED, ChangeKind.ROWS_ADDED]),
    ],
)
def test_the_rest_is_told_where_nothing_else_explains(facts: dict[str, Any], kinds: list[ChangeKind]) -> None:
    columns = facts.pop("columns", ())
    assert [kind for kind, _ in _found(_dataset(*columns, **facts))] == kinds


def test_columns_that_were_shifted_against_their_rows_are_named() -> None:
    rows = RowChange(key=("id",), added=0, removed=0, changed=9, same=0, shifted={"x": 1})
    column = _column(psi=0.0)
    found: list[Change] = [
        each for each in data_changes(_dataset(column, row_change=rows)) if each.score == scores.UNIT
    ]
    assert [(each.columns, each.part) for each in found] == [(("x",), column)]


def test_of_columns_with_gaps_in_as_many_rows_only_what_they_have_in_common_is_said() -> None:
    gaps = {"nulls": (0.0, 0.05), "distinct": (40, 39)}
    columns = [
        _column(column=name, facts={**gaps, "mean": (mean, mean + 0.1), "std": (1.0, 1.1)})
        for name, mean in (("a", 5.0), ("b", 700.0), ("c", -2.0))
    ]
    change = next(iter(data_changes(_dataset(*columns))))
    assert change.columns == ("a", "b", "c")
    assert isinstance(change.part, ColumnChange)
    assert change.part.facts == {**gaps, "std": (1.0, 1.1)}
    assert (change.before, change.after) == gaps["nulls"]


def test_columns_with_gaps_that_moved_as_well_are_changes_of_their_own() -> None:
    facts = {"nulls": (0.0, 0.05), "mean": (5.0, 5.12), "std": (1.0, 1.1)}
    columns = [_column(column=name, facts=facts) for name in ("a", "b", "c")]
    assert [change.columns for change in data_changes(_dataset(*columns))][:3] == [("a",), ("b",), ("c",)]


def test_of_one_column_every_fact_is_said() -> None:
    facts = {"nulls": (0.0, 0.05), "mean": (5.0, 8.0)}
    change = next(iter(data_changes(_dataset(_column(facts=facts)))))
    assert isinstance(change.part, ColumnChange)
    assert change.part.facts == facts
