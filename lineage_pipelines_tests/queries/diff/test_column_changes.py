"""What two profiles of a column say of how it moved, fact by fact."""

from collections.abc import Mapping
from typing import Any

import pytest

from lineage_pipelines.queries.diff.changes import ColumnChange, Kind
from lineage_pipelines.queries.diff.data.column_changes import compare_columns, compare_schemas, identifies
from lineage_pipelines.records.statement.dataset import Column
from lineage_pipelines.records.statement.profile import ColumnKind, ColumnProfile, Profile

TEXT: Mapping[str, Any] = {"kind": ColumnKind.TEXT, "type": "string", "other": 0}
NUMBER: Mapping[str, Any] = {"kind": ColumnKind.NUMBER, "type": "int64"}


def _compare(
    before: Mapping[str, Any], after: Mapping[str, Any], rows: tuple[int, int] = (100, 100)
) -> ColumnChange | None:
    first, second = (
        Profile(rows=count, columns=(ColumnProfile(name="x", **facts),))
        for count, facts in zip(rows, (before, after), strict=True)
    )
    found = compare_columns(first, second, {"x": "x"})
    return found[0] if found else None


def _texts(other: int = 0, **counts: int) -> Mapping[str, Any]:
    return {**TEXT, "values": tuple(counts.items()), "other": other}


def _moved(before: Mapping[str, Any], after: Mapping[str, Any], rows: tuple[int, int] = (100, 100)) -> ColumnChange:
    change = _compare(before, after, rows)
    assert change is not None
    return change


@pytest.mark.parametrize(
    ("facts", "name", "pair"),
    [
        (({"nulls": 10}, {"nulls": 30}), "nulls", (0.1, 0.6)),
        (({"empty": 10}, {"empty": 0}), "empty", (0.1, 0.0)),
        (({"infinite": 0}, {"infinite": 5}), "infinite", (0.0, 0.1)),
        (({}, {"infinite": 5}), "infinite", (0.0, 0.1)),
        (({"mean": 1.0}, {"mean": 2.0}), "mean", (1.0, 2.0)),
        (({"std": 1.0}, {"std": 2.0}), "std", (1.0, 2.0)),
        (({"min": 1}, {"min": 2}), "min", (1, 2)),
        (({"max": 1}, {"max": 2}), "max", (1, 2)),
        (({"distinct": 9}, {"distinct": 8}), "distinct", (9, 8)),
        (({"mean_bytes": 1.5}, {"mean_bytes": 2.5}), "mean_bytes", (1.5, 2.5)),
        (({"hole": (10.0, 25.0)}, {"hole": (40.0, 60.0)}), "hole", (15.0, 20.0)),
        (({"formats": (("A", 3), ("9", 2), ("A9", 1), ("?", 1))}, {}), "format", ("A or 9 or A9", None)),
    ],
)
def test_each_fact_is_of_the_rows_that_were_seen(
    facts: tuple[Mapping[str, Any], Mapping[str, Any]], name: str, pair: tuple[object, object]
) -> None:
    before, after = ({**NUMBER, **side} for side in facts)
    assert _moved(before, after, (100, 50)).facts == {name: pair}


def test_shares_of_no_rows_are_zero_and_facts_equal_to_nine_digits_are_equal() -> None:
    found = _moved({**NUMBER, "nulls": 0}, {**NUMBER, "nulls": 5}, (0, 10))
    assert found.facts == {"nulls": (0.0, 0.5)}
    near = _moved({**NUMBER, "mean": 1.0, "max": 1}, {**NUMBER, "mean": 1.0 + 1e-10, "max": 2})
    assert near.facts == {"max": (1, 2)}
    far = _moved({**NUMBER, "mean": -1000.0}, {**NUMBER, "mean": -1000.0 - 2e-6})
    assert set(far.facts) == {"mean"}


def test_values_that_came_or_went_are_named_the_most_frequent_first_and_then_by_name() -> None:
    change = _moved(_texts(a=60, z=40), _texts(a=60, d=10, c=10, b=20))
    assert (change.appeared, change.vanished) == (("b", "c", "d"), ("z",))
    assert change.values == (("z", 0.4, 0.0), ("b", 0.0, 0.2), ("c", 0.0, 0.1), ("d", 0.0, 0.1))
    assert change.distance == pytest.approx(0.4)


def test_of_values_at_most_ten_are_told_that_moved_by_half_a_thousandth() -> None:
    names = [f"v{place:02}" for place in range(12)]
    before = dict.fromkeys(names, 1000)
    change = _moved(_texts(**before), _texts(**{name: 1000 + 10 * place for place, name in enumerate(names)}))
    assert len(change.values) == 10
    little = _moved(_texts(a=9_996, b=4, c=10_000), _texts(a=10_000, b=0, c=10_000), (20_000, 20_000))
    assert little.values == ()
    enough = _moved(_texts(a=9_990, b=10, c=10_000), _texts(a=10_000, b=0, c=10_000), (20_000, 20_000))
    assert [name for name, *_ in enough.values] == ["a", "b"]


@pytest.mark.parametrize(
    ("before", "after", "rate"),
    [
        ({"true": 20, "false": 80}, {"true": 30, "false": 70}, (0.2, 0.3)),
        ({"1": 80, "0": 20}, {"1": 70, "0": 30}, (0.8, 0.7)),
        ({"1": 80, "x": 20}, {"1": 70, "x": 30}, (0.2, 0.3)),
        ({"b": 50, "a": 50}, {"a": 50, "b": 50}, None),
        ({"a": 60, "b": 40}, {"b": 60, "a": 40}, (0.6, 0.4)),
        ({"a": 100}, {"a": 70, "b": 30}, (0.0, 0.3)),
        ({"a": 50, "b": 50}, {"a": 50, "b": 30, "c": 20}, None),
    ],
)
def test_the_rate_of_two_values_is_that_of_true_of_one_or_of_the_rarer(
    before: dict[str, int], after: dict[str, int], rate: tuple[float, float] | None
) -> None:
    change = _compare(_texts(**before), _texts(**after))
    assert (change.facts.get("rate") if change is not None else None) == rate


def test_a_rate_is_unknown_where_values_are_not_listed() -> None:
    assert "rate" not in _moved(_texts(a=60, b=40), _texts(a=50, b=30, other=20)).facts
    assert "rate" not in _moved(_texts(a=50, b=30, other=20), _texts(a=60, b=40)).facts


@pytest.mark.parametrize(
    ("before", "after", "rows", "pair"),
    [
        ({"a": 60, "b": 30, "c": 10}, {"a": 60, "b": 10, "c": 30}, 100, ("b", "c")),
        ({"a": 60, "b": 30, "c": 10}, {"a": 60, "b": 20, "c": 20}, 100, None),
        ({"a": 60, "b": 30, "c": 10}, {"a": 10, "b": 60, "c": 30}, 100, None),
        ({"a": 60, "b": 40}, {"a": 40, "c": 60}, 100, None),
        ({"a": 60, "b": 40}, {"a": 40, "b": 60}, 101, None),
    ],
)
def test_two_values_are_exchanged_where_each_has_the_rows_of_the_other(
    before: dict[str, int], after: dict[str, int], rows: int, pair: tuple[str, str] | None
) -> None:
    assert _moved(_texts(**before), _texts(**after), (100, rows)).exchanged == pair


def test_values_are_compared_as_they_are_written() -> None:
    before = {**NUMBER, "values": ((True, 30), (2, 30), (0.1 + 0.2, 40)), "other": 0}
    after = {**TEXT, "values": (("true", 30), ("2", 30), ("0.3", 30), ("x", 10))}
    change = _moved(before, after)
    assert (change.appeared, change.vanished) == (("x",), ())


def test_a_number_that_is_not_finite_is_no_number_that_moved() -> None:
    quantiles = tuple(float(each) for each in range(11))
    before = {**NUMBER, "quantiles": quantiles, "infinite": 0, "distinct": 90}
    for apart in ("infinite", "nulls"):
        assert (_moved(before, {**before, apart: 50}).psi or 0.0) > 1.0
    assert _compare(before, {**before, "kind": ColumnKind.TIME, "max": 3}) is not None
    assert _moved(before, {**before, "kind": ColumnKind.TIME, "max": 3}).distance is None


def test_columns_come_by_how_far_they_moved_and_then_by_name() -> None:
    names = ("c", "b", "a", "same")
    sides = [
        Profile(
            rows=100,
            columns=tuple(
                ColumnProfile(name=name, **_texts(x=50 - moved * far[name], y=50 + moved * far[name])) for name in names
            ),
        )
        for far in ({"c": 10, "b": 10, "a": 5, "same": 0},)
        for moved in (0, 1)
    ]
    found = compare_columns(sides[0], sides[1], {name: name for name in names})
    assert [change.column for change in found] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("facts", "rows", "named"),
    [
        ({**NUMBER, "distinct": 21}, 21, True),
        ({**NUMBER, "distinct": 20}, 20, False),
        ({**NUMBER, "distinct": 30}, 31, False),
        ({**NUMBER, "distinct": 30, "nulls": 1}, 30, False),
        ({**NUMBER, "type": "double", "distinct": 30}, 30, False),
        ({**TEXT, "distinct": 30}, 30, True),
        ({"kind": ColumnKind.TIME, "type": "int64", "distinct": 30}, 30, False),
    ],
)
def test_whole_numbers_and_texts_that_are_others_in_each_row_name_it(
    facts: Mapping[str, Any], rows: int, named: bool
) -> None:
    assert identifies(ColumnProfile(name="x", **facts), rows) is named


def test_a_histogram_is_kept_where_it_has_a_range() -> None:
    before = {**NUMBER, "histogram": (3, 4), "min": 0, "max": 10}
    bins = _moved(before, {**before, "max": 0, "histogram": (7,)}).bins
    assert bins[0] is not None
    assert (bins[0].low, bins[0].high, bins[0].counts, bins[1]) == (0.0, 10.0, (3, 4), None)


@pytest.mark.parametrize(
    ("kind", "exact"), [("int64", True), ("double", False), ("float", False), ("halffloat", False), (None, True)]
)
def test_floating_point_numbers_are_not_exact(kind: str | None, exact: bool) -> None:
    number = {"kind": ColumnKind.NUMBER, "type": kind}
    assert _moved({**number, "max": 1}, {**number, "max": 2}).exact is exact


# Schemas


def _profile(*columns: ColumnProfile) -> Profile:
    return Profile(rows=100, columns=columns)


@pytest.mark.parametrize(
    ("content", "distinct", "renamed"),
    [
        (("0123456789abcdef01", "0123456789abcdef99"), 9, True),
        (("0123456789abcdef", "0123456789abcdee"), 9, False),
        (("0123456789abcdef", "0123456789abcdef"), 0, False),
        (("0123456789abcde", "0123456789abcde"), 4, False),
        ((None, None), 5, True),
        ((None, None), 4, False),
    ],
)
def test_a_column_is_renamed_where_its_content_is_the_same_and_tells_it_apart(
    content: tuple[str | None, str | None], distinct: int, renamed: bool
) -> None:
    sides = [
        _profile(ColumnProfile(name=name, content=each, distinct=distinct, quantiles=(1.0, 2.0)))
        for name, each in zip(("old", "new"), content, strict=True)
    ]
    columns = [[Column(name=name, type="int64")] for name in ("old", "new")]
    changes, names = compare_schemas(columns[0], columns[1], (sides[0], sides[1]))
    assert [(change.kind, change.column, change.renamed_from) for change in changes] == (
        [(Kind.CHANGED, "new", "old")] if renamed else [(Kind.ADDED, "new", None), (Kind.REMOVED, "old", None)]
    )
    assert names == ({"new": "old"} if renamed else {})


def test_of_columns_of_one_content_none_is_taken_for_another() -> None:
    twin: dict[str, Any] = {"content": "0123456789abcdef", "distinct": 9}
    both = [Column(name=name, type="int64") for name in ("a", "b")]
    one = [Column(name="c", type="int64")]
    profiles = _profile(*(ColumnProfile(name=name, **twin) for name in "ab")), _profile(ColumnProfile(name="c", **twin))
    assert compare_schemas(both, one, profiles)[1] == {}
    assert compare_schemas(one, both, profiles[::-1])[1] == {}
