"""What does it cost to know the content of data?

`python -m benchmarks.snapshot` compares, in turn:

- a folder of 20,000 files that nobody touched: its snapshot (its digests), and `observe`, which says what `dvc status`
  says, against `dvc status`. As whole processes and inside one: the budget is 10 times faster for the snapshot;
- data that must be read: a snapshot, against threads on all cores that do nothing but read and `hashlib`. Like is
  compared with like: SHA-256 alone with SHA-256 alone, and both digests (a record's SHA-256, DVC's MD5) with both. The
  budget is 1.1 times. Ours includes finding the files, looking twice that none changed, and remembering the digests;
- the memory of a process that hashes a file, and one ten times as large: the budget is 1.1 times.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.table import environment, in_turn, row, seconds, show, timed
from lineage_pipelines import DvcProject
from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.datasets.workspace.workspace_status import observe

_DVC = [sys.executable, "-m", "dvc"]
_SNAPSHOT = """
from pathlib import Path
from lineage_pipelines.datasets.content.snapshots import SnapshotCache
SnapshotCache(Path(".")).snapshot(Path("data"))
"""
_OBSERVE = """
from lineage_pipelines import DvcProject
from lineage_pipelines.datasets.workspace.workspace_status import observe
assert observe(DvcProject("."), "data").state == "ok"
"""
_PEAK = """
import sys
from pathlib import Path
from lineage_pipelines.datasets.content.hashing import hash_file
hash_file(sys.argv[1])
# Not ru_maxrss, which counts the process that this one was forked from.
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""
_BLOCK = 1 << 20
_BOTH = ("sha256", "md5")


def make_project(folder: Path, files: int) -> None:
    """Make a DVC project that tracks a folder of small files, a hundred in each subfolder."""
    folder.mkdir()
    for number in range(files):
        path = folder / "data" / f"{number // 100:03}" / f"{number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d\n" % number)
    for command in (["git", "init", "-q"], [*_DVC, "init", "-q"], [*_DVC, "add", "-q", "data"]):
        subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)


def unchanged(folder: Path, files: int, runs: int) -> None:
    """Measure looking at a folder that nobody touched."""
    from dvc.repo import Repo

    make_project(folder, files)
    project = DvcProject(folder)

    def status() -> None:
        with Repo(str(folder)) as repo:
            assert repo.status(targets=[str(folder / "data.dvc")]) == {}

    snapshots = SnapshotCache(folder)
    snapshots.snapshot(folder / "data")  # what the others then remember
    processes: dict[str, Sequence[str]] = {
        "dvc status": [*_DVC, "status", "-q", "data.dvc"],
        "snapshot": [sys.executable, "-c", _SNAPSHOT],
        "observe": [sys.executable, "-c", _OBSERVE],
    }
    calls: dict[str, Callable[[], object]] = {
        "dvc status, in process": status,
        "snapshot, in process": partial(snapshots.snapshot, folder / "data"),
        "observe, in process": partial(observe, project, "data"),
    }
    sides = {name: partial(seconds, command, cwd=folder) for name, command in processes.items()}
    found = in_turn({**sides, **{name: partial(timed, call) for name, call in calls.items()}}, runs)
    rows = []
    for where in ("", ", in process"):
        base = f"dvc status{where}"
        rows += [row(found, base), row(found, f"snapshot{where}", base, "0.10 x"), row(found, f"observe{where}", base)]
    show(f"{files:,} unchanged files, {runs} rounds", rows)


def plain_hashes(paths: Sequence[Path], algorithms: Sequence[str]) -> list[list[str]]:
    """Hash files as anybody would with `hashlib` and threads on all cores."""

    def one(path: Path) -> list[str]:
        hashers = [hashlib.new(name, usedforsecurity=False) for name in algorithms]
        buffer = memoryview(bytearray(_BLOCK))
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                for hasher in hashers:
                    hasher.update(buffer[:count])
        return [hasher.hexdigest() for hasher in hashers]

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(one, paths))


def changed(folder: Path, files: int, size: int, runs: int) -> None:
    """Measure reading data of which nothing is known."""
    (folder / "data").mkdir(parents=True)
    (folder / ".dvc").mkdir()
    paths = [folder / "data" / f"{number:05}.bin" for number in range(files)]
    for path in paths:
        path.write_bytes(os.urandom(size))
    known = folder / ".dvc" / "tmp"

    def snapshot(algorithms: Sequence[str]) -> object:
        return SnapshotCache(folder).snapshot(folder / "data", algorithms=algorithms)

    def fresh(algorithms: Sequence[str]) -> float:
        shutil.rmtree(known, ignore_errors=True)
        return timed(partial(snapshot, algorithms))

    sides: dict[str, Callable[[], float]] = {}
    for names in (("sha256",), _BOTH):
        words = " and ".join(names)
        sides[f"hashlib, {words}"] = lambda names=names: timed(lambda: plain_hashes(paths, names))  # type: ignore[misc]
        sides[f"snapshot, {words}"] = partial(fresh, names)
    found = in_turn(sides, runs)
    rows = [
        cells
        for words in ("sha256", " and ".join(_BOTH))
        for cells in (
            row(found, f"hashlib, {words}"),
            row(found, f"snapshot, {words}", f"hashlib, {words}", "1.10 x" if size >= _BLOCK else ""),
        )
    ]
    shown = f"{size >> 20} MB" if size >= _BLOCK else f"{size >> 10} kB"
    show(f"{files:,} changed files of {shown}, all cores, {runs} rounds", rows)


def memory(folder: Path, megabytes: int) -> None:
    """Measure the peak memory of hashing a file, and one ten times as large."""
    folder.mkdir()
    peaks = {}
    for size in (megabytes, megabytes * 10):
        path = folder / f"{size}.bin"
        with path.open("wb") as file:
            file.truncate(size << 20)  # a hole reads as zeros, and takes no room on the disk
        command = [sys.executable, "-c", _PEAK, str(path)]
        done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
        peaks[size] = int(done.stdout) / 1024
    small, large = peaks.values()
    smaller = f"a file of {megabytes:,} MB"
    rows = [
        [smaller, f"{small:.1f} MB", "", "", ""],
        [f"a file of {megabytes * 10:,} MB", f"{large:.1f} MB", smaller, f"{large / small:.2f} x", "1.10 x"],
    ]
    show("Peak memory of a process that hashes", rows, ["what", "peak", "against", "ratio", "budget"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--files", type=int, default=20_000, help="files of the folder that nobody touched")
    parser.add_argument("--large", type=int, default=64, help="how many files of 8 MB to hash")
    parser.add_argument("--memory", type=int, default=100, metavar="MB", help="the smaller file of the memory table")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        unchanged(folder / "unchanged", asked.files, asked.runs)
        changed(folder / "large", asked.large, 8 << 20, asked.runs)
        changed(folder / "small", asked.files, 2 << 10, asked.runs)
        memory(folder / "memory", asked.memory)


if __name__ == "__main__":
    main()
