"""How long does a comparison of two tables by key take, beside `datacompy`?

`python -m benchmarks.table_diff` makes two Parquet files of 200,000 rows and 12 columns, of which the second lacks some
rows, has some new ones, and has other values in one column of one group. Both sides read the files and compare them by
key, each as a process of its own, in turn. `datacompy` is installed into an environment of its own, in a temporary
folder, since its requirements are not those of this project.

    --rows 2000000   the large run
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.table import Process, show_processes

_OURS = """
import sys
import pyarrow.parquet as pq
from lineage_pipelines.queries.diff.rows.row_changes import compare_rows
from lineage_pipelines.queries.diff.stored_tables import OpenTable
tables = [OpenTable(pq.read_schema(path), pq.ParquetFile(path).iter_batches) for path in sys.argv[1:]]
names = {name: name for name in tables[0].schema.names}
found = compare_rows(*tables, names, key=["order_id"])
print(found.added, found.removed, found.changed)
"""
_DATACOMPY = """
import sys
import datacompy
import pandas as pd
first, second = (pd.read_parquet(path) for path in sys.argv[1:])
found = datacompy.PandasCompare(first, second, join_columns="order_id")
print(len(found.df2_unq_rows), len(found.df1_unq_rows), len(found.intersect_rows) - found.count_matching_rows())
"""
_US, _THEM = "lineage_pipelines", "datacompy"


def make_tables(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write the two tables; return their paths."""
    draw = np.random.default_rng(7)
    columns: dict[str, object] = {
        "order_id": draw.permutation(rows),
        "region": draw.choice(["north", "south", "east", "west"], rows),
        "product": draw.choice([f"product {n}" for n in range(200)], rows),
    }
    columns |= {f"amount_{n}": draw.normal(100, 20, rows) for n in range(6)}
    columns |= {f"count_{n}": draw.integers(0, 1000, rows) for n in range(3)}
    before = pa.table(columns)
    after = before.slice(rows // 100)
    touched = np.asarray(after["region"].to_pandas() == "north")
    amount = np.where(touched, np.asarray(after["amount_0"]) * 100, np.asarray(after["amount_0"]))
    after = after.set_column(after.schema.get_field_index("amount_0"), "amount_0", pa.array(amount))
    new = before.slice(0, rows // 200).set_column(0, "order_id", pa.array(np.arange(rows, rows + rows // 200)))
    paths = folder / "before.parquet", folder / "after.parquet"
    for path, table in zip(paths, (before, pa.concat_tables([after, new])), strict=True):
        pq.write_table(table, path)
    return paths


def install(folder: Path) -> Path:
    """Make an environment with `datacompy`; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "datacompy", "pandas", "pyarrow"], check=True)
    return python


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_tables(folder, asked.rows)
        python = install(folder / "environment")
        answers = {
            side: subprocess.run([*start, *paths], check=True, capture_output=True, text=True).stdout
            for side, start in ((_US, [sys.executable, "-c", _OURS]), (_THEM, [python, "-c", _DATACOMPY]))
        }
        if answers[_US] != answers[_THEM]:
            raise SystemExit(f"the answers differ: {answers}")
        processes = {
            _THEM: Process([python, "-c", _DATACOMPY, *paths], Path.cwd()),
            _US: Process([sys.executable, "-c", _OURS, *paths], Path.cwd()),
        }
        title = f"Two tables of {asked.rows:,} rows by key ({answers[_US].strip()})"
        show_processes(title, processes, _THEM, asked.runs)


if __name__ == "__main__":
    main()
