"""Canonical bytes are those of RFC 8785's reference implementation, whichever way they are made."""

import struct
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.canonical import _written, canonical_bytes, in_words, parse_bytes, tag, untag

EDGES = [0.0, -0.0, 5e-324, 2.225073858507201e-308, 2.2250738585072014e-308, 9.999999e-7, 1e-6, 1.5e-5, 1e-4, 0.1, 1.0]
EDGES += [4.35, 1e15, 1234567890123456.5, 1e16, 1e17, 999999999999999868928.0, 1e21, 1e22, 1.7976931348623157e308]
any_float = st.floats() | st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0])
any_text = st.text() | st.text(st.sampled_from('\ue000\uffff\U00010000\U0010ffff\ud800\udfff"\\\x00\x1f\x7f\u2028a'))
exact = st.integers(-(2**53) + 1, 2**53 - 1)
leaves = st.none() | st.booleans() | exact | st.integers() | any_float | any_text | st.sampled_from([b"", object()])


class _Key(str):
    __slots__ = ()


any_key = any_text | any_text | any_text | any_text.map(_Key) | st.integers() | st.none()
trees: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(any_key, inner, max_size=4),
    max_leaves=10,
)
plain_trees: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | exact | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=15,
)


def _told(value: Any) -> bytes | str:
    """What the reference implementation makes of a value: bytes, or the words of its refusal."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        return str(error)


@given(trees | plain_trees)
def test_bytes_and_refusals_are_those_of_the_reference(value: Any) -> None:
    expected = _told(value)
    if isinstance(expected, bytes):
        assert canonical_bytes(value) == expected
    else:
        with pytest.raises(RecordError) as caught:
            canonical_bytes(value)
        assert caught.value.what == f"no canonical form: {expected}"


@given(any_float | st.sampled_from(EDGES) | st.sampled_from(EDGES).map(lambda edge: -edge) | st.integers())
def test_numbers_are_written_as_ecmascript_does(number: float) -> None:
    for value in (number, [number], {"a": number}, {"a": [number, 1.5]}):
        expected = _told(value)
        assert _written(value) == (expected if isinstance(expected, bytes) else None)


def test_keys_are_sorted_by_their_utf_16_code_units() -> None:
    value = {"\ue000": 1, "\U00010000": 2, "a": 3}
    assert _written(value) is None
    assert canonical_bytes(value) == '{"a":3,"\U00010000":2,"\ue000":1}'.encode()


def test_usual_values_take_the_fast_way() -> None:
    value: Any = {"b": [1, 0.25, 1.0, True, None, "é\n"], "a": {}}
    assert _written(value) == '{"a":{},"b":[1,0.25,1,true,null,"é\\n"]}'.encode()


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, {"b c": "\0"}]}, "value.a[1].b c"),
        ([[float("nan")]], "value[0][0]"),
        ({"a": {"$int": 1}}, "value.a"),
        ({"a": ({1: 2},)}, "value.a[0]"),
        (["\ud800"], "value[0]"),
        (object(), "value"),
    ],
)
def test_what_cannot_be_recorded_is_named_by_its_place(value: Any, where: str) -> None:
    with pytest.raises(RecordError) as caught:
        tag(value)
    assert caught.value.where == where


def test_a_place_in_words() -> None:
    assert in_words(((("record", "data"), 0), "name")) == "record.data[0].name"


def _nested(levels: int, make: Any, inner: Any) -> Any:
    for _ in range(levels):
        inner = make(inner)
    return inner


@pytest.mark.parametrize("make", [lambda inner: [inner], lambda inner: {"a": inner}], ids=["lists", "mappings"])
def test_the_greatest_depths(make: Any) -> None:
    """A plain value counts as a level: 63 lists around a number, and 79 in a whole statement."""
    deepest = _nested(63, make, 1)
    assert tag(deepest) == deepest
    assert tag(_nested(63, make, make(1).__class__())) == _nested(63, make, make(1).__class__())
    with pytest.raises(RecordError, match="nested deeper than 64"):
        tag(_nested(64, make, 1))
    for inner in (1, "a", None):
        data = canonical_bytes(_nested(79, make, inner))
        assert parse_bytes(data) == _nested(79, make, inner)
        with pytest.raises(RecordError, match="nested deeper than 80"):
            parse_bytes(canonical_bytes(_nested(80, make, inner)))


@pytest.mark.parametrize(
    "value",
    [
        {"$int": "seven"},
        {"$int": 7},
        {"$int": None},
        {"$int": "007"},
        {"$float": "x"},
        {"$float": "1"},
        {"$float": 1.0},
    ],
)
def test_a_tagged_number_in_another_than_its_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(RecordError, match="holds"):
        untag([value])


def test_tagged_numbers_come_back_as_they_were() -> None:
    values = [1.0, -0.0, 1e300, 2**53, -(2**60)]
    tagged: Any = tag(values)
    back: Any = untag(tagged)
    assert [repr(each) for each in back] == [repr(each) for each in values]
    assert tagged[:3] == [{"$float": "1.0"}, {"$float": "-0.0"}, {"$float": "1e+300"}]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_of_any_depth_is_refused_in_words(opening: str) -> None:
    with pytest.raises(RecordError, match="not valid JSON"):
        parse_bytes(opening.encode() * 200_000)
