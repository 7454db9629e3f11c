"""`lineage diff`, as a person uses it: the forms of the answer, where it goes, and the exit code."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.cli.test_manners import command
from lineage_pipelines_tests.samples import digests

BOTH = ("diff", "flight_delay@2", "flight_delay@3")


@pytest.mark.usefixtures("project")
def test_a_difference_ends_with_1_and_none_with_0(lineage: Lineage) -> None:
    said = lineage(*BOTH)
    assert said.code == 1
    assert said.out.startswith("Why is flight_delay@3 different from flight_delay@2?\n")
    assert said.err == ""
    same = lineage("diff", "flight_delay@3", "flight_delay")
    assert same.code == 0
    assert "It is not: both are the same version." in same.out
    assert "What differs" not in same.out
    answer = lineage("diff", "flight_delay@3", "flight_delay", "--format", "json").json()
    assert answer["identical"] is True
    assert answer["changes"] == []


@pytest.mark.usefixtures("project")
def test_every_form_begins_with_what_differs(lineage: Lineage) -> None:
    heading = "What differs, the most likely explanation first"
    text, markdown, page = (lineage(*BOTH, "--format", form).out for form in ("text", "markdown", "html"))
    for short in (text, markdown):
        assert heading in short
        assert "The two versions" not in short
    assert page.index(heading) < page.index("The two versions")
    assert page.startswith("<!doctype html>")
    assert lineage(*BOTH, "--full").out.index(heading) < lineage(*BOTH, "--full").out.index("The two versions")
    answer = lineage(*BOTH, "--format", "json").json()
    first = answer["changes"][0]["text"].split(" (")[0]  # the rest may be cut
    assert first in " ".join(text.split())
    assert {change["name"]: change["kind"] for change in answer["data"]} == {"train": "changed", "test": "changed"}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_a_file_holds_what_would_be_printed(lineage: Lineage, tmp_path: Path, form: str) -> None:
    said = lineage(*BOTH, "--format", form, "-o", "why")
    assert (said.code, said.out, said.err) == (1, "", "wrote why\n")
    written, printed = (tmp_path / "why").read_text(encoding="utf-8"), lineage(*BOTH, "--format", form).out
    if form == "text":  # only what is printed wraps its lines
        written, printed = (" ".join(each.split()) for each in (written, printed))
    assert written == printed
    assert lineage(*BOTH, "--format", form, "-o", "nowhere/why").code == 3


@pytest.mark.usefixtures("project")
def test_what_is_folded_can_be_unfolded(lineage: Lineage) -> None:
    alike = ("diff", "flight_delay@1", "flight_delay@2")  # another metric of the same data
    folded, whole = lineage(*alike).out, lineage(*alike, "--full").out
    content = digests("train of through 2013-03").sha256 or ""
    assert "data the same (train, test)" in " ".join(folded.split())
    assert content[:12] not in folded
    assert content[:12] in whole


@pytest.mark.usefixtures("project")
def test_two_models_can_be_compared_and_rows_asked_for_without_data(lineage: Lineage) -> None:
    said = lineage("diff", "flight_delay", "minutes", "--rows")
    assert said.code == 1
    assert "These are two models: flight_delay and minutes." in said.out


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("flight_delay@2",), "REF"),
        (("flight_delay@2", "flight_delay@9"), "versions 1 to 3"),
        (("flight_dely", "flight_delay"), "flight_delay"),
        (("flight_delay@2", "flight_delay@3", "--format", "pdf"), "pdf"),
    ],
)
def test_a_bad_question_ends_with_2(lineage: Lineage, words: tuple[str, ...], told: str) -> None:
    said = lineage("diff", *words)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_a_page_is_not_written_to_a_terminal(project: Path) -> None:
    above, below = pty.openpty()
    words = [str(Path(sys.executable).with_name("lineage")), *BOTH, "--format", "html"]
    done = subprocess.run(words, cwd=project, stdout=below, stderr=subprocess.PIPE, text=True, check=False)
    os.close(below)
    os.close(above)
    assert done.returncode == 2
    assert "-o why.html" in done.stderr


@pytest.mark.parametrize("form", ["text", "html"])
def test_any_locale_will_do(project: Path, form: str) -> None:
    done = command(project, *BOTH, "--format", form, LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONIOENCODING="")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "flight_delay@3" in done.stdout


def test_asking_makes_no_file(lineage: Lineage, project: Path) -> None:
    def files() -> dict[Path, bytes]:  # but those that SQLite keeps while it reads
        return {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and "-" not in path.name}

    before = files()
    assert lineage(*BOTH).code == 1
    assert files() == before
