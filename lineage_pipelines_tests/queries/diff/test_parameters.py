from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.queries.diff.run.parameters import compare_parameters
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines_tests.queries.diff.stored import pairs
from lineage_pipelines_tests.samples import make_record


def trained(parameters: dict[str, Any], defaults: dict[str, Any] | None) -> LineageRecord:
    return replace(make_record(), parameters=parameters, parameter_defaults=defaults)


def moved(first: LineageRecord, second: LineageRecord) -> dict[str, bool | None]:
    return {change.name: change.default_moved for change in compare_parameters(first, second).changes}


def test_values_are_typed_nested_and_named_by_their_place() -> None:
    first = replace(make_record(), parameters={"a": {"b": [1, 2]}, "c": 1, "d": None, "same": {"x": 0.5}})
    second = replace(make_record(), parameters={"a": {"b": [1, 3, 4]}, "c": 1.0, "same": {"x": 0.5}})
    found = compare_parameters(first, second)
    assert [(each.name, each.kind, each.before, each.after) for each in found.changes] == [
        ("a.b[1]", Kind.CHANGED, 2, 3),
        ("a.b[2]", Kind.ADDED, None, 4),
        ("c", Kind.CHANGED, 1, 1.0),
        ("d", Kind.REMOVED, None, None),
    ]
    assert found.same == {"a.b[0]": 1, "same.x": 0.5}


def test_a_key_with_a_dot_hides_no_other() -> None:
    first = replace(make_record(), parameters={"a.b": 1, "a": {"b": 2}})
    second = replace(make_record(), parameters={"a.b": 1, "a": {"b": 3}})
    found = compare_parameters(first, second)
    (change,) = found.changes
    assert (change.name, change.before, change.after, len(found.same)) == ('"a"."b"', 2, 3, 1)


@pytest.mark.parametrize(
    ("before", "after"), [(100, 200), (1.0, 2.0), ({"a": 1}, {}), ([1, 2], [1, 3, 4]), (None, "x"), (False, True)]
)
def test_a_default_that_moved_is_told_from_a_value_that_was_set(before: Any, after: Any) -> None:
    first, second = trained({"n": before}, {"n": before}), trained({"n": after}, {"n": after})
    assert set(moved(first, second).values()) == {True}
    assert set(moved(second, first).values()) == {True}
    assert not any(moved(first, replace(second, parameters={"n": 77})).values())
    assert not any(moved(replace(first, parameters={"n": 77}), second).values())


def test_a_default_written_as_a_whole_number_is_that_of_a_float_and_not_of_a_flag() -> None:
    assert moved(trained({"n": 1.0}, {"n": 1}), trained({"n": 2.0}, {"n": 2})) == {"n": True}
    assert moved(trained({"n": True}, {"n": 1}), trained({"n": False}, {"n": 0})) == {"n": False}


def test_only_the_part_of_a_nested_default_that_differs_is_listed() -> None:
    first, second = (trained({"inner": {"c": n, "d": 0}}, {"inner": {"c": n, "d": 0}}) for n in (1, 2))
    assert moved(first, second) == {"inner.c": True}


def test_a_new_parameter_has_no_default_that_moved() -> None:
    assert moved(trained({}, {}), trained({"n": 1}, {"n": 1})) == {"n": False}


def test_where_defaults_are_not_recorded_nothing_is_claimed() -> None:
    first, second = trained({"n": 1}, None), trained({"n": 2}, {"n": 2})
    assert moved(first, second) == moved(second, first) == {"n": None}


def leaves(value: Any) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if not inner else sum(map(leaves, inner))


@given(pairs)
def test_laws(two: tuple[LineageRecord, LineageRecord]) -> None:
    first, second = two
    itself = compare_parameters(first, first)
    assert (itself.changes, len(itself.same)) == ((), sum(map(leaves, first.parameters.values())))
    one_way, other_way = compare_parameters(first, second), compare_parameters(second, first)
    there, back, same = one_way.changes, other_way.changes, len(one_way.same)
    kinds = Counter(change.kind for change in there)
    both = same + kinds[Kind.CHANGED]
    assert both + kinds[Kind.REMOVED] == sum(map(leaves, first.parameters.values()))
    assert both + kinds[Kind.ADDED] == sum(map(leaves, second.parameters.values()))
    other = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}
    assert one_way.same.keys() == other_way.same.keys()
    assert repr(back) == repr(
        tuple(replace(c, before=c.after, after=c.before, kind=other.get(c.kind, c.kind)) for c in there)
    )
