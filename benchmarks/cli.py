"""What does the `lineage` command cost as a whole process?

`python -m benchmarks.cli` compares it, in turn, with `python -c "import sqlalchemy"`, which every question to the
catalog needs: `lineage show` may take 1.3 times as long, and `lineage --help` does without it. The catalog is made
here, of one record of the usual size.
"""

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

from benchmarks.table import in_turn, row, seconds, show
from lineage_pipelines import Catalog, LineageRecord
from lineage_pipelines.records.statement.code import SourceClosure, SourceFile
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.samples import make_record

_SOURCES = 140
_SHOW, _HELP, _BASE = "lineage show flight_delay", "lineage --help", 'python -c "import sqlalchemy"'


def usual_record() -> LineageRecord:
    """Return a record with as many source files as that of a real project."""
    record = make_record()
    digest = Digest.of(b"source")
    files = tuple(SourceFile(path=f"package/module_{n}.py", sha256=digest.hex) for n in range(_SOURCES))
    source = SourceClosure(entry="package.training:train", files=files, digest=digest)
    return dataclasses.replace(record, code=dataclasses.replace(record.code, source=source))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Catalog(f"sqlite:///{folder}/.lineage/catalog.db") as catalog:
            catalog.append(usual_record())
        lineage = Path(sys.executable).with_name("lineage")
        commands = {
            _BASE: [sys.executable, "-c", "import sqlalchemy"],
            _HELP: [lineage, "--help"],
            _SHOW: [lineage, "show", "flight_delay"],
        }
        found = in_turn({side: lambda c=command: seconds(c, cwd=folder) for side, command in commands.items()}, runs)  # type: ignore[misc]
    rows = [row(found, _BASE), row(found, _HELP, _BASE, "0.25 s"), row(found, _SHOW, _BASE, "1.3 x")]
    show(f"The command line, {runs} processes of each in turn", rows)


if __name__ == "__main__":
    main()
