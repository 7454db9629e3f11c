"""Running a stage: it is done and recorded, or it failed with a reason."""

import sys
import time
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.metafiles.metafile_reader import read_lock
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.running.stage_run import run_stage
from lineage_pipelines_tests.datasets.stages import Listener, check_settled, project_with_stages, refuse, run
from lineage_pipelines_tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC


@pytest.fixture
def project(world: World) -> DvcProject:
    """A project with a tracked folder and some stages."""
    return project_with_stages(world)


def test_a_stage_is_executed_then_unchanged_then_restored(world: World, project: DvcProject) -> None:
    listener = Listener()
    first = run_stage(project, "clean", on_line=listener)
    assert (first.stage.address, first.how) == ("clean", "executed")
    assert first.seconds > 0
    assert listener.lines[:4] == [
        "Running stage 'clean':",
        "> echo cleaning",
        "cleaning",
        "> cat data/raw/a.csv > clean.csv",
    ]
    assert [out.content.md5 for out in first.entry.outs] == [project.recorded("clean.csv").content.md5]
    again = run(project, "clean")
    assert (again.how, again.entry) == ("unchanged", first.entry)
    world.path("dvc.lock").unlink()
    world.path("clean.csv").unlink()
    restored = run(project, "clean")
    assert (restored.how, restored.entry) == ("restored", first.entry)
    assert world.path("clean.csv").read_text() == "a\n1\n"
    check_settled(project)


def test_only_that_stage_is_run(project: DvcProject) -> None:
    run(project, "clean")
    assert run(project, "features").how == "executed"
    assert set(read_lock(project.root / "dvc.lock")) == {"clean", "features"}


def test_a_stage_in_another_folder_is_run_by_its_address(world: World) -> None:
    world.write("prep/in.csv", "1\n")
    world.track("prep/in.csv")
    world.write(
        "prep/dvc.yaml",
        "stages:\n  copy:\n    foreach: [a, b]\n    do:\n      cmd: cp in.csv ${item}.csv\n      deps: [in.csv]\n"
        "      outs: ['${item}.csv']\n",
    )
    found = run(DvcProject(world.root), "prep/dvc.yaml:copy@b")
    assert found.how == "executed"
    assert found.entry.outs[0].path == "prep/b.csv"
    assert not world.path("prep/a.csv").exists()


def test_the_tools_of_this_interpreter_come_first_and_the_environment_passes_through(
    world: World, project: DvcProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SETTING", "yes")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    run(project, "which")
    folder = Path(sys.executable).parent
    assert world.path("which.csv").read_text().splitlines() == [f"{folder}/python", f"{folder}/dvc", "yes"]


def test_a_module_of_the_project_does_not_get_in_the_way(world: World, project: DvcProject) -> None:
    for name in ("dvc.py", "yaml.py", "graph.py"):
        world.write(name, "raise SystemExit('shadowed')")
    assert run(project, "clean").how == "executed"


def test_whatever_a_command_prints_comes_as_lines(project: DvcProject) -> None:
    listener = Listener()
    run_stage(project, "talks", on_line=listener)
    assert [line for line in listener.lines if line.endswith("0%")] == ["50%", "100%"]
    assert "caf\N{REPLACEMENT CHARACTER} " in listener.lines
    assert sum(line.count("x") for line in listener.lines if set(line) == {"x"}) == 200_000


def test_a_command_that_leaves_something_running_does_not_hold_us_up(project: DvcProject) -> None:
    began = time.monotonic()
    assert run(project, "leaves").how == "executed"
    assert time.monotonic() - began < 4.5


def test_a_failing_command_is_told_by_its_own_last_lines(world: World, project: DvcProject) -> None:
    run(project, "clean")
    before = world.path("dvc.lock").read_bytes()
    error = refuse(project, "fails")
    assert error.what.startswith(
        "stage 'fails' failed: its command ended with exit code 7: seq 100 130; echo last words >&2; exit 7"
    )
    lines = [line.strip() for line in error.what.splitlines()[1:]]
    assert lines == [*(str(number) for number in range(112, 131)), "last words"]
    assert error.where == "dvc.yaml:12"
    assert "dvc repro --single-item fails" in error.fix
    assert world.path("dvc.lock").read_bytes() == before
    check_settled(project)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("lazy", "stage 'lazy' failed: output 'never2.csv' does not exist"),
        ("lost", "stage 'lost' failed: [Errno 2] No such file or directory"),
        ("killed", "stage 'killed' failed: its command was killed by signal 9"),
        ("nosuch", "there is no stage 'nosuch'; there is clean, fails, features, killed"),
    ],
)
def test_other_failures_are_told_in_words(world: World, project: DvcProject, address: str, message: str) -> None:
    assert message in refuse(project, address).what
    assert not world.path("dvc.lock").exists()
    check_settled(project)


def test_an_input_that_differs_from_what_is_recorded_is_refused(world: World, project: DvcProject) -> None:
    recorded = project.recorded("data/raw").content.md5
    world.write("data/raw/a.csv", "a\n2\n")
    error = refuse(project, "clean")
    assert f"'data/raw' is not what data/raw.dvc records: recorded {recorded}, found " in error.what
    assert "dvc add data/raw" in error.fix
    assert "dvc checkout data/raw" in error.fix
    assert not world.path("clean.csv").exists()
    assert not world.path("dvc.lock").exists()


def test_an_input_edited_after_its_stage_made_it_is_refused(world: World, project: DvcProject) -> None:
    run(project, "clean")
    world.path("clean.csv").write_text("by hand")
    error = refuse(project, "features")
    assert "'clean.csv' is not what dvc.lock records" in error.what
    assert "dvc commit clean" in error.fix


def test_an_input_that_no_stage_made_yet_is_refused(project: DvcProject) -> None:
    error = refuse(project, "features")
    assert "nothing is recorded about 'clean.csv' yet" in error.what
    assert "dvc repro clean" in error.fix


def test_a_missing_input_is_refused(world: World, project: DvcProject) -> None:
    world.path("data/raw").rename(world.path("away"))
    error = refuse(project, "clean")
    assert error.what == "stage 'clean' reads 'data/raw', which is missing"
    assert "dvc checkout data/raw" in error.fix


def test_part_of_a_folder_may_be_an_input_while_another_part_differs(world: World, project: DvcProject) -> None:
    world.write("data/raw/other.csv", "")
    world.write(
        "dvc.yaml",
        "stages:\n  part:\n    cmd: cp data/raw/a.csv p.csv\n    deps: [data/raw/a.csv]\n    outs: [p.csv]\n",
    )
    assert run(project, "part").how == "executed"
    world.write("data/raw/a.csv", "edited")
    assert "'data/raw/a.csv' is not what data/raw.dvc records" in refuse(project, "part").what


def test_a_workspace_that_cannot_be_written_is_told(project: DvcProject) -> None:
    folder = own_folder(project.root)
    project.graph()
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    (folder / "run.lock").mkdir(parents=True)
    error = refuse(project, "clean")
    assert "cannot lock the workspace" in error.what
    assert "right to write" in error.fix
