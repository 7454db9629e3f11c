"""The profile says what pandas says, in the same bytes for the same rows, and tells of no individual."""

import datetime as dt
import decimal
import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet

from lineage_pipelines.capture.tables.table_capture import capture_table
from lineage_pipelines.records.statement.profile import decode_profile
from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes
from lineage_pipelines_tests.capture.profiles import Facts, column_of, profile_of


def _stated(facts: Facts, **expected: Any) -> None:
    assert {name: facts.get(name) for name in expected} == expected


def _numbers() -> dict[str, pd.Series]:
    random = np.random.default_rng(7)
    whole = random.integers(-50, 50, 1000)
    return {
        "whole": pd.Series(whole),
        "with gaps": pd.Series(random.normal(10, 3, 1000)).where(random.random(1000) > 0.1),
        "float32": pd.Series(random.normal(size=333).astype("float32")),
        "one value": pd.Series([4.5] * 10),
        "one row": pd.Series([7]),
        "unsigned": pd.Series(random.integers(0, 200, 99).astype("uint8")),
        "few": pd.Series(random.integers(0, 5, 400)),
    }


@pytest.mark.parametrize("series", _numbers().values(), ids=_numbers())
def test_numbers_are_described_as_pandas_describes_them(tmp_path: Path, series: "pd.Series[Any]") -> None:
    facts = column_of(tmp_path, pa.Array.from_pandas(series))
    present = series.dropna().astype("float64")
    _stated(facts, kind="number", nulls=int(series.isna().sum()), distinct=series.nunique())
    assert (facts["min"], facts["max"]) == (present.min(), present.max())
    assert facts["mean"] == pytest.approx(present.mean(), rel=1e-9)
    assert facts["std"] == pytest.approx(present.std(ddof=0), rel=1e-9, abs=1e-12)
    steps = np.linspace(0, 1, 41)
    assert len(facts["quantiles"]) == 41
    nearest = [present.quantile(steps, interpolation=way) for way in ("lower", "higher")]
    for below, said, above in zip(nearest[0], facts["quantiles"], nearest[1], strict=True):
        assert below - abs(below) * 1e-9 <= said <= above + abs(above) * 1e-9
    if present.min() != present.max():
        counts, edges = np.histogram(present, bins=20)
        assert sum(facts["histogram"]) == len(present)
        on_an_edge = int(present.isin(edges).sum())  # numpy's edges may differ in the last bit
        assert np.abs(np.subtract(facts["histogram"], counts)).sum() <= 2 * on_an_edge
    else:
        assert "histogram" not in facts
    few = series.nunique() <= 50 and len(present) >= 2 * series.nunique()
    assert ("values" in facts) == few
    if few:
        assert dict(map(tuple, facts["values"])) == present.value_counts().to_dict()
        assert [count for _, count in facts["values"]] == sorted((n for _, n in facts["values"]), reverse=True)


def test_text_is_described_as_pandas_describes_it(tmp_path: Path) -> None:
    words = ["EWR"] * 50 + ["JFK"] * 30 + ["", "ü"] * 10 + [None] * 5
    facts = column_of(tmp_path, words)
    _stated(facts, kind="text", nulls=5, distinct=4, empty=10, min_bytes=0, max_bytes=3)
    assert facts["mean_bytes"] == pytest.approx(np.mean([len(w.encode()) for w in words if w is not None]), rel=1e-9)
    assert facts["values"] == [["EWR", 50], ["JFK", 30], ["", 10], ["ü", 10]]
    assert facts["other"] == 0


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
def test_text_is_the_same_in_every_representation(tmp_path: Path, kind: pa.DataType) -> None:
    plain = column_of(tmp_path, ["b", "a", None, "b"])
    other = column_of(tmp_path, pa.array(["b", "a", None, "b"]).cast(kind))
    assert {**other, "type": plain["type"]} == plain
    assert other["type"] == str(kind)


_D = decimal.Decimal
_NOON = dt.datetime(2013, 5, 1, 12, tzinfo=dt.UTC)
_SAME = _NOON.astimezone(dt.timezone(dt.timedelta(hours=2)))
_PARIS = pa.timestamp("us", "Europe/Paris")
_SPECIAL: dict[str, tuple[pa.Array, Facts]] = {
    "NaN is missing": (pa.array([math.nan, None, 1.0, 1.0]), {"nulls": 2, "distinct": 1, "min": 1, "values": [[1, 2]]}),
    "the greatest": (pa.array([1.7976931348623157e308] * 2), {"max": 1.7976931348623157e308, "distinct": 1}),
    "only NaN": (pa.array([math.nan, math.nan]), {"nulls": 2, "distinct": 0, "min": None, "values": None}),
    "not finite": (
        pa.array([math.inf, -math.inf, math.inf, 2.0, 4.0]),
        {"infinite": 3, "distinct": 4, "nulls": 0, "min": 2, "max": 4, "mean": 3},
    ),
    "two zeros are one": (pa.array([0.0, -0.0, 0.0]), {"distinct": 1, "min": 0, "max": 0, "values": [[0, 3]]}),
    "beyond every sum": (pa.array([1.7e308, 1.7e308, -1.7e308]), {"max": 1.7e308, "min": -1.7e308, "histogram": None}),
    "as wide as can be": (pa.array([0.0, 1.2e308]), {"max": 1.2e308, "mean": 6e307, "histogram": None}),
    "beyond 2**53": (
        pa.array([2**53 + 1, 2**53 + 1, 2**63 - 1, -(2**63)]),
        {"distinct": 3, "min": -(2.0**63), "max": 2.0**63},
    ),
    "unsigned": (pa.array([2**64 - 1, 0, None], pa.uint64()), {"distinct": 2, "nulls": 1, "max": 2.0**64, "min": 0}),
    "exact to the last": (pa.array([2**53 - 1, 2**53 - 1]), {"values": [[2**53 - 1, 2]]}),
    "half floats": (pa.array(np.array([1, 2, 2], "float16")), {"kind": "number", "distinct": 2, "max": 2}),
    "decimals": (
        pa.array([_D("1.10"), None, _D("1.10"), _D("-2.5")]),
        {"kind": "number", "nulls": 1, "distinct": 2, "min": -2.5, "max": 1.1},
    ),
    "decimals of many digits": (
        pa.array([_D(10**30 + 1), _D(10**30 + 2), _D(10**30 + 1)]),
        {"distinct": 2, "min": 1e30, "nulls": 0},
    ),
    "moments": (
        pa.array([_NOON, None, _SAME], _PARIS),
        {"kind": "time", "nulls": 1, "distinct": 1, "min": _NOON.timestamp(), "values": [[_NOON.timestamp(), 2]]},
    ),
    "nanoseconds": (pa.array([1, 3, None], pa.timestamp("ns")), {"distinct": 2, "min": 1e-9, "max": 3e-9, "nulls": 1}),
    "dates": (
        pa.array([dt.date(1969, 12, 31), dt.date(1970, 1, 2), None]),
        {"kind": "time", "min": -86400, "max": 86400, "mean": 0, "std": 86400, "nulls": 1},
    ),
    "dates in milliseconds": (pa.array([dt.date(1970, 1, 2)], pa.date64()), {"kind": "time", "min": 86400}),
    "times of day": (
        pa.array([dt.time(1), None, dt.time(1)], pa.time32("ms")),
        {"kind": "time", "values": [[3600, 2]]},
    ),
    "durations": (
        pa.array([dt.timedelta(days=-1), dt.timedelta(seconds=1.5)]),
        {"kind": "time", "min": -86400, "max": 1.5, "distinct": 2},
    ),
    "booleans": (
        pa.array([True, None, False, True]),
        {"kind": "boolean", "nulls": 1, "distinct": 2, "values": [[True, 2], [False, 1]], "other": 0},
    ),
    "one boolean": (pa.array([False, False]), {"distinct": 1, "values": [[False, 2]]}),
    "categories of numbers": (
        pa.array([3, None, 3]).dictionary_encode(),
        {"kind": "number", "nulls": 1, "distinct": 1, "values": [[3, 2]]},
    ),
    "bytes": (pa.array([b"\xff\0", None, b"\xff\0"]), {"kind": "other", "nulls": 1, "distinct": 1, "values": None}),
    "bytes of one size": (pa.array([b"ab", b"cd"], pa.binary(2)), {"kind": "other", "nulls": 0, "distinct": 2}),
    "lists": (pa.array([[1, 2], None, []]), {"kind": "other", "nulls": 1, "distinct": None}),
    "a thousand structures": (pa.array([{"a": [1]}] * 1000), {"kind": "other", "nulls": 0, "distinct": None}),
    "universally unique": (
        pa.array([bytes(16), None, bytes(16)], pa.uuid()),
        {"kind": "other", "nulls": 1, "distinct": 1},
    ),
    "categories of structures": (
        pa.DictionaryArray.from_arrays(pa.array([0, None, 0]), pa.array([{"a": 1}])),
        {"kind": "other", "nulls": 1, "distinct": None},
    ),
    "maps": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), {"kind": "other", "nulls": 1}),
    "intervals": (pa.array([pa.MonthDayNano([1, 2, 3]), None]), {"kind": "other", "nulls": 1}),
    "structures": (pa.array([{"a": 1}, None]), {"kind": "other", "nulls": 1, "distinct": None}),
    "nothing at all": (pa.nulls(3), {"kind": "other", "nulls": 3}),
    "NUL in text": (pa.array(["a\0b", "a\0b"]), {"values": [["a\0b", 2]], "distinct": 1}),
}


@pytest.mark.parametrize(("array", "expected"), _SPECIAL.values(), ids=_SPECIAL)
def test_every_kind_of_value_is_counted(tmp_path: Path, array: pa.Array, expected: Facts) -> None:
    _stated(column_of(tmp_path, array), type=str(array.type), **expected)
    empty = profile_of(tmp_path, pa.table({"x": array.slice(0, 0)}))
    assert (empty["rows"], empty["columns"][0]["nulls"]) == (0, 0)
    assert "values" not in empty["columns"][0] or empty["columns"][0]["values"] == []


def test_duplicates_are_those_of_pandas(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "n": random.integers(0, 6, 2000),
            "x": np.where(random.random(2000) < 0.3, np.nan, random.integers(0, 3, 2000)),
            "word": random.choice(["a", "b", "ab", ""], 2000),
            "swapped": random.integers(0, 6, 2000),
            "yes": random.random(2000) < 0.5,
        }
    )
    assert profile_of(tmp_path, pa.Table.from_pandas(frame))["duplicates"] == frame.duplicated().sum()
    assert frame.duplicated().sum() > 0


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"a": [1, 2], "b": [2, 1]}, 0),
        ({"a": [0.0, -0.0]}, 1),
        ({"a": [None, math.nan]}, 1),
        ({"a": ["", None]}, 0),
        ({"a": [_D(10**30 + 1), _D(10**30 + 2)]}, 0),
        ({"a": [None, 0]}, 0),
        ({"a": [[1], [1]]}, 1),
        ({"a": [[1, 2], [2, 1]]}, 0),
        ({"a": [[], None]}, 0),
        ({"a": [{"x": 1, "y": None}, {"x": 1, "y": 2}]}, 0),
        ({"a": [{"x": [1]}, {"x": [1]}]}, 1),
        ({"a": [2**60, 2**60 + 1]}, 0),
    ],
)
def test_rows_are_equal_as_their_values_are(tmp_path: Path, columns: dict[str, list[Any]], expected: int) -> None:
    profile = profile_of(tmp_path, pa.table(columns))
    assert profile["duplicates"] == expected


_SCHEMA = pa.schema(
    [
        ("whole", pa.int64()),
        ("x", pa.float64()),
        ("word", pa.string()),
        ("when", pa.timestamp("us", "UTC")),
        ("price", pa.decimal128(25, 2)),
        ("late", pa.bool_()),
        ("group", pa.dictionary(pa.int32(), pa.string())),
        ("tags", pa.list_(pa.int8())),
    ]
)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "whole": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3),
            "x": st.none() | st.floats(width=64) | st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.3]),
            "word": st.none() | st.text(max_size=3) | st.sampled_from(["a", "b"]),
            "when": st.none() | st.datetimes(timezones=st.just(dt.UTC)),
            "price": st.none() | st.decimals(-1000, 10**20, places=2),
            "late": st.none() | st.booleans(),
            "group": st.none() | st.sampled_from(["x", "y", "z"]),
            "tags": st.none() | st.just([1]),
        }
    ),
    max_size=30,
)


def _captured(folder: str, rows: list[Facts], *, group: int, suffix: str, parts: int) -> bytes:
    table = pa.Table.from_pylist(rows, _SCHEMA)
    size = max(1, -(-len(rows) // parts))
    for number in range(parts):
        path = Path(folder) / f"{number}.{suffix}"
        part = table.slice(number * size, size)
        if suffix == "parquet":
            parquet.write_table(part, path, row_group_size=group)
        else:
            feather.write_feather(part.unify_dictionaries(), path, chunksize=group)
    captured = capture_table(Path(folder), name="train")
    assert captured.gaps == ()
    assert captured.profile is not None
    return captured.profile


@given(rows=_ROWS, data=st.data(), group=st.integers(1, 7), suffix=st.sampled_from(["parquet", "feather"]))
def test_the_same_rows_give_the_same_bytes_in_any_order_and_any_split(
    rows: list[Facts], data: st.DataObject, group: int, suffix: str
) -> None:
    shuffled = data.draw(st.permutations(rows))
    parts = data.draw(st.integers(1, 3))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        first = _captured(one, rows, group=1000, suffix=suffix, parts=1)
        assert _captured(other, shuffled, group=group, suffix=suffix, parts=parts) == first
    assert canonical_bytes(parse_bytes(first)) == first


def test_individuals_are_not_listed(tmp_path: Path) -> None:
    n = 3000
    table = pa.table(
        {
            "email": [f"person{i}@example.org" for i in range(n)],
            "often": [f"person{i % 1500}@example.org" for i in range(n)],
            "few": [f"person{i}@example.org" if i < 30 else None for i in range(n)],
            "id": list(range(n)),
            "group": [f"group {i % 100}" for i in range(n)],
        }
    )
    email, often, few, number, group = profile_of(tmp_path, table)["columns"]
    assert [column["distinct"] for column in (email, often, few, number, group)] == [n, 1500, 30, n, 100]
    for column in (email, often, few, number):
        assert "values" not in column
        assert "example.org" not in json.dumps(column)
    assert group["values"] == [[name, 30] for name in sorted(f"group {i}" for i in range(100))[:50]]
    assert group["other"] == 50 * 30


def test_what_looks_like_a_secret_is_withheld(tmp_path: Path) -> None:
    tokens = [f"ghp_{letter}" + "0123456789abcdefghijABCDEFGHIJ01234" for letter in "ab"]
    facts = column_of(tmp_path, ["plain"] * 5 + tokens * 4 + ["postgresql://ada:" + "hunter2@db/x"] * 2)
    assert facts["values"] == [["<withheld>", 10], ["plain", 5]]
    assert facts["distinct"] == 4


def test_long_text_is_cut_and_still_told_apart(tmp_path: Path) -> None:
    facts = column_of(tmp_path, ["x" * 100 + "1"] * 2 + ["x" * 100 + "2"] * 2)
    (first, _), (second, _) = facts["values"]
    assert first != second
    assert len(first) == len(second) == 64
    assert profile_of(tmp_path, pa.table({"n" * 500: [1]}))["columns"][0]["name"][:100] == "n" * 100


def _wide(width: int) -> pa.Table:
    random = np.random.default_rng(5)
    return pa.table({f"c{i}": random.normal(size=12) if i % 2 else random.integers(0, 4, 12) for i in range(width)})


@pytest.mark.parametrize(
    ("width", "detail", "shown"),
    [(60, 0, (41, True, True)), (130, 1, (21, True, True)), (200, 2, (11, False, True)), (360, 3, (0, False, False))],
)
def test_a_wide_table_gives_up_detail_step_by_step(
    tmp_path: Path, width: int, detail: int, shown: tuple[int, bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineage_pipelines.records.statement.profile.BYTES_A_COLUMN", 0)
    profile = profile_of(tmp_path, _wide(width))
    assert (profile["detail"], profile["rows"], profile["duplicates"]) == (detail, 12, 0)
    assert [column["name"] for column in profile["columns"]] == [f"c{i}" for i in range(width)]
    few, many = profile["columns"][:2]
    assert (len(many.get("quantiles", ())), "histogram" in many, "values" in few) == shown
    assert {"min", "max", "mean", "std"} <= set(many)


def test_a_very_wide_table_keeps_counts_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage_pipelines.records.statement.profile.BYTES_A_COLUMN", 0)
    profile = profile_of(tmp_path, _wide(1000))
    assert profile["detail"] == 4
    assert [set(column) for column in profile["columns"]] == [{"name", "nulls", "distinct", "content"}] * 1000
    short = profile["columns"][7]["content"]
    assert column_of(tmp_path, _wide(8).column(7).combine_chunks())["content"].startswith(short)
    assert len(short) == 8
    profile = profile_of(tmp_path, _wide(5000))
    assert profile["detail"] == 5
    assert profile["columns"]["nulls"] == [0] * 5000
    assert profile["columns"]["distinct"][1::2] == [12] * 2500
    assert profile["columns"]["content"][7 * 6 : 8 * 6] == short[:6]
    assert len(profile["columns"]["content"]) == 5000 * 6
    whole = profile_of(tmp_path, _wide(300))
    monkeypatch.setattr("lineage_pipelines.records.statement.profile.MIN_PROFILE_BYTES", 1_000)
    assert profile_of(tmp_path, _wide(300)) == {
        "version": 2,
        "rows": 12,
        "detail": 6,
        "duplicates": 0,
        "rows_digest": whole["rows_digest"],
    }


def test_values_that_a_wide_table_leaves_out_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage_pipelines.records.statement.profile.BYTES_A_COLUMN", 0)
    words = [str(n % 40) for n in range(90)]
    profile = profile_of(tmp_path, pa.table({f"w{i}": words for i in range(150)}))
    assert profile["detail"] == 1
    assert len(profile["columns"][0]["values"]) == 20
    assert profile["columns"][0]["other"] == 90 - 10 * 3 - 10 * 2


def test_a_huge_table_is_looked_at_in_even_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage_pipelines.capture.tables.profile._MAX_CELLS", 1000)
    table = pa.table({"n": list(range(4000)), "same": ["a"] * 4000})
    profile = profile_of(tmp_path, table.slice(0, 500))
    assert "sampled" not in profile
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path, row_group_size=77)
    captured = capture_table(path, name="train")
    profile = json.loads(captured.profile or b"")
    assert (profile["rows"], profile["sampled"]) == (4000, 500)
    assert not {"duplicates", "rows_digest"} & set(profile)
    assert not any("content" in column for column in profile["columns"])
    number, same = profile["columns"]
    assert (number["min"], number["max"], number["distinct"]) == (0, 3992, 500)
    assert same["values"] == [["a", 500]]


def test_texts_without_few_values_have_formats(tmp_path: Path) -> None:
    keys = [f"A-{number:04}" for number in range(60)] + [f"b_{number}" for number in range(9)] + ["é1", None]
    facts = column_of(tmp_path, keys)
    assert facts["formats"] == [["A-9999", 60], ["a_9", 9], ["aa9", 1]]
    table = pa.table({"x": pa.array(keys).slice(3, 40).dictionary_encode()})
    assert profile_of(tmp_path, table)["columns"][0]["formats"] == [["A-9999", 40]]


@pytest.mark.parametrize(
    "texts",
    [["Rome", "Oslo"] * 20, [" " * number for number in range(40)], [f"{'x' * 62}{number:03}" for number in range(60)]],
    ids=["every value is listed", "too many formats", "long texts"],
)
def test_texts_have_no_formats(tmp_path: Path, texts: list[str]) -> None:
    assert "formats" not in column_of(tmp_path, texts)


def test_moments_have_a_step_and_a_hole(tmp_path: Path) -> None:
    hours = [0, 1, 2, 3, 3, 9, 10, 11]
    begin = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)
    moments = pa.array([begin + dt.timedelta(hours=hour) for hour in hours], pa.timestamp("ms", "UTC"))
    facts = column_of(tmp_path, moments)
    assert facts["step"] == 3600
    assert facts["hole"] == [begin.timestamp() + 3 * 3600, begin.timestamp() + 9 * 3600]
    days = column_of(tmp_path, pa.array([begin.date(), None, begin.date() + dt.timedelta(days=2)]))
    assert (days["step"], days["hole"]) == (2 * 86400, [begin.timestamp(), begin.timestamp() + 2 * 86400])
    assert "hole" not in column_of(tmp_path, moments.slice(0, 1))
    assert "hole" not in column_of(tmp_path, pa.array([dt.timedelta(hours=hour) for hour in hours]))


def test_repeated_keys_and_moments_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("key,at,size\na,2013-01-01,1.5\na,2013-01-01,inf\nb,2013-01-02,inf\n,2013-01-03,2\n")
    data = capture_table(path, name="train").profile
    assert data is not None
    profile = decode_profile(data)
    assert [profile.repeated(column) for column in profile.columns] == [1, 1, 1]
    sampled = replace(profile, sampled=2)
    assert sampled.repeated(profile.columns[0]) is None
