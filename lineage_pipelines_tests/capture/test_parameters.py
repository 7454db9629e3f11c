"""Parameters become plain values, or are refused by their key."""

import dataclasses
import datetime as dt
import enum
import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from lineage_pipelines.capture.parameters import effective_parameters, parameter_defaults
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.values.canonical import Json, canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import from_json, to_json


class Loss(enum.Enum):
    LOG = "log_loss"
    BRIER = object()


class Size(enum.IntEnum):
    SMALL = 3


@dataclasses.dataclass(frozen=True)
class Inner:
    depth: int = 3


@dataclasses.dataclass(frozen=True)
class Parameters:
    rate: float = 0.1
    inner: Inner = Inner()
    names: tuple[str, ...] = ("a", "b")


class Pydantic(pydantic.BaseModel):
    rate: float = 0.1
    inner: Inner = Inner()
    loss: Loss = Loss.LOG


class DagsterParameters(dg.Config):
    rate: float = 0.1
    layers: list[int] = pydantic.Field(default=[3, 4])


def test_a_dataclass_gives_its_defaults_too() -> None:
    assert effective_parameters(Parameters(rate=0.2)) == {"rate": 0.2, "inner": {"depth": 3}, "names": ["a", "b"]}


def test_a_pydantic_model_and_a_dagster_config_give_theirs() -> None:
    assert effective_parameters(Pydantic()) == {"rate": 0.1, "inner": {"depth": 3}, "loss": "log_loss"}
    assert effective_parameters(DagsterParameters(rate=1)) == {"rate": 1.0, "layers": [3, 4]}


def test_defaults_are_those_of_the_class_whatever_was_set() -> None:
    @dataclasses.dataclass
    class Inner:
        depth: int = 3

    @dataclasses.dataclass
    class Params:
        required: int
        rate: float = 0.1
        inner: Inner = dataclasses.field(default_factory=Inner)
        names: list[str] = dataclasses.field(default_factory=lambda: ["a"])
        frame: object = LogisticRegression  # which no record can hold
        where: Path = Path("data/raw")

    expected = {"rate": 0.1, "inner": {"depth": 3}, "names": ["a"], "where": "data/raw"}
    assert parameter_defaults(Params) == expected
    assert parameter_defaults(type(Params(1, rate=9.0))) == expected


def test_defaults_of_a_pydantic_model_and_a_dagster_config() -> None:
    class Model(pydantic.BaseModel):
        required: int
        leaves: int = pydantic.Field(31, ge=2)
        names: list[str] = pydantic.Field(default_factory=lambda: ["a"])

    class Config(dg.Config):
        required: int
        leaves: int = 31

    assert parameter_defaults(Model) == {"leaves": 31, "names": ["a"]}
    assert parameter_defaults(Config) == {"leaves": 31}
    assert parameter_defaults(dict) == {}


def test_no_parameters() -> None:
    assert effective_parameters(None) == {}
    assert effective_parameters({}) == {}


def _stable(value: object) -> str:
    """Name a case without addresses and orders of one process: tests are collected by several."""
    if isinstance(value, frozenset):
        return f"frozenset({sorted(value)})"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.1), 0.10000000149011612),
        (np.longdouble(0.5), 0.5),
        (np.int64(2**60), 2**60),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.datetime64("2013-06-01"), "2013-06-01"),
        (np.timedelta64(90, "s"), 90.0),
        (np.timedelta64(1_500_000_000, "ns"), 1.5),
        (pd.Timestamp("2013-06-01 12:00", tz="UTC"), "2013-06-01T12:00:00.000000Z"),
        (pd.Timestamp("2013-06-01 12:00:00.000000001", tz="UTC"), "2013-06-01T12:00:00.000000001Z"),
        (pd.Timedelta(days=1), 86400.0),
        (Loss.LOG, "log_loss"),
        (Loss.BRIER, "BRIER"),
        (Size.SMALL, 3),
        (Path("data/train.csv"), "data/train.csv"),
        (Decimal("0.10"), "0.10"),
        (Fraction(1, 3), "1/3"),
        (dt.datetime(2013, 6, 1, 14, tzinfo=dt.timezone(dt.timedelta(hours=2))), "2013-06-01T12:00:00.000000Z"),
        (dt.datetime(9999, 12, 31, tzinfo=dt.UTC), "9999-12-31T00:00:00.000000Z"),
        (dt.date(2013, 6, 1), "2013-06-01"),
        (dt.time(12, 30), "12:30:00"),
        (dt.timedelta(minutes=1), 60.0),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ((1, (2, 3)), [1, [2, 3]]),
        (-0.0, -0.0),
        (2**70, 2**70),
        ("naïve 🐍\x1b[31m", "naïve 🐍\x1b[31m"),
        (None, None),
    ],
    ids=_stable,
)
def test_what_is_converted(value: object, plain: Json) -> None:
    found = effective_parameters({"x": value})["x"]
    assert found == plain
    assert type(found) is type(plain)
    assert str(found) == str(plain)  # -0.0 is not 0.0, and 1 is not 1.0


def _circular() -> object:
    value: dict[str, object] = {}
    value["again"] = value
    return value


def _deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (pd.DataFrame({"a": [1]}), "pandas.DataFrame"),
        (pd.Series([1]), "pandas.Series"),
        (np.array([1, 2]), "numpy.ndarray"),
        (lambda x: x, "function"),
        (len, "builtin_function_or_method"),
        (Parameters, "type"),
        (LogisticRegression(), "sklearn.LogisticRegression"),
        (object(), "object"),
        (b"bytes", "bytes"),
        (1j, "complex"),
        (range(3), "range"),
        (math.nan, "not finite"),
        (math.inf, "not finite"),
        (np.float32("nan"), "not finite"),
        (Decimal("NaN"), "not finite"),
        (pd.NaT, "missing value"),
        (pd.NA, "missing value"),
        (np.datetime64("NaT"), "cannot be recorded"),
        (dt.datetime(2013, 6, 1), "no zone"),  # noqa: DTZ001  # what is tested
        ({1: "a"}, "a key is int"),
        ({None: "a"}, "a key is NoneType"),
        ({"$float": "1.0"}, "reserved"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
        (_circular(), "deeper"),
        (_deep(10_000), "deeper"),
        (_deep(55), "deeper"),
        ("x" * 70_000, "too large"),
        (list(range(50_000)), "too large"),
        (10**5000, "too large"),
        ([0] * 2_000_000, "too large"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_what_is_refused_by_its_key(value: object, says: str) -> None:
    with pytest.raises(CaptureError, match=says) as caught:
        effective_parameters({"fine": 1, "outer": {"bad": value}})
    assert caught.value.where.startswith("parameters.outer")
    assert caught.value.fix


@pytest.mark.parametrize("value", [3, "text", [1], lambda: 1, Parameters, pd.DataFrame({"a": [1]})], ids=_stable)
def test_parameters_themselves_must_have_names(value: object) -> None:
    with pytest.raises(CaptureError, match="cannot be recorded as a parameter"):
        effective_parameters(value)


def test_as_deep_as_a_record_can_be_read_back() -> None:
    value = effective_parameters({"x": _deep(54)})
    nested = {"statement": {"predicate": {"candidates": [{"parameters": value}]}}}
    assert parse_bytes(canonical_bytes(to_json(nested, "x")))


def test_a_megabyte_in_all_is_too_much() -> None:
    with pytest.raises(CaptureError, match="in all"):
        effective_parameters({f"k{i}": "x" * 60_000 for i in range(20)})


_CANARY = "hunter2-canary"


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"db": {"password": _CANARY}},
        lambda: {"api_key": _CANARY},
        lambda: {"url": f"postgresql://ada:{_CANARY}@db/x"},
        lambda: {"list": [1, f"https://ada:{_CANARY}@db/x"]},
        lambda: {f"https://ada:{_CANARY}@db/x": 1},
        lambda: {f"https://ada:{_CANARY}@db/x": math.nan},
        lambda: {f"https://ada:{_CANARY}@db/x": object()},
        lambda: {"key": pydantic.SecretStr(_CANARY)},
        pydantic.create_model("P", password=(str, _CANARY)),
    ],
)
def test_a_secret_is_refused_and_never_printed(make: Callable[[], object]) -> None:
    with pytest.raises(CaptureError) as caught:
        effective_parameters(make())
    assert _CANARY not in str(caught.value)
    assert _CANARY not in repr(caught.value)


_LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
_KEYS = st.from_regex(r"[a-z_]{1,6}", fullmatch=True).filter(lambda key: "pwd" not in key)
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3))


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_plain_values_stay_as_they_are_and_survive_a_record(value: dict[str, Any]) -> None:
    plain = effective_parameters(value)
    assert plain == value
    assert effective_parameters(plain) == plain
    assert from_json(Json, parse_bytes(canonical_bytes(to_json(plain, "p")))) == value
