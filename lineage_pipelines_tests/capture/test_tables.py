"""Which files are tables, what is told of them, and that nothing that is found in one ever fails a run."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from lineage_pipelines.capture.tables.table_capture import capture_table, describe_table, read_table
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.statement.dataset import Column
from lineage_pipelines.records.values.codec import from_json, to_json

_TABLE = pa.table({"n": [1, 2, 3], "x": [0.5, None, 2.5], "word": ["a", "b", None]})
_COLUMNS = [("n", "int64"), ("x", "double"), ("word", "string")]
_LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
_TOKEN = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"


def _text(table: pa.Table, kind: str) -> str:
    frame = table.to_pandas()
    if kind == "jsonl":
        return str(frame.to_json(orient="records", lines=True))
    return str(frame.to_csv(index=False, sep="\t" if kind == "tsv" else ","))


def _write(path: Path, table: pa.Table = _TABLE) -> Path:
    """Write a table in the format of its suffixes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind, _, packed = path.name.lower().partition(".")[2].partition(".")
    if kind in ("parquet", "pq"):
        parquet.write_table(table, path)
    elif kind in ("feather", "arrow"):
        feather.write_feather(table, path)
    else:
        codec = {"gz": "gzip", "bz2": "bz2", "zst": "zstd"}.get(packed)
        with pa.output_stream(str(path), compression=codec) as stream:
            stream.write(_text(table, "jsonl" if kind == "ndjson" else kind).encode())
    return path


def _gap(path: Path) -> str:
    """The one gap of an input that should be a table; training on it is refused as well."""
    captured = capture_table(path, name="train")
    assert (captured.facts, captured.profile) == (None, None)
    assert describe_table(path) is None
    (gap,) = captured.gaps
    with pytest.raises(CaptureError) as error:
        read_table(path)
    assert error.value.where
    assert error.value.fix
    return gap


def _check_no_table(path: Path) -> None:
    captured = capture_table(path, name="train")
    assert (captured.facts, captured.profile, captured.gaps) == (None, None, ())
    assert describe_table(path) is None
    with pytest.raises(CaptureError, match="not a table") as error:
        read_table(path)
    assert error.value.where == path.name
    assert ".parquet" in error.value.fix


_NAMES = [
    *("t.parquet", "t.pq", "t.feather", "t.arrow", "t.csv", "t.tsv", "t.jsonl", "t.ndjson", "T.CSV", "T.CSV.GZ"),
    *(f"t.{text}.{packed}" for text in ("csv", "tsv", "jsonl") for packed in ("gz", "bz2", "zst")),
]


@pytest.mark.parametrize("name", _NAMES)
def test_a_file_of_each_format_is_told_and_read(tmp_path: Path, name: str) -> None:
    path = _write(tmp_path / name)
    captured = capture_table(path, name="train")
    assert captured.facts == describe_table(path)
    assert captured.facts is not None
    assert captured.facts.rows == 3
    assert [(column.name, column.type) for column in captured.facts.columns] == _COLUMNS
    assert captured.gaps == ()
    assert captured.profile is not None
    assert [column["nulls"] for column in json.loads(captured.profile)["columns"]] == [0, 1, 1]
    pd.testing.assert_frame_equal(read_table(path), _TABLE.to_pandas())
    for column in captured.facts.columns:
        assert from_json(Column, to_json(column)) == column


@pytest.mark.parametrize("suffix", ["parquet", "feather", "csv", "tsv.bz2", "jsonl.gz"])
def test_a_folder_is_the_table_of_its_files_in_order_of_their_names(tmp_path: Path, suffix: str) -> None:
    for name, start in (("b", 2), ("a", 0), ("deep/c", 4)):
        _write(tmp_path / "set" / f"{name}.{suffix}", pa.table({"n": [start, start + 1]}))
    for note in ("_SUCCESS", ".gitignore", "_metadata/x.txt", ".cache/y.csv", "deep/_started", f".a.{suffix}.crc"):
        (tmp_path / "set" / note).parent.mkdir(exist_ok=True)
        (tmp_path / "set" / note).write_text("not data")
    captured = capture_table(tmp_path / "set", name="train")
    assert captured.gaps == ()
    assert captured.facts == describe_table(tmp_path / "set")
    assert captured.facts is not None
    assert (captured.facts.rows, captured.facts.columns) == (6, (Column(name="n", type="int64"),))
    assert read_table(tmp_path / "set")["n"].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_folder_below_hidden_folders_is_a_table_too(tmp_path: Path) -> None:
    folder = tmp_path / ".lineage" / "_private" / "set"
    _write(folder / "a.parquet")
    (tmp_path / "link").symlink_to(folder)
    for path in (folder, tmp_path / "link"):
        assert describe_table(path) == describe_table(folder / "a.parquet")
        assert len(read_table(path)) == 3


def test_the_folders_of_a_partitioned_table_are_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1, 2, 3, 3], "month": [1, 2, 1, 1], "origin": ["EWR", "JFK", "JFK", "JFK"]})
    frame.to_parquet(tmp_path / "set", partition_cols=["month", "origin"])
    captured = capture_table(tmp_path / "set", name="train")
    assert captured.facts is not None
    assert [column.name for column in captured.facts.columns] == ["n", "month", "origin"]
    assert captured.profile is not None
    profile = json.loads(captured.profile)
    assert (profile["rows"], profile["duplicates"]) == (4, 1)
    columns = profile["columns"]
    assert [column["nulls"] for column in columns] == [0, 0, 0]
    assert columns[1]["values"] == [[1, 3], [2, 1]]
    assert columns[2]["values"] == [["JFK", 3], ["EWR", 1]]
    read = read_table(tmp_path / "set")
    assert sorted(zip(read["n"], read["month"], read["origin"], strict=True)) == sorted(
        zip(frame["n"], frame["month"], frame["origin"], strict=True)
    )


def test_files_of_text_with_different_columns_are_one_table(tmp_path: Path) -> None:
    for name, text in (("a", "n,word\n1,x\n"), ("b", "word,n,more\ny,2.5,z\n")):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / f"{name}.csv").write_text(text)
    captured = capture_table(tmp_path / "set", name="train")
    assert captured.gaps == ()
    assert captured.facts is not None
    types = [(column.name, column.type) for column in captured.facts.columns]
    assert types == [("n", "double"), ("word", "string"), ("more", "string")]
    read = read_table(tmp_path / "set")
    assert [list(read[name].dropna()) for name in read] == [[1, 2.5], ["x", "y"], ["z"]]


def test_a_type_that_only_a_later_block_shows_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("n,pad\n" + f"1,{'x' * 1000}\n" * 5000 + "late,x\n")  # more than one block of 4 MB
    facts = capture_table(path, name="train").facts
    assert facts is not None
    assert (facts.rows, facts.columns[0]) == (5001, Column(name="n", type="string"))


_NO_TABLES: dict[str, list[str]] = {
    "mixed": ["a.csv", "b.parquet"],
    "mixed text": ["a.csv", "b.tsv"],
    "with a note": ["a.csv", "README.txt"],
    "empty": [],
    "only notes": ["_SUCCESS", ".hidden.csv"],
    "pictures": ["a.png"],
    "packed parquet": ["a.parquet.gz"],
}


@pytest.mark.parametrize("files", _NO_TABLES.values(), ids=_NO_TABLES)
def test_a_folder_of_other_things_is_no_table(tmp_path: Path, files: list[str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in files:
        (folder / name).write_text("n\n1\n")
    _check_no_table(folder)


@pytest.mark.parametrize("name", ["model.pkl", "notes.txt", "csv", "t.gz", "t.parquet.gz", "never.csv"])
def test_a_file_of_another_kind_is_no_table(tmp_path: Path, name: str) -> None:
    if name != "never.csv":
        (tmp_path / name).write_text("n\n1\n")
    _check_no_table(tmp_path / name)


@pytest.mark.parametrize("suffix", ["parquet", "feather", "csv"])
def test_a_table_without_rows_is_one(tmp_path: Path, suffix: str) -> None:
    path = _write(tmp_path / f"t.{suffix}", _TABLE.slice(0, 0))
    captured = capture_table(path, name="train")
    assert captured.gaps == ()
    assert captured.facts is not None
    assert (captured.facts.rows, [column.name for column in captured.facts.columns]) == (0, ["n", "x", "word"])
    assert read_table(path).shape == (0, 3)


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_a_table_without_columns_is_one(tmp_path: Path, suffix: str) -> None:
    captured = capture_table(_write(tmp_path / f"t.{suffix}", pa.table({})), name="train")
    assert (captured.facts, captured.gaps) == (describe_table(tmp_path / f"t.{suffix}"), ())
    assert captured.facts is not None
    assert (captured.facts.rows, captured.facts.columns) == (0, ())
    zero = b"0" * 32
    assert (
        captured.profile
        == b'{"columns":[],"detail":0,"duplicates":0,"rows":0,"rows_digest":"' + zero + b'","version":2}'
    )


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl", "set/a.csv"])
def test_a_pointer_of_git_lfs_is_not_the_data(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(_LFS)
    path = tmp_path / name.partition("/")[0]
    assert _gap(path) == "data.train.schema: a Git LFS pointer, not the data"
    with pytest.raises(CaptureError, match="git lfs pull"):
        read_table(path)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _scramble(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3] + b"\xff\xfe\0" * 20 + content[len(content) // 3 :])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.csv.gz", "t.csv.bz2", "t.csv.zst", "t.jsonl"])
@pytest.mark.parametrize("damage", [_cut, _scramble, _empty])
def test_a_damaged_file_is_a_gap(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    path = _write(tmp_path / name)
    damage(path)
    gap = _gap(path)
    assert gap.startswith("data.train.schema: cannot be read as a table: ")
    assert str(tmp_path) not in gap


def test_text_whose_offsets_lead_nowhere_is_a_gap_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "t.feather"
    feather.write_feather(pa.table({"word": ["ab", "cd"]}), path, compression="uncompressed")
    sound, broken = (b"".join(n.to_bytes(4, "little") for n in (0, middle, 4)) for middle in (2, 2_000_000_000))
    assert path.read_bytes().count(sound) == 1
    path.write_bytes(path.read_bytes().replace(sound, broken))
    (gap,) = capture_table(path, name="train").gaps
    assert gap.startswith("data.train.schema: cannot be read as a table: ")
    with pytest.raises(CaptureError, match="cannot be read as a table"):
        read_table(path)


_STRANGE: dict[str, bytes] = {
    "empty.csv": b"",
    "utf-16.csv": "name,n\nada,1\n".encode("utf-16"),
    "nul.csv": b"a\0b,c\n1,2\n",
    "types.jsonl": b'{"a": 1}\n{"a": "x"}\n',
    "html.parquet": b"<html>not found</html>",
}


@pytest.mark.parametrize("name", _STRANGE)
def test_what_only_has_the_name_of_a_table_is_a_gap_that_a_record_can_hold(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(_STRANGE[name])
    (gap,) = capture_table(tmp_path / name, name="train").gaps
    assert gap.isprintable()
    assert describe_table(tmp_path / name) is None


def test_a_gap_holds_only_text_that_a_record_can_hold(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for name, value in (("a", "1"), ("b", '"x"')):
        (tmp_path / "set" / f"{name}.jsonl").write_text(f'{{"n\\u001b": {value}}}\n')
    (gap,) = capture_table(tmp_path / "set", name="train").gaps
    assert "Field n?" in gap


@pytest.mark.parametrize(
    "text",
    [
        f"a,b\n1,2\n\n1,2,{_TOKEN}\n",
        f'{{"a": 1}}\n{{"a": "{_TOKEN}"}}\n',
        f'{{"a": "{_TOKEN}"}}\n{{"b": }}\n',
    ],
)
def test_a_gap_quotes_no_row(tmp_path: Path, text: str) -> None:
    path = tmp_path / ("t.jsonl" if text.startswith("{") else "t.csv")
    path.write_text(text)
    (gap,) = capture_table(path, name="train").gaps
    assert _TOKEN not in gap


def test_a_value_that_no_longer_fits_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.jsonl").write_text('{"a": 9007199254740993}\n')
    (tmp_path / "set" / "b.jsonl").write_text('{"a": 0.5}\n')
    (gap,) = capture_table(tmp_path / "set", name="train").gaps
    assert "9007199254740993" not in gap


def test_a_link_to_nowhere_in_a_folder_is_a_gap(tmp_path: Path) -> None:
    _write(tmp_path / "set" / "a.csv")
    (tmp_path / "set" / "b.csv").symlink_to(tmp_path / "gone.csv")
    assert "No such file" in _gap(tmp_path / "set")


def test_one_damaged_file_of_a_folder_is_a_gap(tmp_path: Path) -> None:
    _write(tmp_path / "set" / "a.csv.gz")
    (tmp_path / "set" / "b.csv.gz").write_bytes(gzip.compress(b"n,x,word\n1,2,c\n")[:-12])
    _gap(tmp_path / "set")


def test_reading_changes_nothing(tmp_path: Path) -> None:
    _write(tmp_path / "set" / "a.parquet")
    shutil.copytree(tmp_path / "set", tmp_path / "again")
    for inner in (tmp_path / "set" / "a.parquet", tmp_path / "set"):
        inner.chmod(0o555)
    capture_table(tmp_path / "set", name="train")
    read_table(tmp_path / "set")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["a.parquet"]
    assert (tmp_path / "set" / "a.parquet").read_bytes() == (tmp_path / "again" / "a.parquet").read_bytes()
    (tmp_path / "set").chmod(0o755)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_training_gets_text_as_text(tmp_path: Path, suffix: str) -> None:
    """JSON lines keep the types that they say; in CSV there are none, and pandas decides."""
    path = tmp_path / f"t.{suffix}"
    path.write_text("zip\n01234\n" if suffix == "csv" else '{"zip": "01234"}\n')
    assert read_table(path)["zip"].tolist() == ([1234] if suffix == "csv" else ["01234"])
