"""However a run ends, nothing of it goes on, dvc.lock is whole, and the next run can begin."""

import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineage_pipelines.datasets.metafiles.metafile_reader import read_lock
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.running import child_process
from lineage_pipelines.datasets.running.stage_run import run_stage
from lineage_pipelines.errors import DatasetError
from lineage_pipelines_tests.datasets.stages import (
    STAGES,
    Listener,
    check_nothing_runs,
    check_settled,
    is_running,
    project_with_stages,
    read_until,
    refuse,
    run,
    start,
)
from lineage_pipelines_tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for who does not listen."""
    monkeypatch.setattr(child_process, "_GRACE_SECONDS", 0.5)


@pytest.fixture
def project(world: World) -> DvcProject:
    """A project with a tracked folder and some stages."""
    return project_with_stages(world)


def test_time_that_is_up_ends_everything(world: World, project: DvcProject) -> None:
    began = time.monotonic()
    error = refuse(project, "stubborn", timeout=2.5)
    assert error.what == "stage 'stubborn' did not end within 2.5 seconds and was stopped"
    assert time.monotonic() - began < 100  # of the thousand that it sleeps
    check_nothing_runs(world)
    check_settled(project)


class StopError(BaseException):
    """What an orchestrator throws into a step that is to end."""


def test_an_interrupt_ends_everything(world: World, project: DvcProject) -> None:
    def stop() -> None:
        raise StopError

    with pytest.raises(StopError):
        run_stage(project, "polite", on_line=Listener("ready", stop))
    check_nothing_runs(world)
    check_settled(project)
    assert run(project, "clean").how == "executed"


def test_when_whoever_runs_a_stage_is_killed_the_stage_ends_too(world: World, project: DvcProject) -> None:
    with start(project, "stubborn") as process:
        read_until(process, "ready")
        process.kill()
    check_nothing_runs(world)
    assert run(project, "clean").how == "executed"
    check_settled(project)


def test_when_dvc_is_killed_its_stage_ends_too(world: World, project: DvcProject) -> None:
    def kill() -> None:
        shell = int(world.path("pids").read_text().split()[0])
        os.kill(os.getpgid(shell), signal.SIGKILL)  # the leader of the group is DVC

    with pytest.raises(DatasetError, match="DVC was killed by signal 9"):
        run_stage(project, "stubborn", on_line=Listener("ready", kill))
    check_nothing_runs(world)
    check_settled(project)


def test_who_comes_second_waits_and_says_so(project: DvcProject) -> None:
    listener = Listener()
    with start(project, "polite") as process, ThreadPoolExecutor(1) as pool:
        read_until(process, "ready")
        second = pool.submit(run_stage, project, "clean", on_line=listener)
        assert "did not end within 0.5 seconds" in refuse(project, "clean", timeout=0.5).what
        assert not second.done()
        process.kill()
        assert second.result().how == "executed"
    assert listener.lines[0] == f"Waiting for the workspace: process {process.pid} (stage 'polite') is using it"
    check_settled(project)


def test_several_threads_run_one_after_the_other(world: World, project: DvcProject) -> None:
    run(project, "clean")
    world.write(
        "dvc.yaml",
        STAGES
        + "".join(
            f"      n{i}:\n        cmd: mkdir busy; sleep 0.05; rmdir busy; touch n{i}.csv\n        outs: [n{i}.csv]\n"
            for i in range(3)
        ),
    )
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda i: run(DvcProject(world.root), f"n{i}"), range(3)))
    assert [outcome.how for outcome in found] == ["executed"] * 3
    assert {"clean", "n0", "n1", "n2"} == set(read_lock(world.path("dvc.lock")))


@pytest.fixture
def large(world: World, project: DvcProject) -> DvcProject:
    """A project whose dvc.lock is so large that writing it takes DVC a while."""
    run(project, "clean")
    entry = world.path("dvc.lock").read_text().split("stages:\n")[1]
    more = "".join(entry.replace("clean", f"old{i}") for i in range(150))
    world.append("dvc.lock", more)
    return project


def test_a_lock_file_that_a_kill_tore_is_put_back(world: World, large: DvcProject) -> None:
    path = world.path("dvc.lock")
    before = path.read_bytes()
    known = set(read_lock(path))
    torn = 0
    dice = random.Random(7)
    for round_ in range(8):
        world.path("features.csv").unlink(missing_ok=True)
        world.write("dvc.yaml", STAGES.replace("cat clean.csv clean.csv", f"echo {round_}"))
        with start(large, "features") as process:
            read_until(process, "Updating lock file")
            group = _group_of(process)
            end = time.monotonic() + 1
            while path.stat().st_size >= len(before) and time.monotonic() < end:
                pass  # DVC has not begun to write
            time.sleep(dice.random() * 0.05)
            if round_ % 2:
                process.kill()  # and DVC with it
            else:
                os.kill(group, signal.SIGKILL)
        end = time.monotonic() + 5
        while is_running(group) and time.monotonic() < end:
            time.sleep(0.01)
        torn += path.stat().st_size < len(before)
        assert run(large, "clean").how == "unchanged"
        now = read_lock(path)
        assert known <= set(now), f"round {round_}"
        before = path.read_bytes()
        known = set(now)
        check_settled(large)


def _group_of(process: "subprocess.Popen[str]") -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0])
