"""A stage that waits for another DVC command says so while it lasts, with who it is."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.running import dvc_lock
from lineage_pipelines.datasets.running.stage_run import run_stage
from lineage_pipelines_tests.datasets.stages import STAGES, Listener, project_with_stages, refuse
from lineage_pipelines_tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC

HOLDING = """
import sys
from dvc.repo import Repo
with Repo(".") as repo, repo.lock:
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def project(world: World) -> DvcProject:
    return project_with_stages(world)


def begin(project: DvcProject, *words: str) -> subprocess.Popen[str]:
    """Start a process in the project, and wait until it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=project.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert any(line.strip() == "ready" for line in process.stdout)
    return process


def wait_for(listener: Listener, words: str) -> None:
    end = time.monotonic() + 60
    while not any(words in line for line in listener.lines):
        assert time.monotonic() < end, listener.lines
        time.sleep(0.05)


def test_who_holds_dvcs_lock_is_said(project: DvcProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc_lock, "REMIND_SECONDS", 0.1)
    listener = Listener()
    with begin(project, "-c", HOLDING) as process, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run_stage, project, "clean", on_line=listener)
        words = f"Waiting for DVC's lock: process {process.pid} ({sys.executable} -c "
        wait_for(listener, words)
        before = len(listener.lines)
        time.sleep(0.5)
        assert len(listener.lines) > before, "again while it lasts"
        assert "did not end within 0.5 seconds" in refuse(project, "clean", timeout=0.5).what
        process.communicate()
        assert waiting.result().how == "executed"


def test_a_command_that_comes_while_the_stage_runs_is_said_too(
    world: World, project: DvcProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC lets go of its lock while the stage's command runs, and takes it again to write dvc.lock."""
    monkeypatch.setattr(dvc_lock, "REMIND_SECONDS", 0.1)
    world.write(
        "dvc.yaml", STAGES + "      slow:\n        cmd: echo begun; sleep 8; touch slow.csv\n        outs: [slow.csv]\n"
    )
    listener = Listener()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_stage, DvcProject(project.root), "slow", on_line=listener)
        wait_for(listener, "begun")
        with begin(project, "-c", HOLDING) as process:
            wait_for(listener, f"Waiting for DVC's lock: process {process.pid}")
            process.communicate()
        assert running.result().how == "executed"


def test_a_command_that_uses_the_stages_files_is_waited_for(world: World, project: DvcProject) -> None:
    slow = "      slow:\n        cmd: echo ready; sleep 4; touch slow.csv\n        outs: [slow.csv]\n"
    world.write("dvc.yaml", STAGES + slow)
    listener = Listener()
    with begin(project, "-m", "dvc", "repro", "slow") as process:
        outcome = run_stage(DvcProject(project.root), "slow", on_line=listener)
        process.communicate()
    assert outcome.how == "unchanged"
    assert listener.lines[0].startswith(
        f"Waiting for DVC: process {process.pid} ({sys.executable} -m dvc repro slow) uses"
    )
