"""A broken project: every problem is told at once, by file and line, and DVC refuses what we call fatal."""

from collections.abc import Mapping

import pytest

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.finding import Finding
from lineage_pipelines_tests.datasets.oracle import dvc_graph
from lineage_pipelines_tests.world import World

ONE = "stages: {one: {cmd: echo, outs: [x]}}\n"
SHORT = "an MD5 has 32 hex characters, this has 6: 'abc123'"

Told = tuple[str, int, str]

FATAL: dict[str, tuple[Mapping[str, str], list[Told]]] = {
    "two stages with one output": (
        {"dvc.yaml": "stages:\n  one: {cmd: echo, outs: [x]}\n  two: {cmd: echo, outs: [./x]}\n"},
        [("dvc.yaml", 3, "two stages with one output: 'D/x' is an output of 'D/dvc.yaml:one' (D/dvc.yaml:2)")],
    ),
    "YAML that is none": (
        {"dvc.yaml": "stages:\n  one:\n    cmd: [echo\n"},
        [("dvc.yaml", 4, "not valid YAML: while parsing a flow sequence")],
    ),
    "a key given twice": (
        {"x.dvc": "outs:\n- path: x\n  size: 1\n  size: 2\n"},
        [("x.dvc", 4, "the key 'size' is given twice, first in line 3")],
    ),
    "keys that DVC does not know, and one it misses": (
        {"dvc.yaml": "stages:\n  one:\n    cmd: echo\n    output: [x]\n  two:\n    outs: [y]\nstagez: {}\n"},
        [
            ("dvc.yaml", 4, "stages.one.output: extra keys not allowed"),
            ("dvc.yaml", 5, "stages.two.cmd: required key not provided"),
            ("dvc.yaml", 7, "stagez: extra keys not allowed"),
        ],
    ),
    "files of vars that are missing": (
        {"dvc.yaml": "vars:\n- a: 1\n- ../none.yaml\n- own.yaml:key\n" + ONE},
        [
            ("dvc.yaml", 3, "vars: 'none.yaml' does not exist"),
            ("dvc.yaml", 4, "vars: 'D/own.yaml' does not exist"),
        ],
    ),
    "names that templating does not find": (
        {"dvc.yaml": "stages:\n  one: {cmd: 'echo ${no}'}\n  two:\n    foreach: ${gone}\n    do: {cmd: echo}\n"},
        [
            ("dvc.yaml", 2, "stage 'one': cmd: Could not find 'no'"),
            ("dvc.yaml", 4, "stage 'two': foreach: Could not find 'gone'"),
        ],
    ),
    "a cycle": (
        {
            "dvc.yaml": "stages:\n  one: {cmd: echo, deps: [z], outs: [x]}\n"
            "  two: {cmd: echo, deps: [x], outs: [y]}\n  three: {cmd: echo, deps: [y], outs: [z]}\n"
        },
        [("dvc.yaml", 2, "a cycle: D/dvc.yaml:one → D/dvc.yaml:three → D/dvc.yaml:two → D/dvc.yaml:one")],
    ),
    "a stage that depends on its own output": (
        {"dvc.yaml": "stages:\n  one: {cmd: echo, deps: [x/y], outs: [x]}\n"},
        [("dvc.yaml", 2, "'D/dvc.yaml:one' depends on its own output")],
    ),
    "outputs that overlap": (
        {"dvc.yaml": "stages:\n  one: {cmd: echo, outs: [x/y]}\n  two: {cmd: echo, outs: [x]}\n"},
        [("dvc.yaml", 3, "outputs overlap: 'D/x' of 'D/dvc.yaml:two' (D/dvc.yaml:3) holds an output of")],
    ),
    "a metafile as an output": (
        {"dvc.yaml": "stages:\n  one: {cmd: echo, outs: [x.dvc]}\n"},
        [("dvc.yaml", 2, "stage 'one': the DVC file 'x.dvc' cannot be an output")],
    ),
    "an address in brackets without quotes": (
        {"dvc.yaml": "stages:\n  one:\n    cmd: echo\n    deps: [https://x.invalid/a]\n"},
        [("dvc.yaml", 4, "'https://x.invalid/a' has ':' or '?' inside brackets without quotes, which DVC refuses")],
    ),
    "a merge that was not finished, in both files": (
        {
            "dvc.yaml": "stages:\n<<<<<<< HEAD\n  one: {cmd: a}\n=======\n  one: {cmd: b}\n>>>>>>> other\n",
            "dvc.lock": "schema: '2.0'\nstages:\n<<<<<<< HEAD\n  one: {cmd: a}\n=======\n  one: {}\n>>>>>>> other\n",
        },
        [
            ("dvc.lock", 3, "the file holds Git conflict markers"),
            ("dvc.yaml", 2, "the file holds Git conflict markers"),
        ],
    ),
    "a lock file of the future": (
        {"dvc.yaml": ONE, "dvc.lock": "# new\nschema: '3.0'\nstages: {}\n"},
        [("dvc.lock", 2, "schema: the schema of dvc.lock is '3.0'; this release reads '2.0'")],
    ),
    "a lock file of the future beside a file without stages": (
        {"dvc.yaml": "stages: {}\n", "dvc.lock": "schema: '3.0'\nstages: {}\n"},
        [("dvc.lock", 1, "schema: the schema of dvc.lock is '3.0'; this release reads '2.0'")],
    ),
    "a stage in a .dvc file, as before DVC 1": (
        {"old.dvc": "cmd: echo\nouts:\n- path: x\n  metric: false\n"},
        [
            ("old.dvc", 1, "cmd: DVC wrote this before 1.0, and DVC 3 refuses it"),
            ("old.dvc", 4, "outs.0.metric: DVC wrote this before 1.0, and DVC 3 refuses it"),
        ],
    ),
}

ALSO: dict[str, tuple[Mapping[str, str], list[Told]]] = {
    "a digest of the wrong length in dvc.lock": (
        {
            "dvc.yaml": ONE,
            "dvc.lock": "schema: '2.0'\nstages:\n  one:\n    cmd: echo\n    outs:\n    - path: x\n      md5: abc123\n",
        },
        [("dvc.lock", 7, f"stages.one.outs.0.md5: {SHORT}")],
    ),
    "a digest of the wrong length in a .dvc file": (
        {"x.dvc": "outs:\n- path: x\n  md5: abc123\n"},
        [("x.dvc", 3, f"outs.0.md5: {SHORT}")],
    ),
    "a lock file of DVC 1": (
        {"dvc.yaml": ONE, "dvc.lock": "one:\n  cmd: echo\n"},
        [("dvc.lock", 1, "dvc.lock was written by DVC 1, which DVC 3 refuses")],
    ),
    "an empty lock file": (
        {"dvc.yaml": "stages: {}\n", "dvc.lock": ""},
        [("dvc.lock", 1, "dvc.lock is empty, which DVC refuses")],
    ),
}
"""What leaves the graph as it is: it loads, and the problem is told by `problems()`."""


def write(world: World, folder: str, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        world.write(f"{folder}/{name}", text)


def check_told(problems: tuple[Finding, ...], folder: str, expected: list[Told]) -> None:
    found = [problem for problem in problems if problem.subject.startswith(f"{folder}/")]
    places = [(problem.subject, *(problem.places or (0,))) for problem in found]
    assert places == [(f"{folder}/{file}", at) for file, at, _ in expected]
    for problem, (_, _, what) in zip(found, expected, strict=True):
        assert problem.detail.startswith(what.replace("D/", f"{folder}/"))
        assert problem.fix


def test_every_problem_of_a_project_is_told_at_once(world: World) -> None:
    """DVC itself stops at the first."""
    cases = list((FATAL | ALSO).values())
    for number, (files, _) in enumerate(cases):
        write(world, f"d{number:02}", files)
    problems = DvcProject(world.root).problems()
    assert len(problems) == sum(len(expected) for _, expected in cases)
    for number, (_, expected) in enumerate(cases):
        check_told(problems, f"d{number:02}", expected)
    with pytest.raises(DatasetError) as raised:
        DvcProject(world.root).graph()
    fatal = [problem for problem in problems if problem.failed]
    assert raised.value.what.startswith(f"the DVC project has {len(fatal)} problems:\n")
    for problem in fatal:
        place = ":".join([problem.subject, *map(str, problem.places)])
        assert f"  {place}: {problem.detail}\n    fix: {problem.fix}" in raised.value.what


@pytest.mark.parametrize(("files", "expected"), FATAL.values(), ids=FATAL.keys())
def test_what_is_fatal_stops_dvc_too(files: Mapping[str, str], expected: list[Told], world: World) -> None:
    write(world, "sub", files)
    project = DvcProject(world.root)
    check_told(project.problems(), "sub", expected)
    with pytest.raises(DatasetError, match="sub/"):
        project.graph()
    assert isinstance(dvc_graph(world.root), str)


@pytest.mark.parametrize(("files", "expected"), ALSO.values(), ids=ALSO.keys())
def test_what_is_not_fatal_is_told_again_when_nothing_changed(
    files: Mapping[str, str], expected: list[Told], world: World
) -> None:
    write(world, "sub", files)
    for _ in range(2):
        project = DvcProject(world.root)
        assert project.graph() is not None
        check_told(project.problems(), "sub", expected)


def test_a_lock_file_that_breaks_later_is_told_by_a_load_from_the_cache(world: World) -> None:
    write(world, "sub", {"dvc.yaml": ONE})
    write(world, "empty", {"dvc.yaml": "stages: {}\n"})
    project = DvcProject(world.root)
    assert project.graph().stages
    for folder in ("sub", "empty"):
        world.write(f"{folder}/dvc.lock", "schema: '3.0'\nstages: {}\n")
        with pytest.raises(DatasetError, match=f"{folder}/dvc.lock:1"):
            project.graph()
        world.path(f"{folder}/dvc.lock").unlink()
    assert project.graph().stages


def test_an_output_that_git_tracks_is_told_with_the_command_that_mends_it(world: World) -> None:
    world.write("x", "1")
    world.write("dvc.yaml", ONE)
    world.commit()
    (problem,) = DvcProject(world.root).problems()
    assert (problem.subject, problem.places, problem.failed) == ("dvc.yaml", (1,), False)
    assert "git rm -r --cached 'x'" in problem.fix


def test_a_configuration_that_dvc_cannot_read_is_told(world: World) -> None:
    world.append(".dvc/config", "[nonsense]\n    a = 1\n")
    with pytest.raises(DatasetError, match="DVC cannot read its configuration") as raised:
        DvcProject(world.root).graph()
    assert ".dvc/config" in raised.value.fix
