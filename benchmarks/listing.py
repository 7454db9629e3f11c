"""What does a list of the versions of one model cost, as a whole process, and does it grow with the model?

`python -m benchmarks.listing` makes a model of 300 and of 3,000 versions, each record with 300 source files of a user's
own (60 kB), and asks for a page and for all of `lineage log`, and for a page of `lineage what-changed`, in turn with
`python -c "import sqlalchemy"`. Beside the time it shows the most memory that each process had.

    --sizes 300 10000   the sizes that the budgets name: 0.1 s beyond the start a page, 1 s and 150 MB for all
"""

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

from benchmarks.table import Process, show_processes
from lineage_pipelines import Catalog, LineageRecord
from lineage_pipelines.records.statement.code import SourceClosure, SourceFile
from lineage_pipelines_tests.samples import digest, digests, make_record, with_metrics

_FILES, _TOGETHER, _PER_DATA = 300, 50, 10
_BASE = 'python -c "import sqlalchemy"'


def record_of(number: int) -> LineageRecord:
    """Return the record of a version: another file of the sources each time, other data every tenth."""
    record = with_metrics(make_record(f"{number}", raw=f"month {number // _PER_DATA}"), roc_auc=0.7 + number % 7 / 1e3)
    files = tuple(
        SourceFile(path=f"project/package_{n % 20}/module_{n}.py", sha256=digest(f"{n} {(number + n) // _FILES}").hex)
        for n in range(_FILES)
    )
    source = SourceClosure(entry="project.training:train", files=files, digest=digest(f"closure {number}"))
    data = tuple(
        dataclasses.replace(each, digest=digests(f"{each.name} {number // _PER_DATA}")) for each in record.data
    )
    return dataclasses.replace(record, data=data, code=dataclasses.replace(record.code, source=source))


def make_catalog(url: str, size: int) -> None:
    """Make a catalog of one model."""
    with Catalog(url) as catalog:
        for begin in range(0, size, _TOGETHER):
            catalog.append_all([record_of(number) for number in range(begin, min(begin + _TOGETHER, size))])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 3_000], help="versions of the model")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lineage = Path(sys.executable).with_name("lineage")
        processes = {_BASE: Process([sys.executable, "-c", "import sqlalchemy"], folder)}
        for size in asked.sizes:
            url = f"sqlite:///{folder}/{size}.db"
            make_catalog(url, size)
            for what in ("log flight_delay", "log flight_delay -n 0", "what-changed flight_delay --since 90d"):
                command = [lineage, "--catalog", url, *what.split()]
                processes[f"lineage {what}, {size:,}"] = Process(command, folder)
        show_processes(f"Lists of versions of one model, {_FILES} source files each", processes, _BASE, asked.runs)


if __name__ == "__main__":
    main()
