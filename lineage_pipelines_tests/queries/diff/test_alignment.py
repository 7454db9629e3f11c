"""Things side by side, and nested values by dotted names."""

from typing import Any

import pytest

from lineage_pipelines.queries.diff.alignment import changed_values, flatten, kind_of, paired, same_value
from lineage_pipelines.queries.diff.changes import Kind


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("ab", "ab", [("a", "a", "a"), ("b", "b", "b")]),
        ("ab", "ba", [("a", "a", "a"), ("b", "b", "b")]),
        ("ab", "b", [("b", "b", "b"), ("a", "a", None)][::-1]),
        ("b", "ab", [("a", None, "a"), ("b", "b", "b")]),
        ("cx", "abc", [("a", None, "a"), ("b", None, "b"), ("c", "c", "c"), ("x", "x", None)]),
        ("aaa", "a", [("a", "a", "a"), ("a#2", "a", None), ("a#3", "a", None)]),
        ("", "", []),
    ],
)
def test_things_are_paired_by_name_in_one_order_either_way(first: str, second: str, expected: list[Any]) -> None:
    found = [(pair.name, pair.before, pair.after) for pair in paired(first, second, str)]
    back = [(pair.name, pair.after, pair.before) for pair in paired(second, first, str)]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert found == back


def test_things_stand_by_the_middle_of_their_places() -> None:
    assert [pair.name for pair in paired("abc", "cab", str)] == ["a", "c", "b"]
    assert [pair.name for pair in paired("xa", "a", str)] == ["x", "a"]
    assert [pair.name for pair in paired("bca", "bca", str)] == ["b", "c", "a"]


def test_what_became_of_a_thing_and_when_two_values_are_one() -> None:
    assert [kind_of(*pair) for pair in ((None, 1), (1, None), (1, 2))] == [Kind.ADDED, Kind.REMOVED, Kind.CHANGED]
    assert same_value(1, 1)
    assert not any(same_value(1, other) for other in (1.0, "1", True, 2))


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        ({"a": {"b": [1, {"c": 2}]}, "d": None}, {"a.b[0]": 1, "a.b[1].c": 2, "d": None}),
        ({"a": {}, "b": [], "c": [[]]}, {"a": {}, "b": [], "c[0]": []}),
        ({}, {}),
        ({"a.b": 1, "a": {"b": 2}, "c": 3}, {'"a.b"': 1, '"a"."b"': 2, "c": 3}),
        ({"a.b": 1}, {"a.b": 1}),
        ({"é.x": 1, "é": {"x": [2]}}, {"é.x": 1, "é.x[0]": 2}),
        ({"é.x": 1, "é": {"x": 2}}, {'"é.x"': 1, '"é"."x"': 2}),
    ],
)
def test_nested_values_have_dotted_names(values: dict[str, Any], flat: dict[str, Any]) -> None:
    assert flatten(values) == flat


def test_values_that_differ_are_named_and_others_counted() -> None:
    before, after = {"a": 1, "b": 1, "c": 1, "e": None}, {"a": 1, "b": 1.0, "d": 1, "e": None}
    assert changed_values(before, after) == ({"b": (1, 1.0), "c": (1, None), "d": (None, 1)}, 2)
    assert changed_values({"x": None}, {}) == ({"x": (None, None)}, 0)
