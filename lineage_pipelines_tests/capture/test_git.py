"""What Git knows, in every state a repository can be in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_pipelines.capture.git.git_state import GitState, find_root, read_git
from lineage_pipelines_tests.capture.repository import Repository


def test_a_clean_tree(repository: Repository) -> None:
    repository.git("remote", "add", "origin", "https://ada:hunter2@example.org/team/project.git?token=x")
    state = read_git(repository.root)
    assert state == GitState(
        root=repository.root,
        repository="https://example.org/team/project.git",
        revision=repository.git("rev-parse", "HEAD"),
        branch="main",
    )


def test_from_a_folder_below_the_root(repository: Repository) -> None:
    repository.write("sub/deeper/x.py", "x = 1\n")
    repository.commit()
    assert read_git(repository.root / "sub" / "deeper") == read_git(repository.root)


def test_what_differs_is_listed_by_path(repository: Repository) -> None:
    repository.write("b.py", "b\n")
    repository.write("c.py", "c\n")
    repository.commit()
    repository.write("b.py", "changed\n")
    (repository.root / "c.py").unlink()
    repository.write("a/new é.py", "new\n")
    repository.write(".gitignore", "*.log\n")
    repository.write("ignored.log", "x\n")
    found = [(change.path.decode(), change.tracked) for change in read_git(repository.root).changes]
    assert found == [(".gitignore", False), ("a/new é.py", False), ("b.py", True), ("c.py", True)]


def test_our_own_state_does_not_make_the_tree_dirty(repository: Repository) -> None:
    repository.write(".lineage/catalog.db", "x")
    assert read_git(repository.root).changes == ()


_CACHES = [
    *("__pycache__/a.cpython-311.pyc", "pkg/__pycache__/a.cpython-311.pyc.4711", "pkg/a.pyc", "pkg/b.pyo"),
    *(".pytest_cache/v/x", ".mypy_cache/3.11/a.json", "sub/.ruff_cache/0.9/1", ".dmypy.json", ".hypothesis/examples/1"),
    *("notebooks/.ipynb_checkpoints/a-checkpoint.ipynb", "src/pkg.egg-info/PKG-INFO", ".coverage", ".coverage.host.1"),
    *(".tox/py/log", ".tmp_dagster_home_x1y2/history/runs.db", "odd é\nname/__pycache__/x"),
]
_SOURCES = ["pycache/a.py", "pkg/__pycache__.py", "pkg/a.pyx", "a.egg-info.md", "coverage.py", ".pytest_cache.toml"]


def test_bytecode_and_tool_caches_are_never_code(repository: Repository) -> None:
    for name in _CACHES:
        repository.write(name, "x")
    assert read_git(repository.root).changes == ()
    for name in _SOURCES:
        repository.write(name, "x")
    assert sorted(change.path.decode() for change in read_git(repository.root).changes) == sorted(_SOURCES)


def test_bytecode_that_was_committed_does_not_count_either(repository: Repository) -> None:
    repository.write("__pycache__/a.pyc", "old")
    repository.write("__pycache__/gone.pyc", "old")
    repository.commit()
    repository.write("__pycache__/a.pyc", "new")
    (repository.root / "__pycache__" / "gone.pyc").unlink()
    assert read_git(repository.root).changes == ()


def test_no_git(tmp_path: Path) -> None:
    assert read_git(tmp_path) == GitState(root=tmp_path, gaps=("code.revision: no Git repository",))


def test_no_commits(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "new", begin=False)
    repository.write("a.py", "a\n")
    state = read_git(repository.root)
    assert (state.revision, state.branch) == (None, "main")
    assert state.gaps == ("code.revision: the repository has no commits yet",)
    assert [change.path for change in state.changes] == [b"a.py"]


def test_a_detached_head(repository: Repository) -> None:
    repository.git("checkout", "-q", "--detach")
    state = read_git(repository.root)
    assert (state.revision, state.branch) == (repository.git("rev-parse", "HEAD"), None)
    assert state.gaps == ("code.branch: HEAD is detached",)


def test_a_shallow_clone(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.root}", str(tmp_path / "clone"))
    state = read_git(tmp_path / "clone")
    assert state.shallow
    assert state.gaps == ("code.history: the clone is shallow",)
    assert state.repository == "clone"  # a path of this machine is no address


def test_a_worktree(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "new.py").write_text("x\n")
    state = read_git(tmp_path / "side")
    assert (state.root, state.branch) == (tmp_path / "side", "side")
    assert [change.path for change in state.changes] == [b"new.py"]
    assert read_git(repository.root).changes == ()


def test_a_submodule(repository: Repository, tmp_path: Path) -> None:
    library = Repository(tmp_path / "library")
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.root), "lib")
    repository.commit()
    assert read_git(repository.root).changes == ()
    assert read_git(repository.root / "lib").root == repository.root / "lib"
    (repository.root / "lib" / "begin.py").write_text("changed\n")
    changes = read_git(repository.root).changes
    assert [(change.path, change.submodule) for change in changes] == [(b"lib", True)]
    repository.git("submodule", "deinit", "-q", "-f", "lib")
    assert read_git(repository.root).gaps == ("code.submodules: lib is not initialised",)


def test_dubious_ownership(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    state = read_git(repository.root)
    assert state.revision is None
    assert "safe.directory" in state.gaps[0]
    assert str(repository.root) not in state.gaps[0]


def test_git_is_not_installed(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert read_git(repository.root).gaps == ("code.revision: git is not installed",)


def test_a_git_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert read_git(tmp_path).gaps == ("code.revision: no Git repository",)


def test_a_broken_repository_names_no_path_of_this_machine(repository: Repository) -> None:
    (repository.root / ".git" / "index").write_bytes(b"broken")
    (gap,) = read_git(repository.root).gaps
    assert gap.startswith("code.revision: git status failed: ")
    assert str(repository.root) not in gap


def test_variables_of_an_outer_git_do_not_lead_astray(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    other.commit("other")
    before = read_git(repository.root)
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_TRACE", "1")
    assert read_git(repository.root) == before


def test_reading_changes_nothing_in_the_repository(repository: Repository) -> None:
    repository.write("new.py", "x\n")
    os.utime(repository.root / "begin.py", (1, 1))  # the index is stale now
    before = _fingerprints(repository.root / ".git")
    read_git(repository.root)
    assert _fingerprints(repository.root / ".git") == before


def _fingerprints(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_the_root_without_a_process(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository.root)
    (repository.root / "sub").mkdir()
    assert find_root(tmp_path / "link" / "sub") == repository.root
    assert find_root(tmp_path) == tmp_path


def test_works_after_the_current_folder_is_deleted(repository: Repository, tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from lineage_pipelines.capture.git.git_state import read_git;"
        "os.mkdir(sys.argv[2]); os.chdir(sys.argv[2]); os.rmdir(sys.argv[2]);"
        "print(read_git(Path(sys.argv[1])).revision)"
    )
    command = [sys.executable, "-c", script, str(repository.root), str(tmp_path / "gone")]
    env = {"PATH": os.environ["PATH"]}  # no HOME, no LANG
    done = subprocess.run(command, env=env, cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == repository.git("rev-parse", "HEAD")
