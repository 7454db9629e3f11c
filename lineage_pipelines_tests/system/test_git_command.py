"""The Git runner: bounded, independent of the user's configuration, and files of many commits by one process."""

from pathlib import Path

import pytest

from lineage_pipelines.system.git_command import GitError, read_blobs, run_git
from lineage_pipelines_tests.world import World


@pytest.fixture
def repository(tmp_path: Path) -> World:
    """A repository with two commits."""
    world = World(tmp_path / "project")
    world.write("data/a b.txt", "one\n")
    world.write("data/empty", "")
    world.commit()
    world.write("data/a b.txt", "two")
    world.write("new\nline", "three")
    world.commit()
    return world


def test_a_process_is_bounded_in_time_and_output(repository: World) -> None:
    with pytest.raises(GitError, match="took longer than"):
        run_git(repository.root, ["-c", "alias.wait=!sleep 60", "wait"], timeout=0.2)
    with pytest.raises(GitError, match="gave more than 0 MB"):
        run_git(repository.root, ["-c", "alias.flood=!yes", "flood"], limit=10_000)


def test_the_folder_is_gone(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="the folder is gone"):
        run_git(tmp_path / "gone", ["status"])


def test_files_of_several_revisions_are_read_by_one_process(repository: World) -> None:
    oid = run_git(repository.root, ["rev-parse", "HEAD:data/empty"]).decode().strip()
    names = ["HEAD:data/a b.txt", "HEAD~1:data/a b.txt", oid, "HEAD:data/none 12", "HEAD:data", "0" * 40]
    assert read_blobs(repository.root, names) == [b"two", b"one\n", b"", None, None, None]


def test_paths_start_at_the_top_or_at_the_folder(repository: World) -> None:
    assert read_blobs(repository.root / "data", ["HEAD:./a b.txt", "HEAD:a b.txt"]) == [b"two", None]


def test_a_path_with_a_line_break_is_not_asked_for(repository: World) -> None:
    names = ["HEAD:new\nline", "HEAD:data/empty", "HEAD:data/empty"]
    assert read_blobs(repository.root, names) == [None, b"", b""]
    assert read_blobs(repository.root / "no such folder", []) == []


def test_blobs_beyond_the_limit_are_refused(repository: World, tmp_path: Path) -> None:
    with pytest.raises(GitError, match="gave more than"):
        read_blobs(repository.root, ["HEAD:data/a b.txt"] * 100, limit=1000)
    with pytest.raises(GitError, match="no Git repository"):
        read_blobs(tmp_path, ["HEAD:file"])


def test_the_configuration_of_the_user_changes_no_answer(
    repository: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["log", "--format=%s", "--stat"]
    before = run_git(repository.root, asked)
    config = tmp_path / "gitconfig"
    config.write_text("[color]\n\tui = always\n\tdiff = always\n[log]\n\tshowSignature = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert run_git(repository.root, asked) == before
