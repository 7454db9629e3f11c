"""Exit codes, errors without tracebacks, pipes, locales, and nothing heavy for a help text."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_pipelines.cli.main import lineage as group
from lineage_pipelines.cli.main import main
from lineage_pipelines_tests.cli.conftest import Lineage

_LINEAGE = shlex.quote(str(Path(sys.executable).with_name("lineage")))

HEAVY = ("dagster", "dvc", "pandas", "numpy", "sklearn", "sqlalchemy", "pyarrow", "skops", "rich", "hypothesis")


def command(project: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(sys.executable).with_name("lineage"), *words],
        cwd=project,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("log", "flight_dely"), "flight_delay"),
        (("show", "flight_delay@9"), "versions 1 to 3"),
        (("show", "flight_delay@0"), "flight_delay@1"),
        (("show", "minutes@2"), "version 1"),
        (("show", "flight_delay@production"), "flight_delay@7"),
        (("show", "../etc/passwd"), "model@7"),
        (("show", "Flight\x1b[31m"), "model@7"),
        (("show", "ffffff000000"), "ffffff000000"),
        (("show",), "REF"),
        (("log", "flight_delay", "--format", "xml"), "xml"),
        (("nonsense",), "nonsense"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_bad_question_is_told_in_words_and_ends_with_2(lineage: Lineage, words: tuple[str, ...], told: str) -> None:
    said = lineage(*words)
    assert said.code == 2
    assert said.out == ""
    assert told in said.err
    assert "Traceback" not in said.err
    assert "\x1b" not in said.err


def test_without_a_catalog_the_answer_is_what_to_do(
    lineage: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = lineage("models")
    assert said.code == 2
    assert "materialize" in said.err
    assert list(tmp_path.iterdir()) == [], "a question makes nothing"


def test_a_catalog_that_cannot_be_read_ends_with_3(lineage: Lineage, project: Path) -> None:
    path = project / ".lineage" / "catalog.db"
    path.write_bytes(b"not a database at all" * 100)
    said = lineage("models")
    assert said.code == 3
    assert str(path) in said.err
    assert "Traceback" not in said.err
    doctor = lineage("doctor")
    assert doctor.code == 1
    assert "catalog" in doctor.out


def test_debug_shows_where_it_came_from(project: Path) -> None:
    done = command(project, "--debug", "show", "nothing")
    assert "Traceback" in done.stderr
    assert done.returncode == 2, "the code of the same question without it"
    assert "Traceback" not in command(project, "show", "nothing").stderr


def test_another_catalog_can_be_named(lineage: Lineage, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{project}/.lineage/catalog.db"
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert lineage("models").code == 0, "pyproject.toml is looked for upwards"
    (elsewhere / "pyproject.toml").write_text("[tool.lineage]\n")
    assert lineage("models").code == 2
    assert lineage("--catalog", url, "models").code == 0
    monkeypatch.setenv("LINEAGE_CATALOG", url)
    assert lineage("models").code == 0


def test_what_nobody_has_thought_of_ends_with_3_and_without_a_traceback(tmp_path: Path) -> None:
    shell = f'rmdir "$PWD"; {_LINEAGE} models'
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(["bash", "-c", shell], cwd=gone, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "FileNotFoundError" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("reader", "shown"), [("head -1", "flight_delay version 3"), ("true", "")])
def test_a_reader_that_has_had_enough_is_no_error(project: Path, reader: str, shown: str) -> None:
    shell = f"{_LINEAGE} show flight_delay | {reader}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(shown)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_any_locale_will_do(project: Path, locale: str) -> None:
    for words in (("show", "flight_delay"), ("log", "flight_delay"), ("doctor",)):
        done = command(project, *words, LC_ALL=locale, LANG=locale, PYTHONUTF8="0", PYTHONIOENCODING="")
        assert "Traceback" not in done.stderr
        assert done.stdout


def test_text_is_coloured_on_a_terminal_only(project: Path) -> None:
    import pty

    assert "\x1b" not in command(project, "show", "flight_delay").stdout

    def on_a_terminal(**env: str) -> bytes:
        main, side = pty.openpty()
        with subprocess.Popen(
            [Path(sys.executable).with_name("lineage"), "show", "flight_delay"],
            cwd=project,
            env={**os.environ, "TERM": "xterm", **env},
            stdout=side,
        ):
            os.close(side)
            read = b""
            while True:
                try:
                    part = os.read(main, 65536)
                except OSError:
                    break
                if not part:
                    break
                read += part
        os.close(main)
        return read

    assert b"\x1b[" in on_a_terminal()
    assert b"\x1b[" not in on_a_terminal(NO_COLOR="1")


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("show", "--help"), ("models", "-h")])
def test_help_imports_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom lineage_pipelines.cli import main\n"
        f"try:\n    main({list(words)!r})\nexcept SystemExit:\n    pass\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_questions_import_neither_dagster_nor_dvc_nor_training_libraries(project: Path) -> None:
    code = (
        "import sys\nfrom lineage_pipelines.cli import main\nmain(['show', 'flight_delay'])\n"
        "print(sorted(set(sys.modules) & {'dagster', 'dvc', 'pandas', 'numpy', 'sklearn', 'pyarrow', 'skops'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_verb_explains_itself_with_an_example(lineage: Lineage) -> None:
    for name in group.commands:
        said = lineage(name, "--help")
        assert said.code == 0
        assert f"  lineage {name}" in said.out
        assert "Example" in said.out


@pytest.mark.parametrize(
    ("words", "what", "where"),
    [
        (["nope"], "no such command 'nope'", "lineage"),
        (["show", "--nope"], "no such option '--nope'", "lineage show"),
        (["diff", "a"], "missing argument 'REF'", "lineage diff"),
        (["attribute", "a", "b"], "missing option '--metric'", "lineage attribute"),
        (
            ["log", "a", "-n", "q"],
            "invalid value for '-n' / '--limit': 'q' is not a valid integer range",
            "lineage log",
        ),
        (["key", "nope"], "no such command 'nope'", "lineage key"),
    ],
)
def test_wrong_usage_is_refused_as_every_bad_input_is(
    words: list[str], what: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    fix = f"{where} --help shows the options, with an example"
    assert capsys.readouterr().err == f"error: {what}\n  where: {where}\n  fix:   {fix}\n"


def test_a_group_without_a_verb_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key"]) == 2
    assert capsys.readouterr().err.startswith("Usage: lineage key [OPTIONS] COMMAND [ARGS]...")
