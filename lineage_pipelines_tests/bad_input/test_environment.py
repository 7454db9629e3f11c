"""Signals, and surroundings in which the same question has the same answer, byte by byte (63, 64)."""

import ast
import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lineage_pipelines
from lineage_pipelines_tests.bad_input.project import LINEAGE, QUOTED, TO, Project, check_refused, python

# Signals


@contextlib.contextmanager
def busy(file: Path) -> Iterator[None]:
    """Keep every writer of a catalog waiting."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield


def hear_signals() -> None:
    """Undo what a shell does to what it starts in the background, nohup to everything and xdist: to ignore signals."""
    numbers = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


def started(project: Project, *words: str) -> "subprocess.Popen[str]":
    """Start a command, and return it when it has the catalog open and waits for its turn."""
    pipe = subprocess.PIPE
    running = subprocess.Popen(
        [LINEAGE, *words],
        cwd=project.root,
        stdout=pipe,
        stderr=pipe,
        text=True,
        preexec_fn=hear_signals,  # noqa: PLW1509  # no threads here
    )
    opened = Path(f"/proc/{running.pid}/fd")
    while not any(_target(handle).endswith("catalog.db-wal") for handle in opened.iterdir()):
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)
    time.sleep(0.3)
    return running


def _target(handle: Path) -> str:
    with contextlib.suppress(OSError):
        return str(handle.readlink())
    return ""


DECISIONS = [
    ("promote", "flight_delay@1", *TO),
    ("key", "new", "--owner", "bob", "--output", "bob.pem"),
]


@pytest.mark.parametrize("words", DECISIONS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_decision_that_is_interrupted_is_not_made(
    project: Project, number: signal.Signals, words: tuple[str, ...]
) -> None:
    before = project.entries()
    with busy(project.file):
        running = started(project, *words)
        running.send_signal(number)
        if number is not signal.SIGINT:  # which SQLite hears when its wait is over
            running.wait(10)
    out, err = running.communicate(timeout=30)
    assert running.returncode == (3 if number is signal.SIGINT else -number)
    assert out == ""
    assert err.strip() == ("error: interrupted" if number is signal.SIGINT else "")
    assert project.entries() == before
    assert project.run(*DECISIONS[0]).returncode == 0


APPEND = """
import pathlib, sys
from lineage_pipelines import Catalog, resolve_settings
from lineage_pipelines_tests.samples import make_record
settings = resolve_settings(start=pathlib.Path(sys.argv[1]))
with Catalog(settings.catalog, keys=settings.keys) as catalog:
    for run in range(1000, 100000):
        print(catalog.append(make_record(run=str(run))).version, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_writer_that_is_interrupted_loses_nothing_that_it_was_told(project: Project, number: signal.Signals) -> None:
    command = [sys.executable, "-c", APPEND, str(project.root)]
    root = Path(lineage_pipelines.__file__).parents[1]
    with subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=hear_signals,  # noqa: PLW1509  # no threads here
    ) as running:
        assert running.stdout is not None
        told = [int(running.stdout.readline()) for _ in range(20)]
        running.send_signal(number)
        told += [int(line) for line in running.stdout]
    with project.catalog() as catalog:
        versions = [entry.version for entry in catalog.entries("flight_delay")]
    assert versions == list(range(len(versions), 0, -1))
    assert told == list(range(4, 4 + len(told)))
    assert len(told) + 3 <= len(versions) <= len(told) + 4
    assert project.run("verify", "--quick").returncode == 0


FORK = """
import os, pathlib, sys
from lineage_pipelines import Catalog, resolve_settings
from lineage_pipelines_tests.samples import make_record
settings = resolve_settings(start=pathlib.Path(sys.argv[1]))
with Catalog(settings.catalog, keys=settings.keys) as catalog:
    catalog.append(make_record(run="1000"))
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            for run in range(5):
                catalog.append(make_record(run=f"{2000 + 10 * child + run}"))
            os._exit(0)
        children.append(pid)
    for run in range(5):
        catalog.append(make_record(run=f"{3000 + run}"))
    print([os.waitpid(pid, 0)[1] for pid in children])
"""


def test_a_connection_is_not_shared_over_a_fork(project: Project) -> None:
    root = Path(lineage_pipelines.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(project.root)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[0, 0, 0, 0]\n", done.stderr
    with project.catalog() as catalog:
        assert len(catalog.entries("flight_delay")) == 3 + 1 + 4 * 5 + 5
    assert project.run("verify", "--quick").returncode == 0


# Surroundings

QUESTIONS = [
    ("show", "flight_delay@1", "--format", "json"),
    ("log", "flight_delay"),
    ("history", "flight_delay", "--format", "json"),
    ("verify", "--quick", "--full", "--format", "json"),
    ("checkpoint",),
]
BARE = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": None}
SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "optimized": {"PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "7", "COLUMNS": "3", "TERM": "dumb"},
    "LANG=C": {"LANG": "C", "LC_ALL": "C", **BARE},
    "Turkish, 14 hours ahead, no home": {"LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati", "HOME": None},
    "nothing that is there": {"LC_ALL": "xx_YY", "TZ": ":/nonsense\x01", "HOME": "/dev/null"},
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[Any]]:
    """A project with a decision, and what is answered there."""
    project = Project(tmp_path_factory.mktemp("answers")).make()
    assert project.run("promote", "flight_delay@1", *TO).returncode == 0
    project.run("verify", "--quick")
    return project, [_answer(project, words) for words in QUESTIONS]


def _answer(project: Project, words: tuple[str, ...], **options: Any) -> tuple[int, bytes]:
    done = project.run(*words, **options)
    assert done.stderr == "" or (words == ("checkpoint",) and done.stderr.startswith("commit the identity"))
    return done.returncode, done.stdout.encode()


@pytest.mark.parametrize("which", SURROUNDINGS)
def test_the_answer_is_the_same_everywhere(answers: tuple[Project, list[Any]], which: str) -> None:
    project, expected = answers
    for words, answer in zip(QUESTIONS, expected, strict=True):
        if words[0] == "log" and which == "LANG=C":
            continue  # text is written in what the terminal can show
        assert _answer(project, words, env=SURROUNDINGS[which]) == answer, words


def test_the_answer_is_the_same_in_isolation(answers: tuple[Project, list[Any]]) -> None:
    project, expected = answers
    isolated = (
        sys.executable,
        "-I",
        "-OO",
        "-c",
        "import sys\nfrom lineage_pipelines.cli import main\nsys.exit(main())",
    )
    for words, answer in zip(QUESTIONS, expected, strict=True):
        assert _answer(project, words, command=isolated) == answer


@pytest.mark.parametrize("optimized", ["", "2"])
def test_no_check_goes_away_with_its_assertions(people: Project, optimized: str) -> None:
    env = {"PYTHONOPTIMIZE": optimized}
    promote = ("promote", "flight_delay@1", *TO)
    assert people.run(*promote, env=env).returncode == 1
    approve = ("approve", "flight_delay@1", "--to", "production", "--reason", "x", "--key")
    people.refused(3, *approve, "ada.pem", env=env, told=["nobody may approve a version of their own"])
    people.refused(3, *approve, ".lineage/keys/log.pem", env=env, told=["is not one for approvals"])
    people.refused(2, "reject", "flight_delay@0", "--reason", "x", env=env, told=["not a version number"])


def test_an_assertion_only_tells_the_type_checker() -> None:
    """`python -O` leaves assertions out: they may say what is known already, and decide nothing."""
    found = [
        f"{path}: {ast.unparse(node.test)}"
        for path in sorted(Path(lineage_pipelines.__file__).parent.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert found
    assert [each for each in found if "is not None" not in each and ": isinstance(" not in each] == []


def test_files_are_their_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        project = Project(tmp_path / "open").make()
        assert project.run("promote", "flight_delay@1", *TO).returncode == 0
        assert project.run("verify", "--quick").returncode == 0
        with project.catalog():
            paths = [project.root / ".lineage", *(project.root / ".lineage").rglob("*")]
            modes = {str(path): stat.S_IMODE(path.stat().st_mode) for path in paths}
    finally:
        os.umask(before)
    assert {str(path) for path in paths} >= {str(project.file), str(project.root / ".lineage" / "keys" / "log.pem")}
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


def test_a_folder_that_was_removed_is_told(project: Project) -> None:
    gone = project.root / "gone"
    gone.mkdir()
    shell = f'rmdir "$PWD"; {QUOTED} models'
    done = project.run("-c", shell, command=("bash",), cwd=gone)
    check_refused(done, 3, ["the current folder no longer exists", "change to an existing folder"])
    by_url = project.run("-c", f"cd /; {QUOTED} --catalog sqlite:///{project.file} models", command=("bash",))
    assert by_url.returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="takes the right to become somebody else")
def test_an_account_without_a_name_decides_nothing(project: Project) -> None:
    nobody = python("import os\nos.setresuid(54321, 0, 0)")
    without = {"LOGNAME": None, "USER": None, "LNAME": None, "USERNAME": None, "HOME": None, "XDG_CONFIG_HOME": None}
    told = ["this account has no user name", "export LOGNAME="]
    project.refused(3, "promote", "flight_delay@1", *TO, command=nobody, env=without, told=told)
    new = ("key", "new", "--owner", "bob")
    project.refused(2, *new, command=nobody, env=without, told=["you have no home folder", "LINEAGE_APPROVAL_KEY"])
    assert project.run("models", command=nobody, env=without).returncode == 0


@pytest.mark.parametrize("name", ["LINEAGE_CATALOG", "LINEAGE_KEYS", "LINEAGE_ARTIFACTS", "LINEAGE_APPROVAL_KEY"])
def test_an_empty_variable_is_one_that_is_not_set(people: Project, name: str) -> None:
    done = people.run("verify", "--quick", env={name: ""})
    assert done.returncode == 0, done.stderr
    approve = ("approve", "flight_delay@1", "--to", "production", "--reason", "x", "--key", "ann.pem")
    assert people.run(*approve, env={name: ""}).returncode == 0


@pytest.mark.parametrize("keys", ["pyproject.toml", "/dev/null", "/proc/x"])
def test_a_folder_of_keys_that_is_none_signs_nothing(project: Project, keys: str) -> None:
    told = ["no signing key can be made", "/log.pem", "make its folder writable"]
    project.refused(3, "promote", "flight_delay@1", *TO, env={"LINEAGE_KEYS": keys}, told=told)
