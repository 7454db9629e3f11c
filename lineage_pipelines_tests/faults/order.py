"""In which order a version reaches the disk: what is acknowledged has been synced, and names what was synced before it.

`python -m lineage_pipelines_tests.faults.order` stores a version in a new folder and prints every call that changed
something there, below Python and SQLite, one a line: the call, and the path relative to the folder.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from lineage_pipelines_tests.faults.interposer import Fault, Faults, under_interposer
from lineage_pipelines_tests.faults.versions import store_version

ACKNOWLEDGED = "acknowledged"
"""Stands in the list where the writer was told that the version is committed."""


def calls(folder: Path) -> list[str]:
    """Store a version in an empty folder; return the calls, in order."""
    with tempfile.TemporaryFile() as log:
        number = log.fileno()
        faults = Faults()
        faults.arm(folder, Fault(), log=number)
        store_version(folder, "1", acknowledge=lambda _: _write(number))
        faults.arm(Path("/nowhere"), Fault())
        log.seek(0)
        lines = log.read().decode().splitlines()
    return [line.replace(f"{folder}/", "").replace(str(folder), ".") for line in lines]


def _write(log: int) -> None:
    os.write(log, f"{ACKNOWLEDGED}\n".encode())


def main(arguments: Sequence[str] = ()) -> int:
    """Print the calls; the same one several times in a row, once with a count."""
    under_interposer(__spec__.name, list(arguments))
    with tempfile.TemporaryDirectory() as folder:
        for line, again in groupby(calls(Path(folder).resolve())):
            count = len(list(again))
            sys.stdout.write(f"{line}{f' x {count}' if count > 1 else ''}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
