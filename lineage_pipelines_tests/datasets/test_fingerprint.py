"""Which files a path holds: those that DVC would version, and nothing that could not be read honestly."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.fingerprint import scan
from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.errors import DatasetError
from lineage_pipelines_tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks like a DVC project."""
    (tmp_path / ".dvc").mkdir()
    return tmp_path


def write(root: Path, files: dict[str, bytes]) -> Path:
    data = root / "data"
    for name, content in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    return data


def test_links_to_files_are_followed_and_links_to_folders_are_not_as_dvc_does(world: World) -> None:
    world.write("other/x.csv", "x\n")
    world.write("data/raw/a.csv", "a\n")
    world.path("data/raw/link.csv").symlink_to("../../other/x.csv")
    world.path("data/raw/folder").symlink_to("../../other")
    snapshots = SnapshotCache(world.root)
    found = snapshots.snapshot(world.path("data/raw"))
    assert found.files == 2
    world.track("data/raw")
    assert f"md5: {found.digest.md5}" in world.path("data/raw.dvc").read_text()


def _out(data: Path) -> None:
    (data / "link").symlink_to("/etc/hostname" if Path("/etc/hostname").exists() else "/etc/passwd")


def _fifo(data: Path) -> None:
    os.mkfifo(data / "pipe")


def _not_utf8(data: Path) -> None:
    (data / os.fsdecode(b"caf\xe9.csv")).write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_out, "the path leads out of the project, to /etc/"),
        (lambda data: (data / "link").symlink_to("link"), r"ELOOP"),
        (lambda data: (data / "link").symlink_to("nowhere"), r"ENOENT"),
        (_fifo, "not a regular file but a FIFO"),
        (_not_utf8, r"the name of a file is not UTF-8: deep/caf%E9\.csv"),
        (lambda data: (data / ".dvcignore").write_text("x"), "a .dvcignore must not be inside tracked data"),
    ],
)
def test_a_folder_with_something_else_in_it_is_refused(
    root: Path, spoil: Callable[[Path], object], message: str
) -> None:
    data = write(root, {"a": b"1", "deep/b": b"2"})
    spoil(data / "deep")
    with pytest.raises(DatasetError, match=message) as caught:
        SnapshotCache(root).snapshot(data)
    assert caught.value.where
    assert not (root / ".dvc/tmp").exists()


@pytest.mark.parametrize(
    ("path", "message"), [("nowhere", "ENOENT"), ("loop", "ELOOP"), ("out", "the path leads out of the project")]
)
def test_a_path_that_is_not_there_or_not_ours_is_refused(root: Path, path: str, message: str) -> None:
    (root / "loop").symlink_to("loop")
    (root / "out").symlink_to("/etc")
    with pytest.raises(DatasetError, match=message):
        SnapshotCache(root).snapshot(root / path)


def test_links_may_lead_into_the_cache(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    cache = tmp_path_factory.mktemp("cache")
    (cache / "object").write_bytes(b"1")
    (root / "data.csv").symlink_to(cache / "object")
    with pytest.raises(DatasetError, match="leads out of the project"):
        SnapshotCache(root).snapshot(root / "data.csv")
    assert SnapshotCache(root, links_into=[cache]).snapshot(root / "data.csv").size == 1


def test_what_belongs_to_git_or_another_project_is_left_out_as_dvc_does(world: World) -> None:
    world.write("data/raw/a.csv", "a\n")
    for name in ("sub/.git/HEAD", "sub/.hg/x", "sub/b.csv", "other/.dvc/config", "other/c.csv", "sub/.git.csv"):
        world.write(f"data/raw/{name}", name)
    found = SnapshotCache(world.root).snapshot(world.path("data/raw"))
    assert found.files == 3
    world.track("data/raw")
    assert f"md5: {found.digest.md5}" in world.path("data/raw.dvc").read_text()


def test_dvcignore_is_respected_as_dvc_does(world: World) -> None:
    for name in ("a.csv", "b.tmp", "deep/c.tmp", "deep/keep.tmp", "cache/d.csv"):
        world.write(f"data/raw/{name}", name)
    world.write(".dvcignore", "# scratch\n*.tmp\n!keep.tmp\n")
    world.write("data/.dvcignore", "cache/\n")
    snapshots = SnapshotCache(world.root)
    found = snapshots.snapshot(world.path("data/raw"))
    assert found.files == 2
    world.track("data/raw")
    assert f"md5: {found.digest.md5}" in world.path("data/raw.dvc").read_text()
    world.write(".dvcignore", "*.tmp\n")
    assert snapshots.snapshot(world.path("data/raw")).files == 1


def test_a_scan_lists_every_file_once(root: Path) -> None:
    data = write(root, {"b": b"1", "a/c": b"22", "a.x": b""})
    found = scan(data, within=[root])
    assert [(path, sign.size) for path, sign in found.files] == [("a.x", 0), ("a/c", 2), ("b", 1)]
    assert found.fingerprint == scan(data, within=[root]).fingerprint
