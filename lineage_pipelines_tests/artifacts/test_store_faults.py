"""However a put ends, what is under a name is whole, and what failed leaves nothing."""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.artifacts import limits

PUT = """
import sys, random
from pathlib import Path
from lineage_pipelines.artifacts.artifact_store import ArtifactStore

store, source = ArtifactStore(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
for number in range(10_000):
    if number % 2:
        store.put_bytes(random.randbytes(3 << 20))
    else:
        source.write_bytes(random.randbytes(3 << 20))
        store.put_file(source)
"""


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _kill_while_it_puts(store: Path, source: Path, after: float) -> None:
    command = [sys.executable, "-c", PUT, str(store), str(source)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(after)
        process.kill()


def test_a_kill_leaves_whole_files_and_at_most_a_temporary_one(tmp_path: Path) -> None:
    whole, draw = 0, random.Random(11)
    for attempt in range(6):
        folder = tmp_path / str(attempt)
        _kill_while_it_puts(folder, tmp_path / "source", draw.uniform(0.0, 0.15))
        names = {path for path in _files(folder) if not path.name.startswith(".new-")}
        assert len(_files(folder)) - len(names) <= 1
        for path in names:
            assert re.fullmatch(r"sha256/../[0-9a-f]{62}", path.relative_to(folder).as_posix())
            assert Digest.of(path.read_bytes()).hex == path.parent.name + path.name
            assert path.stat().st_mode & 0o777 == 0o444
        whole += len(names)
    assert whole


DATA = random.Random(12).randbytes(1 << 20)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of a megabyte."""
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def _both_ways(store: ArtifactStore, source: Path) -> list[Callable[[], Digest]]:
    return [lambda: store.put_bytes(DATA), lambda: store.put_file(source)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    with limits.disk(tmp_path / "disk", "512k"):
        yield tmp_path / "disk"


def test_a_full_disk_is_told_with_what_is_needed_and_nothing_stays(disk: Path, source: Path) -> None:
    store = ArtifactStore(str(disk / "store"))
    kept = store.put_bytes(b"small")
    for put in _both_ways(store, source):
        with pytest.raises(ArtifactError, match="the disk is full") as caught:
            put()
        assert re.search(r"1,048,576 bytes are needed, \d\d\d,\d\d\d are free", caught.value.fix)
        assert caught.value.where == store.url_of(Digest.of(DATA))
    assert [str(path) for path in _files(disk)] == [store.url_of(kept)]
    assert store.put_bytes(b"small too") in store


def test_a_copy_that_does_not_fit_leaves_nothing(disk: Path, source: Path, tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "store"))
    with pytest.raises(ArtifactError, match="the disk is full") as caught:
        store.fetch(store.put_file(source), disk / "model.skops")
    assert "0 bytes" not in caught.value.fix
    assert _files(disk) == []


def test_a_file_that_may_not_grow_leaves_nothing(tmp_path: Path, source: Path) -> None:
    store = ArtifactStore(str(tmp_path / "store"))
    with limits.no_file_beyond(100_000):
        for put in _both_ways(store, source):
            with pytest.raises(ArtifactError, match="cannot store a file: File too large"):
                put()
    assert _files(tmp_path / "store") == []
    assert store.read(store.put_file(source)) == DATA


def test_a_read_only_disk_is_told_and_can_be_read(disk: Path) -> None:
    store = ArtifactStore(str(disk / "store"))
    digest = store.put_bytes(b"model")
    limits.make_read_only(disk)
    assert store.put_bytes(b"model") == digest
    assert store.read(digest) == b"model"
    with pytest.raises(ArtifactError, match="the file system is read-only"):
        store.put_bytes(b"another")


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot store a file: Not a directory"):
        ArtifactStore(str(tmp_path / "store")).put_bytes(b"model")


def test_an_interrupt_leaves_nothing(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ArtifactStore(str(tmp_path / "store")).put_file(source)
    assert _files(tmp_path / "store") == []


PERMISSIONS = """
import pathlib, sys
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.errors import ArtifactError

folder = pathlib.Path(sys.argv[1])
store = ArtifactStore(str(folder))
digest = store.put_bytes(b"model")
path = pathlib.Path(store.url_of(digest))
for place, work in ((folder / "sha256", lambda: store.put_bytes(b"new")), (path, lambda: store.read(digest))):
    place.chmod(0o500 if place.is_dir() else 0)
    try:
        work()
    except ArtifactError as error:
        print(error.what)
"""


def test_what_permissions_forbid_is_told(tmp_path: Path) -> None:
    told = limits.run_as_anyone(PERMISSIONS, str(tmp_path / "store")).splitlines()
    assert told[0] == "cannot store a file: permission is denied"
    assert told[1].startswith("cannot read a stored file: [Errno 13] Permission denied")
