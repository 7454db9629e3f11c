"""Rows that two tables share, by what pandas says of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lineage_pipelines.capture.tables.shared_rows import SharedRows, count_shared_rows
from lineage_pipelines.errors import CaptureError


def stored(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    """Write a table in the format of its name."""
    path = folder / name
    frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path, index=False)
    return path


def test_the_rows_that_pandas_finds_in_both_are_counted(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {"a": random.integers(0, 30, 400), "b": np.array(["x", "y", None])[random.integers(0, 3, 400)], "c": 1.5}
    )
    measured, trained = frame[:150], frame[150:]
    expected = measured.merge(trained.drop_duplicates(), how="left", indicator=True)["_merge"].eq("both").sum()
    assert 0 < expected < 150
    for first, second in (("m.csv", "t.csv"), ("m.parquet", "t.csv")):
        paths = stored(tmp_path, first, measured), stored(tmp_path, second, trained[["c", "b", "a"]])
        assert count_shared_rows(*paths) == SharedRows(rows=expected, columns=3)


NESTED = pd.DataFrame({"a": pd.Series([[1], [2]], dtype=object), "b": 1})
FRAME = pd.DataFrame({"a": [1, 2, 2], "b": ["x", "y", "y"], "label": [0, 1, 1]})


@pytest.mark.parametrize(
    ("measured", "trained", "shared"),
    [
        (FRAME, FRAME[1:2], SharedRows(rows=2, columns=3)),
        (FRAME[["a", "b"]], FRAME[1:], SharedRows(rows=2, columns=2)),
        (FRAME[1:], FRAME[["b", "a"]].assign(a=[1.0, 3.0, 2.0]), SharedRows(rows=2, columns=2)),
        (FRAME[["label"]], FRAME, None),
        (FRAME[["a"]], FRAME[["a"]], SharedRows(rows=3, columns=1)),
        (FRAME, FRAME.rename(columns={"a": "A"}), None),
        (FRAME[:0], FRAME, SharedRows(rows=0, columns=3)),
        (FRAME, FRAME[:0], SharedRows(rows=0, columns=3)),
        (NESTED, NESTED, SharedRows(rows=len(NESTED), columns=len(NESTED.columns))),
    ],
    ids=[
        "twice",
        "without the label",
        "other types",
        "a label alone",
        "one column",
        "other columns",
        "empty",
        "nothing trained on",
        "lists",
    ],
)
def test_which_columns_make_a_row(
    tmp_path: Path, measured: pd.DataFrame, trained: pd.DataFrame, shared: SharedRows | None
) -> None:
    paths = stored(tmp_path, "m.parquet", measured), stored(tmp_path, "t.parquet", trained)
    assert count_shared_rows(*paths) == shared


def test_what_is_no_table_is_not_compared_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    table, other = stored(tmp_path, "t.csv", FRAME), tmp_path / "notes.txt"
    other.write_text("a,b,label\n1,x,0\n")
    assert count_shared_rows(other, table) is None
    broken = tmp_path / "m.csv"
    broken.write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(CaptureError, match="cannot be compared"):
        count_shared_rows(broken, table)
