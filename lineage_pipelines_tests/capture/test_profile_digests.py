"""Digests of columns and rows that do not depend on order, encoding or the type that holds a value."""

import datetime as dt
import decimal
import math
from pathlib import Path

import pyarrow as pa
import pytest

from lineage_pipelines_tests.capture.profiles import column_of, profile_of

_D = decimal.Decimal

_GOLDEN = pa.table(
    {
        "n": pa.array([1, 2, None, 2**60, -5]),
        "x": [0.5, math.nan, 3.0, -0.0, 1e300],
        "word": ["a", "", None, "ü", "a\0b"],
        "when": pa.array([0, 1, None, -1, 10**15], pa.timestamp("us")),
        "price": [_D("1.10"), None, _D("-2.50"), _D("0.00"), _D("100.00")],
        "late": [True, False, None, True, True],
    }
)
_GOLDEN_DIGESTS = {
    "n": "36d1e75b56f13293f9e81f4018c6483b",
    "x": "f0c18ba61eb615d06ff141cbfddb42da",
    "word": "5a360e764fcb96c4b41e793cfea2e69a",
    "when": "97caa8022865c3aa586b60fc05e626d0",
    "price": "fe8dbfcdc8d843c3f68bb895eb34d96f",
    "late": "a1edbc10af6b8dc4386c666b33ba9644",
    "rows": "2beae464a42450875f140bf068500947",
}
"""As the first release of version 2 wrote them: profiles that are stored must stay comparable."""


def test_digests_are_those_that_were_recorded_before(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, _GOLDEN)
    contents = {column["name"]: column["content"] for column in profile["columns"]}
    assert {**contents, "rows": profile["rows_digest"]} == _GOLDEN_DIGESTS


_WHOLE = [3, None, 3, -7, 2**31 - 1]
_SECONDS = [0, 5, None, -86400, 86400]
_ALIKE: dict[str, list[pa.Array]] = {
    "numbers": [pa.array(_WHOLE, kind) for kind in (pa.int32(), pa.int64(), pa.float64())],
    "floats": [pa.array([0.5, None, 0.25], pa.float32()), pa.array([0.5, math.nan, 0.25], pa.float64())],
    "text": [pa.array(["a", None, "ü"], kind) for kind in (pa.string(), pa.large_string(), pa.string_view())]
    + [pa.array(["a", None, "ü"]).dictionary_encode(), pa.array([b"a", None, "ü".encode()])],
    "moments": [pa.array(_SECONDS, pa.timestamp("s")).cast(pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")],
    "days": [
        pa.array([0, -1, None], pa.int32()).cast(pa.date32()),
        pa.array([dt.date(1970, 1, 1), dt.date(1969, 12, 31), None]).cast(pa.timestamp("ms")),
    ],
    "prices": [pa.array([_D("1.10"), None, _D("100")], pa.decimal128(9, scale)) for scale in (2, 3, 5)],
    "truth": [pa.array([True, None, False]), pa.array([1, None, 0])],
    "nothing": [pa.nulls(3), pa.nulls(3, pa.string()), pa.nulls(3, pa.float64())],
}


@pytest.mark.parametrize("arrays", _ALIKE.values(), ids=_ALIKE)
def test_equal_values_have_equal_content_in_every_type(tmp_path: Path, arrays: list[pa.Array]) -> None:
    assert len({column_of(tmp_path, array)["content"] for array in arrays}) == 1
    others = [array.slice(1) for array in arrays]
    assert len({column_of(tmp_path, array)["content"] for array in [*arrays, *others]}) == 2


_DIFFERENT: dict[str, tuple[pa.Array, pa.Array]] = {
    "signs": (pa.array([1]), pa.array([-1])),
    "the greatest unsigned and -1": (pa.array([2**64 - 1], pa.uint64()), pa.array([-1])),
    "empty and missing": (pa.array([""]), pa.array([None], pa.string())),
    "zero and missing": (pa.array([0]), pa.array([None], pa.int64())),
    "a number and its text": (pa.array([1]), pa.array(["1"])),
    "twice and once": (pa.array([1, 1, 2]), pa.array([1, 2, 2])),
    "seconds and numbers": (pa.array([1], pa.timestamp("s")), pa.array([1])),
    "half a second later": (pa.array([1000], pa.timestamp("ms")), pa.array([1500], pa.timestamp("ms"))),
    "ten and one": (pa.array([_D("10")], pa.decimal128(5, 0)), pa.array([_D("1")], pa.decimal128(5, 0))),
}


@pytest.mark.parametrize(("one", "other"), _DIFFERENT.values(), ids=_DIFFERENT)
def test_other_values_have_other_content(tmp_path: Path, one: pa.Array, other: pa.Array) -> None:
    assert column_of(tmp_path, one)["content"] != column_of(tmp_path, other)["content"]


def test_a_shifted_column_keeps_its_content_and_changes_the_rows(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2, 3, 4], "b": ["w", "x", "y", "z"], "c": [4, 3, 2, 1]})
    whole = profile_of(tmp_path, table)
    shifted = profile_of(tmp_path, table.set_column(1, "b", pa.array(["z", "w", "x", "y"])))
    swapped = profile_of(tmp_path, table.rename_columns(["c", "b", "a"]))
    assert whole["columns"] == shifted["columns"]
    assert len({each["rows_digest"] for each in (whole, shifted, swapped)}) == 3
    turned = profile_of(tmp_path, table.select(["c", "a", "b"]).take(pa.array([3, 1, 0, 2])))
    assert turned["rows_digest"] == whole["rows_digest"]
    renamed = profile_of(tmp_path, table.rename_columns(["a", "new", "c"]))
    assert renamed["columns"][1]["content"] == whole["columns"][1]["content"]
    assert renamed["rows_digest"] != whole["rows_digest"]
