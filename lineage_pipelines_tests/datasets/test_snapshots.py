"""Snapshots: the same content as DVC sees, by the same name, read again only when it changed."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.datasets.content.hashing import MD5, MD5_UNIX, SHA256, hash_file, listing_sha256
from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.datasets.content.stable_read import ChangingDataError
from lineage_pipelines_tests.world import World

BYTES = random.Random(13)

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC

SETTLED = 2.1
"""Seconds after which a change is old enough to be trusted."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks like a DVC project."""
    root = tmp_path / "project"
    (root / ".dvc").mkdir(parents=True)
    return root


def write(root: Path, files: dict[str, bytes]) -> Path:
    data = root / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    return data


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders whose files changed long enough ago. Moving a folder does not touch the files in it."""
    shelf = tmp_path_factory.mktemp("shelf")
    for number in range(6):
        data = write(shelf / str(number), {f"{i}": BYTES.randbytes(1 << 20) for i in range(3)} | {"text": b"1\r\n"})
        (data / "link").symlink_to("../targets/one")
        (data.parent / "targets").mkdir()
        for name in ("one", "two"):
            (data.parent / "targets" / name).write_text(name)
    time.sleep(SETTLED)
    return shelf


@pytest.fixture
def settled(root: Path, shelf: Path) -> Path:
    """A folder in the project of five files, none of which changed just now."""
    for path in list(next(shelf.iterdir()).iterdir()):
        path.rename(root / path.name)
    next(shelf.iterdir()).rmdir()
    return root / "data"


def state_file(root: Path) -> Path:
    (path,) = (root / ".dvc/tmp/lineage_pipelines/snapshots").iterdir()
    return path


def head(root: Path) -> dict[str, Any]:
    """The first line of the memory."""
    value: dict[str, Any] = json.loads(state_file(root).read_bytes().splitlines()[0].split(b" ", 1)[1])
    return value


def bytes_read() -> int:
    """How many bytes this process has read so far, by whatever means."""
    return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])


_NAME = st.text(
    st.characters(blacklist_characters="/\0\\", blacklist_categories=["Cs"]), min_size=1, max_size=6
).filter(lambda name: name not in {".", "..", ".git", ".hg", ".dvc", ".dvcignore"} and len(name.encode()) < 200)
_TREE = st.recursive(
    st.binary(max_size=20), lambda inner: st.dictionaries(_NAME, inner, max_size=4), max_leaves=12
).filter(lambda tree: isinstance(tree, dict))


def _plant(folder: Path, tree: dict[str, object]) -> None:
    folder.mkdir(parents=True)
    for name, inner in tree.items():
        if isinstance(inner, dict):
            _plant(folder / name, inner)
        elif isinstance(inner, bytes):
            (folder / name).write_bytes(inner)


@given(_TREE)
def test_a_folder_has_the_md5_that_dvc_gives_it(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.db.local import LocalHashFileDB
    from dvc_objects.fs.local import localfs

    root = tmp_path_factory.mktemp("tree")
    _plant(root / "data", tree)
    store = LocalHashFileDB(localfs, str(root / "store"))  # type: ignore[no-untyped-call]  # DVC's
    _, _, obj = build(store, str(root / "data"), localfs, "md5", dry_run=True)
    found = SnapshotCache(root).snapshot(root / "data")
    assert found.digest.md5 == obj.hash_info.value
    assert found.size == sum(path.stat().st_size for path in (root / "data").rglob("*") if path.is_file())
    assert found.files == sum(path.is_file() for path in (root / "data").rglob("*"))


@given(_TREE)
def test_same_content_same_name(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]) -> None:
    root = tmp_path_factory.mktemp("tree")
    _plant(root / "here", tree)
    _plant(root / "there" / "deeper", dict(reversed(tree.items())))
    for path in (root / "there").rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o755)
    snapshots = SnapshotCache(root)
    assert snapshots.snapshot(root / "here") == snapshots.snapshot(root / "there" / "deeper")


def test_a_folder_has_the_digests_that_dvc_recorded(world: World) -> None:
    world.write("data/raw/a.csv", "a\n1\n")
    world.write("data/raw/sub/ümläut \U0001f600.csv", "b\n")
    world.write("data/raw/empty", "")
    world.track("data/raw")
    recorded = world.path("data/raw.dvc").read_text()
    found = SnapshotCache(world.root).snapshot(world.path("data/raw"))
    assert f"md5: {found.digest.md5}" in recorded
    assert f"size: {found.size}" in recorded
    assert f"nfiles: {found.files}" in recorded
    expected = [
        (str(path.relative_to(world.path("data/raw"))), hash_file(path).sha256)
        for path in world.path("data/raw").rglob("*")
        if path.is_file()
    ]
    assert found.digest.sha256 == listing_sha256(expected)


def test_a_file_has_its_own_digests(root: Path) -> None:
    path = root / "a.csv"
    path.write_bytes(b"a\r\n1\r\n")
    snapshots = SnapshotCache(root)
    found = snapshots.snapshot(path)
    assert found.digest.md5 == hashlib.md5(b"a\r\n1\r\n").hexdigest()
    assert found.digest.sha256 == hashlib.sha256(b"a\r\n1\r\n").hexdigest()
    assert (found.size, found.files) == (6, 1)
    assert snapshots.name(path, MD5_UNIX) == hashlib.md5(b"a\n1\n").hexdigest()
    assert snapshots.snapshot(path, algorithms=(SHA256,)).digest.sha256 == found.digest.sha256


def test_unchanged_data_is_not_read_again(root: Path, settled: Path) -> None:
    first = SnapshotCache(root).snapshot(settled)
    before = bytes_read()
    assert SnapshotCache(root).snapshot(settled) == first
    assert bytes_read() - before < 100_000


def test_only_what_changed_is_read_again(root: Path, settled: Path) -> None:
    snapshots = SnapshotCache(root)
    first = snapshots.snapshot(settled)
    (settled / "new").write_bytes(BYTES.randbytes(10_000))
    (settled / "2").unlink()
    before = bytes_read()
    second = snapshots.snapshot(settled)
    assert bytes_read() - before < 200_000
    assert second != first
    assert second == SnapshotCache(root.parent).snapshot(settled)
    assert second.files == first.files


def test_another_digest_is_added_to_what_is_known(root: Path, settled: Path) -> None:
    snapshots = SnapshotCache(root)
    assert snapshots.snapshot(settled, algorithms=(SHA256,)).digest.md5 is None
    both = snapshots.snapshot(settled)
    assert snapshots.name(settled, MD5_UNIX) != both.digest.md5
    assert set(head(root)["digests"]) == {MD5, SHA256, MD5_UNIX}


def test_an_edit_of_the_same_size_with_its_time_set_back_is_seen(root: Path, settled: Path) -> None:
    snapshots = SnapshotCache(root)
    before = (settled / "text").stat()
    first = snapshots.snapshot(settled)
    (settled / "text").write_bytes(b"2\r\n")
    os.utime(settled / "text", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (settled / "text").stat().st_mtime_ns == before.st_mtime_ns
    assert snapshots.snapshot(settled).digest != first.digest


def test_what_changed_just_now_is_not_trusted(root: Path, settled: Path) -> None:
    (settled / "young").write_bytes(b"1")
    snapshots = SnapshotCache(root)
    first = snapshots.snapshot(settled)
    assert head(root)["fingerprint"] == ""
    rows = json.loads(state_file(root).read_bytes().splitlines()[1])
    assert [path for path, _, _ in rows] == ["0", "1", "2", "link", "text"]
    before = bytes_read()
    assert snapshots.snapshot(settled) == first
    assert bytes_read() - before < 100_000  # the old files were not read


def test_a_link_to_another_file_is_seen(root: Path, settled: Path) -> None:
    snapshots = SnapshotCache(root)
    first = snapshots.snapshot(settled)
    (settled / "link").unlink()
    (settled / "link").symlink_to("../targets/two")
    second = snapshots.snapshot(settled)
    assert second.digest != first.digest
    assert second.size == first.size


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([b"", b"1", b"2", b"33"])), max_size=8))
def test_no_edit_goes_unseen(tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, bytes]]) -> None:
    root = tmp_path_factory.mktemp("edits")
    (root / ".dvc").mkdir()
    data = write(root, {"a": b"1"})
    snapshots = SnapshotCache(root)
    for name, content in edits:
        if content:
            (data / name).write_bytes(content)
            os.utime(data / name, ns=(0, 0))
        else:
            (data / name).unlink(missing_ok=True)
        fresh = root.parent / f"{root.name}-fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(data, fresh / "data")
        assert snapshots.snapshot(data) == SnapshotCache(fresh).snapshot(fresh / "data")


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)


def _flip_digest(path: Path) -> None:
    data = path.read_bytes()
    digest = json.loads(data.splitlines()[0].split(b" ", 1)[1])["digests"]["md5"].encode()
    path.write_bytes(data.replace(digest, digest[::-1]))


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _flip,
        _flip_digest,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\n\n"),
        lambda path: path.write_bytes(BYTES.randbytes(500)),
        lambda path: path.write_bytes(b"0 {}\n[]"),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 2')),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_a_damaged_memory_only_costs_time(root: Path, damage: Callable[[Path], object]) -> None:
    data = write(root, {"a": b"1", "b/c": b"2"})
    time.sleep(0.05)
    snapshots = SnapshotCache(root)
    first = snapshots.snapshot(data)
    damage(state_file(root))
    assert SnapshotCache(root).snapshot(data) == first
    (data / "a").write_bytes(b"3")
    assert snapshots.snapshot(data) != first


def test_without_a_place_for_the_memory_it_works_the_same(root: Path) -> None:
    data = write(root, {"a": b"1"})
    (root / ".dvc/tmp").write_text("not a folder")
    assert SnapshotCache(root).snapshot(data).files == 1
    assert (root / ".dvc/tmp").read_text() == "not a folder"


def test_the_memory_leaves_no_temporary_files(root: Path) -> None:
    data = write(root, {"a": b"1"})
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: SnapshotCache(root).snapshot(data), range(20)))
    assert len(found) == 1
    assert state_file(root).suffix == ".json"


@pytest.fixture
def busy(root: Path) -> Iterator[Path]:
    """A file that another process never stops writing to."""
    path = write(root, {"log": b"", "large": bytes(40 << 20)}) / "log"
    code = (
        "import os, sys\nhandle = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)\nwhile True: os.write(handle, b'x')"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as writer:
        while not path.stat().st_size:
            time.sleep(0.01)
        yield path
        writer.kill()


def test_data_that_never_stops_changing_is_refused(root: Path, busy: Path) -> None:
    with pytest.raises(ChangingDataError, match="changed while it was read") as caught:
        SnapshotCache(root).snapshot(busy.parent)
    assert "wait until nothing writes to it" in caught.value.fix
