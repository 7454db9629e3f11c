"""Object state: equal in every process for equal objects, and different for any difference that could matter."""

import collections
import datetime
import decimal
import enum
import functools
import os
import pathlib
import pickle
import re
import struct
import subprocess
import sys
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.artifacts.object_state import state_digest, state_trace


class Link(enum.Enum):
    """An enumeration."""

    LOGIT = 1


class Word(enum.StrEnum):
    """An enumeration of texts."""

    A = "a"


class Thing:
    """An object with attributes."""

    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)


class Slotted:
    """An object with slots."""

    __slots__ = ("a", "b")

    def __init__(self, a: object, b: object) -> None:
        self.a, self.b = a, b


def _circle(name: str) -> Thing:
    circle = Thing(name=name)
    vars(circle)["me"], vars(circle)["held"] = circle, [circle, {1: circle}]
    return circle


def _owner() -> Thing:
    owner = Thing()
    vars(owner)["held"] = {owner, 1}
    return owner


SHARED = [1]
ALIGNED = np.dtype([("a", "i1"), ("b", "f8")], align=True)
OBJECTS: dict[str, Any] = {
    "numbers": [1, 1.0, True, np.float64(1), np.int64(1), np.bool_(True), 1j, 1 << 20_000],
    "bits": [0.0, -0.0, float("nan"), float("inf")],
    "texts": ["1", b"1", bytearray(b"1"), np.str_("1"), "\ud800"],
    "dict": {False: 1, "a": 2, 3: 4, (1, None): ...},
    "sets": [{"a", "b", (1, 2)}, frozenset({frozenset({3, "x"}), 4})],
    "containers": [collections.deque([1], 3), collections.defaultdict(list, {1: [2]}), collections.OrderedDict(a=1)],
    "counted": collections.Counter("aab"),
    "enumerations": [Link.LOGIT, Word.A, re.IGNORECASE],
    "pattern": re.compile("a.c", re.IGNORECASE),
    "times": [pd.Timestamp("2020", tz="Europe/Rome"), datetime.timedelta(1), zoneinfo.ZoneInfo("Europe/Rome"), pd.NaT],
    "values": [decimal.Decimal("1.10"), pathlib.PurePosixPath("/a"), range(3), slice(1)],
    "slots": Slotted(1, [2]),
    "a circle": _circle("a"),
    "a set that holds its owner": _owner(),
    "shared": [SHARED, SHARED],
    "random": [np.random.RandomState(1), np.random.default_rng(1), np.random.PCG64(3)],
    "functions": [functools.partial(int, base=2), np.log1p, len, Thing, os, state_digest, "abc".upper],
    "dtypes": [np.dtype("f8"), np.dtype(">f8"), ALIGNED],
    "arrays": [np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(10)[::2], np.empty((0, 3)), np.array(3.0)],
    "arrays of texts": [np.array(["a", "bc"]), np.array(["a"], dtype=np.dtypes.StringDType()), np.array([b"a"])],
    "arrays of all kinds": [np.zeros(2, ALIGNED), np.array([1, "a", None, [2]], dtype=object), np.void(b"ab")],
    "masked": np.ma.masked_array([1, 2], [False, True]),
    "sparse": [scipy.sparse.random(5, 5, 0.5, kind, random_state=0) for kind in ("csr", "csc", "coo", "dok", "lil")],
    "table": pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["u", "v"]), "d": pd.array([1, None])}),
    "columns": [pd.Series([1.0], name="s"), pd.date_range("2020", periods=2), pd.interval_range(0, 3)],
    "indexes": [pd.MultiIndex.from_tuples([(1, 2)], names=["a", "b"]), pd.RangeIndex(3), pd.CategoricalDtype(["a"])],
}


@pytest.mark.parametrize("name", OBJECTS)
def test_a_copy_has_the_same_state(name: str) -> None:
    value = OBJECTS[name]
    first = state_digest(value)
    assert state_digest(value) == first
    if name not in ("functions",):  # a module cannot be pickled
        assert state_digest(pickle.loads(pickle.dumps(value))) == first


def test_no_two_of_them_are_equal() -> None:
    assert len({state_digest(value) for value in OBJECTS.values()}) == len(OBJECTS)
    parts = [
        part
        for value in OBJECTS.values()
        if isinstance(value, list) and value is not OBJECTS["shared"]
        for part in value
    ]
    assert len({state_digest(part) for part in parts}) == len(parts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (np.float64(1), 1.0),
        ({False: 1}, {0: 1}),
        ({0: 1}, {"0": 1}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1], (1,)),
        ({1}, frozenset({1})),
        ([SHARED, SHARED], [[1], [1]]),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), np.zeros(2, "f4")),
        (np.array([np.nan]), -np.array([np.nan])),
        (np.array([1, "1"], dtype=object), np.array(["1", 1], dtype=object)),
        (collections.deque([1], 3), collections.deque([1])),
        (_circle("a"), _circle("b")),
        (Word.A, "a"),
        (pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["b", "a"])),
        (pd.Series([1], name="a"), pd.Series([1], name="b")),
        (functools.partial(int, base=2), functools.partial(int, base=3)),
        (scipy.sparse.csr_matrix(np.eye(2)), scipy.sparse.csr_array(np.eye(2))),
    ],
)
def test_what_differs_differs(one: object, other: object) -> None:
    assert state_digest(one) != state_digest(other)


def test_how_it_lies_in_memory_does_not_count(tmp_path: pathlib.Path) -> None:
    array = np.arange(60.0).reshape(6, 10)
    mapped = np.memmap(tmp_path / "numbers", "f8", "w+", shape=array.shape)
    mapped[:] = array
    wide = np.arange(120.0).reshape(6, 20)
    wide[:, ::2] = array
    assert len({state_digest(each) for each in (array, np.asfortranarray(array), mapped, wide[:, ::2])}) == 1
    holes = [np.full(ALIGNED.itemsize, fill, "u1").view(ALIGNED) for fill in (0, 255)]
    for each in holes:
        each["a"], each["b"] = 1, 2.0
    assert state_digest(holes[0]) == state_digest(holes[1])


def test_another_process_with_other_hashes_says_the_same() -> None:
    code = f"import {__name__} as m; print(m.state_digest(m.OBJECTS['sets']), m.state_digest(m.OBJECTS['dict']))"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        told = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
        assert told.stdout.split() == [state_digest(OBJECTS["sets"]), state_digest(OBJECTS["dict"])]


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
nested = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.integers() | st.text() | st.booleans(), inner)
    ),
    max_leaves=15,
)


def _plain(value: object) -> str:
    """Return types and bits, which == does not see."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_plain(key)}:{_plain(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({','.join(_plain(each) for each in value)})"
    return f"{type(value).__name__} {struct.pack('d', value) if isinstance(value, float) else value!r}"


@given(nested, nested)
def test_states_are_equal_just_where_values_are(one: object, other: object) -> None:
    assert (state_digest(one) == state_digest(other)) == (_plain(one) == _plain(other))


def test_the_innermost_part_is_named() -> None:
    one, other = Thing(a=[1, {"b": 2}], c=3), Thing(a=[1, {"b": 2.0}], c=3)
    ours, theirs = state_trace(one), state_trace(other)
    assert next(path for path in ours if ours[path] != theirs[path]) == ".a[1]['b']"


def test_what_has_no_state_is_named() -> None:
    with pytest.raises(TypeError, match=r"^a\[0\] \(builtins\.generator\): cannot pickle 'generator' object"):
        state_digest(Thing(a=[(number for number in range(3))]))
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(TypeError, match="nested too deeply"):
        state_digest(deep)
