"""A project with stages of every temper, and how its tests run them."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.running.lock_backup import LockBackup
from lineage_pipelines.datasets.running.stage_run import StageOutcome, run_stage
from lineage_pipelines.errors import DatasetError
from lineage_pipelines_tests.world import World

STAGES = """\
    stages:
      clean:
        cmd:
        - echo cleaning
        - cat data/raw/a.csv > clean.csv
        deps: [data/raw]
        outs: [clean.csv]
      features:
        cmd: cat clean.csv clean.csv > features.csv
        deps: [clean.csv]
        outs: [features.csv]
      fails:
        cmd: seq 100 130; echo last words >&2; exit 7
        outs: [never.csv]
      lazy:
        cmd: echo doing nothing
        outs: [never2.csv]
      lost:
        cmd: echo x > lost.csv
        deps: [nowhere.csv]
        outs: [lost.csv]
      killed:
        cmd: kill -9 $$
        outs: [never3.csv]
      stubborn:
        cmd: trap '' INT TERM; sleep 1000 & echo $$ > pids; echo $! >> pids; echo ready; while true; do sleep 0.1; done
        outs: [never4.csv]
      polite:
        cmd: echo $$ > pids; echo ready; exec sleep 1000
        outs: [never5.csv]
      talks:
        cmd:
        - printf 'caf\\351 \\r50%%\\r100%%\\n'
        - python -c "print('x' * 200000, end='')" && touch talks.csv
        outs: [talks.csv]
      which:
        cmd: which python > which.csv; which dvc >> which.csv; echo $MY_SETTING >> which.csv
        outs: [which.csv]
      leaves:
        cmd: (sleep 5; echo late) & echo done; touch leaves.csv
        outs: [leaves.csv]
"""


def project_with_stages(world: World) -> DvcProject:
    """Track a folder and write the stages."""
    world.write("data/raw/a.csv", "a\n1\n")
    world.track("data/raw")
    world.write("dvc.yaml", STAGES)
    world.commit()
    return DvcProject(world.root)


class Listener:
    """Collects the lines; may do something when one comes by."""

    def __init__(self, on: str = "", do: Callable[[], object] | None = None) -> None:
        self.lines: list[str] = []
        self._on = on
        self._do = do

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        if self._do is not None and line.startswith(self._on):
            self._do()


def run(project: DvcProject, address: str) -> StageOutcome:
    return run_stage(project, address, on_line=Listener())


def refuse(project: DvcProject, address: str, timeout: float | None = None) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        run_stage(project, address, on_line=Listener(), timeout=timeout)
    return caught.value


def is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def check_nothing_runs(world: World) -> None:
    pids = [int(line) for line in world.path("pids").read_text().split()]
    end = time.monotonic() + 5
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    assert pids
    assert not [pid for pid in pids if is_running(pid)]


def check_settled(project: DvcProject) -> None:
    assert LockBackup.left(project.root) is None
    assert not list(own_folder(project.root).rglob(".new-*"))


RUN = (
    "import sys\n"
    "from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject\n"
    "from lineage_pipelines.datasets.running.stage_run import run_stage\n"
    "def tell(line): sys.stdout.write(line + chr(10)); sys.stdout.flush()\n"
    "run_stage(DvcProject(sys.argv[1]), sys.argv[2], on_line=tell)\n"
)


def start(project: DvcProject, address: str) -> "subprocess.Popen[str]":
    """Run a stage from another process, which is killed together with whoever waits for it."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(project.root), address],
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def read_until(process: "subprocess.Popen[str]", beginning: str) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if line.startswith(beginning))
