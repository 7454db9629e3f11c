"""Witnesses: checkpoints that are kept outside the project find what a rewritten history of Git hides."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.samples import make_record


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    """A folder outside the project."""
    folder = tmp_path / "audit"
    folder.mkdir()
    return folder


@pytest.fixture
def signed(tmp_path: Path, audit: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in Git with a signed log of two versions and a witness."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text(f'[tool.lineage]\nwitnesses = ["{audit}"]\n')
    monkeypatch.chdir(root)
    for words in (("init", "-q"), ("add", "pyproject.toml"), ("commit", "-qm", "Begin")):
        subprocess.run(["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.invalid", *words], check=True)
    append("1", "2")
    return root


def append(*runs: str) -> None:
    settings = resolve_settings()
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        for run in runs:
            catalog.append(make_record(run=run))


def claim(lineage: Lineage) -> tuple[str, str]:
    rows = lineage("verify", "--quick", "--format", "json").json()
    return next((row["verdict"], row["detail"]) for row in rows if row["claim"] == "checkpoint")


@pytest.mark.usefixtures("signed")
def test_a_witness_is_counted(lineage: Lineage, audit: Path) -> None:
    assert claim(lineage)[0] == "NOT CHECKED"
    said = lineage("checkpoint", "--witness", str(audit))
    assert (said.code, said.out, "name it in" in said.err) == (0, "", False)
    append("3")
    lineage("checkpoint", "--witness", str(audit))
    assert len(list(audit.iterdir())) == 2
    verdict, detail = claim(lineage)
    assert verdict == "PASS"
    assert detail.startswith("the log begins with the 4 entries that the witness")
    assert detail.endswith(f"; witnessed by 1: {audit}")
    assert lineage("checkpoint", "--witness", str(audit)).code == 0, "the same again"


def test_a_rewritten_log_contradicts_its_witness(signed: Path, lineage: Lineage, audit: Path) -> None:
    lineage("checkpoint", "--witness", str(audit))
    shutil.rmtree(signed / ".lineage")
    append("1", "other")  # another log, with another checkpoint
    verdict, detail = claim(lineage)
    assert (verdict, "is of another log, or the first entry was rewritten" in detail) == ("FAIL", True)


def test_a_log_that_was_cut_off_contradicts_its_witness(signed: Path, lineage: Lineage, audit: Path) -> None:
    shutil.copytree(signed / ".lineage", signed / "before")
    append("3")
    lineage("checkpoint", "--witness", str(audit))
    shutil.rmtree(signed / ".lineage")
    shutil.move(signed / "before", signed / ".lineage")
    verdict, detail = claim(lineage)
    assert (verdict, "entries 4 to 4 are gone: the witness" in detail) == ("FAIL", True)
    append("another third")
    refused = lineage("checkpoint", "--witness", str(audit))
    assert refused.code == 3
    assert "the witness has another checkpoint of this size" in refused.err
    verdict, detail = claim(lineage)
    assert (verdict, "the first 4 entries are not what the witness" in detail) == ("FAIL", True)


@pytest.mark.usefixtures("signed")
def test_a_witness_that_says_nothing_is_no_pass(lineage: Lineage, audit: Path) -> None:
    lineage("checkpoint", "--witness", str(audit))
    (kept,) = audit.iterdir()
    kept.chmod(0o600)
    kept.write_text("not a checkpoint")
    assert claim(lineage)[0] == "NOT CHECKED"
    shutil.rmtree(audit)
    verdict, detail = claim(lineage)
    assert (verdict, f"a witness says nothing: {audit} is not there" in detail) == ("NOT CHECKED", True)


def test_what_is_committed_counts(signed: Path, lineage: Lineage, audit: Path) -> None:
    lineage("checkpoint", "--witness", str(audit))
    (signed / "pyproject.toml").write_text("[tool.lineage]\n")
    assert claim(lineage)[1].endswith(f"; witnessed by 1: {audit}")


def test_a_witness_is_a_folder_outside_the_project(signed: Path, lineage: Lineage, tmp_path: Path) -> None:
    (signed / "inside").mkdir()
    inside = lineage("checkpoint", "--witness", "inside")
    assert (inside.code, "has to be outside the project" in inside.err) == (3, True)
    gone = lineage("checkpoint", "--witness", str(tmp_path / "gone"))
    assert (gone.code, "a folder that is there" in gone.err) == (3, True)
    new = tmp_path / "new"
    new.mkdir()
    assert f'witnesses = ["{new}"]' in lineage("checkpoint", "--witness", str(new)).err
