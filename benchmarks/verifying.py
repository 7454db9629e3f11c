"""What does `lineage verify` of a long log cost, on one core and on all, with signatures checked before and again?

`python -m benchmarks.verifying` makes a catalog of 5,000 versions and verifies it without its files, each side in turn.

    --records 100000   the size that the budget names: 60 s on two cores, and 200 MB; making it takes minutes
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.table import Process, show_processes
from lineage_pipelines_tests.faults.scale import fill

_ON_CORES = (
    "import os, sys; os.environ['XDG_CACHE_HOME'] = sys.argv[1]; "
    "os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])]); "
    "from lineage_pipelines.cli.main import main; sys.exit(main(sys.argv[3:]))"
)
_BASE = "verify --full, one core"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=5_000, help="versions in the log")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{fill(folder, asked.records)}"

        def verifying(cores: int, *more: str) -> Process:
            cache = str(folder / "cache")
            command = [sys.executable, "-c", _ON_CORES, cache, str(cores), "--catalog", url, "verify", "--quick", *more]
            return Process(command, folder)

        processes = {
            _BASE: verifying(1, "--full"),
            "verify --full, two cores": verifying(2, "--full"),
            "verify, checked before, one core": verifying(1),
            "verify, checked before, two cores": verifying(2),
        }
        show_processes(f"Verification of {asked.records:,} versions", processes, _BASE, asked.runs)


if __name__ == "__main__":
    main()
