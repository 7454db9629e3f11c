"""The code digest is that of everything a function reaches, on every machine; and what an author adds to it."""

import os
import shutil
from pathlib import Path

import pytest

from lineage_pipelines.capture.sources.closure import code_digest
from lineage_pipelines.capture.sources.source_reader import SourceMemory
from lineage_pipelines.errors import CaptureError
from lineage_pipelines_tests.capture.source_project import TRAIN, SourceProject, package


def test_extra_sources(tmp_path: Path) -> None:
    project = package(tmp_path, pkg__train=TRAIN)
    project.write("sql/b.sql", "select 1")
    project.write("sql/deep/a.sql", "select 2")
    project.write("sql/__pycache__/x.pyc", "")
    project.write("sql/.hidden", "")
    project.write("one.yaml", "a: 1")
    own = ["pkg/__init__.py", "pkg/train.py"]
    extra = [Path("sql"), project.root / "one.yaml"]
    assert project.reached("pkg.train", extra_sources=extra) == ["one.yaml", *own, "sql/b.sql", "sql/deep/a.sql"]
    before = project.digest("pkg.train", extra_sources=extra)
    project.write("sql/b.sql", "select 3")
    assert project.digest("pkg.train", extra_sources=extra) != before


@pytest.mark.parametrize(
    ("path", "says"), [("nowhere", "does not exist"), ("../outside", "outside"), ("link", "outside"), ("big", "16 MB")]
)
def test_extra_sources_that_are_refused(tmp_path: Path, path: str, says: str) -> None:
    project = package(tmp_path, pkg__train=TRAIN)
    (tmp_path / "outside").write_text("x")
    (project.root / "link").symlink_to(tmp_path / "outside")
    with (project.root / "big").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    with pytest.raises(CaptureError, match=says):
        project.digest("pkg.train", extra_sources=[Path(path)])


def test_the_code_digest_follows_content_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = package(tmp_path, pkg__train="from pkg import a\n" + TRAIN, pkg__a="value = 1\n", pkg__other="")
    first = project.digest("pkg.train")
    monkeypatch.chdir(project.root / "pkg")
    assert project.digest("pkg.train") == first
    os.utime(project.root / "pkg" / "a.py", (1, 1))
    project.write("pkg/other.py", "changed = 1\n")
    project.write("pkg/a.py", "value = 1\r\n")
    assert project.digest("pkg.train") == first
    copy = SourceProject(tmp_path / "another" / "checkout", {})
    shutil.copytree(project.root, copy.root, dirs_exist_ok=True)
    assert copy.digest("pkg.train") == first
    project.write("pkg/a.py", "value = 2\n")
    assert project.digest("pkg.train") != first


def test_the_code_digest_names_the_function(tmp_path: Path) -> None:
    project = package(tmp_path, pkg__train=TRAIN + "def other():\n    pass\n")
    assert project.digest("pkg.train", name="other") != project.digest("pkg.train")


def test_the_code_digest_of_a_linked_checkout(tmp_path: Path) -> None:
    project = package(tmp_path, pkg__train=TRAIN)
    (tmp_path / "link").symlink_to(project.root)
    linked = SourceProject(tmp_path / "link", {})
    assert linked.digest("pkg.train") == project.digest("pkg.train")


def test_a_large_project_is_read_once(tmp_path: Path) -> None:
    files = {f"pkg/m{n}.py": f"value = {n}\n" for n in range(50)} | {"pkg/__init__.py": ""}
    names = ", ".join(f"m{n}" for n in range(50))
    project = SourceProject(tmp_path, files | {"pkg/train.py": f"from pkg import {names}\n" + TRAIN})
    with project.loaded("pkg.train") as train:
        memory = SourceMemory()
        before = code_digest(train, root=project.root, memory=memory)
        status = (project.root / "pkg/m7.py").stat()
        project.write("pkg/m7.py", "value = 8\n")
        os.utime(project.root / "pkg/m7.py", ns=(status.st_atime_ns, status.st_mtime_ns))
        assert (
            code_digest(train, root=project.root, memory=memory) == before
        )  # by its time and size it is the same file
        project.write("pkg/m7.py", "value = 77\n")
        assert code_digest(train, root=project.root, memory=memory) != before
