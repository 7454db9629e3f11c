"""One reader: what is described and compared of a table is what training gets, whole or in pieces."""

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet

from lineage_pipelines.capture.tables import csv_reader
from lineage_pipelines.capture.tables.csv_reader import csv_batches, read_csv
from lineage_pipelines.capture.tables.table_capture import (
    capture_frame,
    capture_table,
    describe_table,
    open_rows,
    read_table,
)
from lineage_pipelines.capture.tables.table_files import find_table
from lineage_pipelines.capture.tables.table_reader import NULL_VALUES, default_reading
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.statement.dataset import Grade, Reading
from lineage_pipelines.records.values.codec import from_json, to_json

_BIG = 1577134800018164904
_ICCID = 89014103211118510000


def _columns(path: Path) -> list[tuple[str, str]]:
    """Names and types as they are recorded, equal whether training gets a table or a path."""
    _, captured = capture_frame(path, name="train")
    described = capture_table(path, name="train")
    assert captured.facts == described.facts == describe_table(path)
    assert captured.profile == described.profile
    assert captured.gaps == described.gaps
    assert captured.facts is not None
    return [(column.name, column.type) for column in captured.facts.columns]


def _rows(path: Path) -> list[dict[str, Any]]:
    schema, batches = open_rows(path)
    rows: list[dict[str, Any]] = pa.Table.from_batches(batches(), schema).to_pylist()
    return rows


def _duplicates(path: Path) -> int:
    profile = capture_table(path, name="train").profile
    assert profile is not None
    found: int = json.loads(profile)["duplicates"]
    return found


_CSV: dict[str, tuple[str, list[tuple[str, str]], list[list[Any]]]] = {
    "words for missing": (
        "x,v\n1,a\nNone,b\nNA,\n",
        [("x", "double"), ("v", "string")],
        [[1, None, None], ["a", "b", None]],
    ),
    "trailing commas": (
        "a,b\n1,2,\n3,4,\n",
        [("a", "int64"), ("b", "double"), ("__index_level_0__", "int64")],
        [[2, 4], [None, None], [1, 3]],
    ),
    "decimal commas": (
        "a;b\n1,5;2,3\n3,1;4,2\n",
        [("a;b", "int64"), ("__index_level_0__", "int64"), ("__index_level_1__", "string")],
        [[3, 2], [1, 3], ["5;2", "1;4"]],
    ),
    "short rows": ("a,b\n1,2\n3\n", [("a", "int64"), ("b", "double")], [[1, 3], [2, None]]),
    "a column name twice": ("a,b,a\n1,2,3\n", [("a", "int64"), ("b", "int64"), ("a.1", "int64")], [[1], [2], [3]]),
    "dates are text": ("d\n2020-01-01\n", [("d", "string")], [["2020-01-01"]]),
    "truth": ("t,u\nTrue,true\n,FALSE\n", [("t", "bool"), ("u", "bool")], [[True, None], [True, False]]),
    "large integers": (f"n\n{_BIG}\n{_BIG + 1}\n", [("n", "int64")], [[_BIG, _BIG + 1]]),
    "large integers and a gap": (f"n,v\n{_BIG},1\n,2\n", [("n", "int64"), ("v", "int64")], [[_BIG, None], [1, 2]]),
    "unsigned and a gap": (f"n,v\n{2**64 - 1},1\n,2\n", [("n", "uint64"), ("v", "int64")], [[2**64 - 1, None], [1, 2]]),
    "twenty digits": (
        f"n,v\n{_ICCID},1\n,1\n",
        [("n", "decimal128(38, 0)"), ("v", "int64")],
        [[Decimal(_ICCID), None], [1, 1]],
    ),
    "fifty digits": (f"n\n{10**49}\n{10**49 + 1}\n", [("n", "string")], [[str(10**49), str(10**49 + 1)]]),
    "large floats": ("x\n1.5\n1e300\n", [("x", "double")], [[1.5, 1e300]]),
    "small integers and a gap": ("n,v\n1,1\n,2\n", [("n", "double"), ("v", "int64")], [[1, None], [1, 2]]),
    "leading zeros": ("zip\n01234\n", [("zip", "int64")], [[1234]]),
    "no rows": ("a,b\n", [("a", "null"), ("b", "null")], [[], []]),
    "a column without values": ("a,b\n1,\n2,\n", [("a", "int64"), ("b", "double")], [[1, 2], [None, None]]),
    "quoted": ('a,b\n"1,5","x\ny"\n', [("a", "string"), ("b", "string")], [["1,5"], ["x\ny"]]),
    "a byte order mark": ("\ufeffa\n1\n", [("a", "int64")], [[1]]),
}


@pytest.mark.parametrize("name", _CSV)
def test_csv_is_described_as_training_gets_it(tmp_path: Path, name: str) -> None:
    text, columns, values = _CSV[name]
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert _columns(tmp_path / "t.csv") == columns
    rows = _rows(tmp_path / "t.csv")
    assert [[row[column] for row in rows] for column, _ in columns] == values
    frame, captured = capture_frame(tmp_path / "t.csv", name="train")
    assert captured.facts is not None
    assert (len(frame), captured.facts.rows) == (len(rows), len(rows))
    if "large" not in name and "gap" not in name and "twenty" not in name:
        pd.testing.assert_frame_equal(frame, pd.read_csv(tmp_path / "t.csv"))
    for column in frame.columns:
        got = [None if missing else value for value, missing in zip(frame[column], frame[column].isna(), strict=True)]
        assert got == [row[column] for row in rows] or list(map(str, got)) == [row[column] for row in rows]


def test_large_integers_that_miss_a_value_reach_training_as_integers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"n,small\n{_BIG},1\n,\n{_BIG + 1},2\n")
    table = pa.table({"n": pa.array([_BIG, None, _BIG + 1], pa.int64()), "small": pa.array([1, None, 2], pa.int64())})
    parquet.write_table(table, tmp_path / "t.parquet")
    feather.write_feather(table, tmp_path / "t.feather")
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row) for row in table.to_pylist()))
    for name in ("t.csv", "t.parquet", "t.feather", "t.jsonl"):
        frame = read_table(tmp_path / name)
        assert (str(frame["n"].dtype), str(frame["small"].dtype)) == ("Int64", "float64")
        assert frame["n"].dropna().tolist() == [_BIG, _BIG + 1]
        assert _duplicates(tmp_path / name) == 0


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ([_ICCID, _ICCID + 1, None], "decimal128(38, 0)"),
        ([2**64 - 1, 2**64 - 2, 0], "uint64"),
        ([10**40, 10**40 + 1], "string"),
        ([1e20, 2], "double"),
        ([2.5, 2**60], "double"),
        ([2**60, 2**60 + 1, None], "int64"),
    ],
)
def test_json_lines_keep_integers_whole(tmp_path: Path, numbers: list[Any], kind: str) -> None:
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"n": number}) + "\n" for number in numbers))
    assert _columns(tmp_path / "t.jsonl") == [("n", kind)]
    assert _duplicates(tmp_path / "t.jsonl") == 0
    given_to_training = read_table(tmp_path / "t.jsonl")["n"].dropna().tolist()
    assert given_to_training == [str(n) if kind == "string" else n for n in numbers if n is not None]


def test_a_column_name_twice_is_told_or_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,a\n1,2,3\n4,5,6\n")
    (gap,) = capture_frame(tmp_path / "t.csv", name="train")[1].gaps
    assert gap == "data.train.schema: the header repeats 'a'; a repeated column is read as NAME.1, NAME.2 …"
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    parquet.write_table(table, tmp_path / "t.parquet")
    feather.write_feather(table, tmp_path / "t.feather")
    for name in ("t.parquet", "t.feather"):
        said = "'a' occurs twice|duplicate field names"
        assert re.search(said, capture_table(tmp_path / name, name="train").gaps[0])
        with pytest.raises(CaptureError, match=said):
            read_table(tmp_path / name)


def test_rows_longer_than_the_header_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2,\n3,4,\n")
    (gap,) = capture_table(tmp_path / "t.csv", name="train").gaps
    assert "more fields than the header: 1" in gap


def test_how_a_table_was_read_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("a\tb\n1\t2\n")
    captured = capture_frame(tmp_path / "t.tsv", name="train")[1].reading
    assert captured == Reading(format="tsv", reader="pandas", delimiter="\t", decimal=".", null_values=NULL_VALUES)
    assert from_json(Reading, to_json(captured)) == captured
    described = capture_table(tmp_path / "t.tsv", name="train").reading
    assert described is not None
    assert described.grade is Grade.INFERRED
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    assert capture_frame(tmp_path / "t.parquet", name="train")[1].reading == Reading(format="parquet", reader="pyarrow")


def test_missing_values_are_those_of_pandas() -> None:
    from pandas._libs.parsers import STR_NA_VALUES  # type: ignore[import-not-found]

    assert set(NULL_VALUES) == set(STR_NA_VALUES)


@pytest.mark.parametrize(
    ("texts", "column", "values"),
    [
        (["n\n1\n", "n\n2.5\n"], ("n", "double"), [1, 2.5]),
        (["n\n01\n", "n\nx\n"], ("n", "string"), ["01", "x"]),
        (["n\n1\n", "n\n"], ("n", "int64"), [1]),
        ([f"n\n{_BIG}\n", "n,m\n1,\n,1\n"], ("n", "int64"), [_BIG, 1, None]),
        ([f"n\n{_BIG}\n", "n\n0.5\n"], ("n", "double"), [float(_BIG), 0.5]),
        ([f"n\n{_BIG}\n", "m\n0\n"], ("n", "int64"), [_BIG, None]),
        (["n\nTrue\n", "n\n1\n"], ("n", "string"), ["True", "1"]),
        (["n,m\n,1\n", "n\nx\n"], ("n", "string"), [None, "x"]),
    ],
)
def test_a_column_of_a_folder_has_one_type(
    tmp_path: Path, texts: list[str], column: tuple[str, str], values: list[Any]
) -> None:
    (tmp_path / "set").mkdir()
    for place, text in enumerate(texts):
        (tmp_path / "set" / f"{place}.csv").write_text(text)
    assert _columns(tmp_path / "set")[0] == column
    assert [row["n"] for row in _rows(tmp_path / "set")] == values
    frame = read_table(tmp_path / "set")
    assert [None if pd.isna(value) else value for value in frame["n"]] == values


_CELLS = st.sampled_from(
    [
        "",
        "",
        "1",
        "-2",
        "3",
        "0.5",
        "1e20",
        "True",
        "False",
        "x",
        "NA",
        str(_BIG),
        str(_BIG + 1),
        str(_ICCID),
        str(2**63),
        " 7",
    ]
)
_SOME = st.lists(_CELLS, min_size=1, max_size=3, unique=True)


@pytest.mark.parametrize("missing", ["NA", "null", "", "-nan"])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_missing_value_among_huge_whole_numbers_is_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, rows: int
) -> None:
    monkeypatch.setattr(csv_reader, "_PIECE_ROWS", rows)
    path = tmp_path / "t.csv"
    path.write_text(f"a,b\n{2**63},1\n{missing},2\n{2**63},3\n")
    assert _columns(path)[0] == ("a", "uint64")
    assert [row["a"] for row in _rows(path)] == [2**63, None, 2**63]
    assert [None if pd.isna(value) else value for value in read_table(path)["a"]] == [2**63, None, 2**63]


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_pieces_a_file_is_what_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr(csv_reader, "_PIECE_ROWS", 2)
    rows = data.draw(st.integers(0, 7))
    columns = [data.draw(st.lists(st.sampled_from(data.draw(_SOME)), min_size=rows, max_size=rows)) for _ in range(2)]
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "".join(f"{a},{b},end\n" for a, b in zip(*columns, strict=True)))
    table = find_table(path)
    assert table is not None
    reading = default_reading(table, Grade.CAPTURED)
    schema, batches = csv_batches(read_csv(path, reading), path, reading)
    pieces, read = open_rows(path)
    assert pieces == schema
    assert pa.Table.from_batches(read(), pieces).to_pylist() == pa.Table.from_batches(batches, schema).to_pylist()


_UTC = pa.timestamp("us", "UTC")
_KINDS: dict[str, pa.Array] = {
    "nullable": pa.array([1, None], pa.int64()),
    "small": pa.array([1, 2], pa.int8()),
    "unsigned": pa.array([2**64 - 1, None], pa.uint64()),
    "category": pa.array(["a", None]).dictionary_encode(),
    "decimal": pa.array([Decimal("1.10"), None]),
    "zone": pa.array([dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None], _UTC),
    "list": pa.array([[1, None], None]),
    "struct": pa.array([{"a": 1, "b": "x"}, None]),
    "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    "uuid": pa.array([bytes(16), None], pa.uuid()),
    "bytes": pa.array([b"a", None]),
    "truth": pa.array([True, None]),
    "duration": pa.array([dt.timedelta(1), None]),
    "empty": pa.array([], pa.float64()),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_a_column_of_any_type_is_read_described_and_compared(tmp_path: Path, kind: str) -> None:
    table = pa.table({"x": _KINDS[kind]})
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path)
    assert _columns(path) == [("x", str(parquet.read_schema(path).field("x").type))]
    assert _rows(path) == parquet.read_table(path).to_pylist()
    assert _duplicates(path) == 0
    frame = read_table(path)
    assert len(frame) == len(table)
    if kind not in ("nullable", "unsigned"):
        pd.testing.assert_frame_equal(frame, pd.read_parquet(path))
    parquet.write_table(pa.concat_tables([table, table]), path)
    assert _duplicates(path) == len(table)
