from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.queries.diff.run.parameters import compare_parameters, same_parameters
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines_tests.queries.diff.stored import Store, pairs, with_sources
from lineage_pipelines_tests.samples import make_record

TRAIN = "from shop.params import Params as P\n\ndef train(train, test, params: P, context=None):\n    return 1\n"


def trained(store: Store, fields: str, parameters: dict[str, Any], train: str = TRAIN) -> LineageRecord:
    files = {"src/shop/__init__.py": "", "src/shop/train.py": train, "src/shop/params.py": fields}
    return with_sources(replace(make_record(), parameters=parameters), store, files)


def params(**fields: str) -> str:
    lines = "".join(f"    {name}: object = {value}\n" for name, value in fields.items())
    return f"from dataclasses import dataclass, field\nRATE = 0.3\n\n@dataclass\nclass Params:\n{lines}"


def moved(first: LineageRecord, second: LineageRecord, store: Store) -> dict[str, bool]:
    return {change.name: change.default_moved for change in compare_parameters(first, second, store)[0]}


def test_values_are_typed_nested_and_named_by_their_place() -> None:
    first = replace(make_record(), parameters={"a": {"b": [1, 2]}, "c": 1, "d": None, "same": {"x": 0.5}})
    second = replace(make_record(), parameters={"a": {"b": [1, 3, 4]}, "c": 1.0, "same": {"x": 0.5}})
    changes, unchanged = compare_parameters(first, second)
    assert [(each.name, each.kind, each.before, each.after) for each in changes] == [
        ("a.b[1]", Kind.CHANGED, 2, 3),
        ("a.b[2]", Kind.ADDED, None, 4),
        ("c", Kind.CHANGED, 1, 1.0),
        ("d", Kind.REMOVED, None, None),
    ]
    assert unchanged == 2
    assert same_parameters(first, second) == {"a.b[0]": 1, "same.x": 0.5}


def test_a_key_with_a_dot_hides_no_other() -> None:
    first = replace(make_record(), parameters={"a.b": 1, "a": {"b": 2}})
    second = replace(make_record(), parameters={"a.b": 1, "a": {"b": 3}})
    (change,), unchanged = compare_parameters(first, second)
    assert (change.name, change.before, change.after, unchanged) == ('"a"."b"', 2, 3, 1)


@pytest.mark.parametrize(
    ("before", "after", "values"),
    [
        ("100", "200", (100, 200)),
        ("1", "2", (1.0, 2.0)),
        ("RATE", "0.4", (0.3, 0.4)),
        ("field(default=1)", "field(default=2)", (1, 2)),
        ("Field(0, ge=0)", "Field(1, ge=0)", (0, 1)),
        ("field(default_factory=lambda: {'a': 1})", "field(default_factory=dict)", ({"a": 1}, {})),
        ("(1, 2)", "(1, 3)", ([1, 2], [1, 3])),
        ("None", "'x'", (None, "x")),
    ],
)
def test_a_default_that_moved_is_told_from_a_value_that_was_set(
    before: str, after: str, values: tuple[Any, Any]
) -> None:
    store = Store()
    first = trained(store, params(n=before), {"n": values[0]})
    second = trained(store, params(n=after), {"n": values[1]})
    told = moved(first, second, store)
    assert told
    assert all(told.values())
    somebody = replace(second, parameters={"n": 77})
    assert not any(moved(first, somebody, store).values())


def test_nothing_is_said_of_a_default_that_cannot_be_read() -> None:
    store = Store()
    first = trained(store, params(n="compute()"), {"n": 1})
    second = trained(store, params(n="compute() + 1"), {"n": 2})
    assert moved(first, second, store) == {"n": False}
    assert moved(first, second, Store()) == {"n": False}


def test_classes_within_classes_and_base_classes_are_followed() -> None:
    store = Store()
    text = "class Base:\n    seed: int = {0}\n\nclass Inner:\n    c: float = {0}.5\n\nclass Params(Base):\n"
    text += "    inner: Inner = Inner()\n    other: Inner = Inner(c=9)\n"
    first, second = (
        trained(store, text.format(n), {"seed": n, "inner": {"c": n + 0.5}, "other": {"c": n + 0.5}}) for n in (1, 2)
    )
    assert moved(first, second, store) == {"inner.c": True, "other.c": False, "seed": True}


def test_imports_that_lead_in_circles_or_nowhere_say_nothing() -> None:
    store = Store()
    circle = "from shop.params import Params\n"
    first, second = (trained(store, circle, {"n": n}) for n in (1, 2))
    assert moved(first, second, store) == {"n": False}
    strange = "import shop.params\n\ndef train(train, test, params: 'shop.params.Params'): ...\n"
    first, second = (trained(store, params(n=str(n)), {"n": n}, strange) for n in (1, 2))
    assert moved(first, second, store) == {"n": True}


def leaves(value: Any) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if not inner else sum(map(leaves, inner))


@given(pairs)
def test_laws(two: tuple[LineageRecord, LineageRecord]) -> None:
    first, second = two
    assert compare_parameters(first, first, Store()) == ((), sum(map(leaves, first.parameters.values())))
    there, same = compare_parameters(first, second, Store())
    back, same_back = compare_parameters(second, first, Store())
    kinds = Counter(change.kind for change in there)
    both = same + kinds[Kind.CHANGED]
    assert both + kinds[Kind.REMOVED] == sum(map(leaves, first.parameters.values()))
    assert both + kinds[Kind.ADDED] == sum(map(leaves, second.parameters.values()))
    other = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}
    assert same == same_back == len(same_parameters(first, second))
    assert repr(back) == repr(
        tuple(replace(c, before=c.after, after=c.before, kind=other.get(c.kind, c.kind)) for c in there)
    )
