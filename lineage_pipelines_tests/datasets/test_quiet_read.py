import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lineage_pipelines.datasets.metafiles.quiet_read import QUIET_SECONDS, read_quietly
from lineage_pipelines.errors import DatasetError

CONTENT = b"x" * 40_000


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / ".dvc" / "tmp" / "lock"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """DVC's own lock, as DVC takes it."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.mark.usefixtures("lock")
def test_a_young_file_is_read_at_once_while_nobody_writes(tmp_path: Path) -> None:
    path = tmp_path / "dvc.lock"
    path.write_bytes(CONTENT)
    begin = time.monotonic()
    assert read_quietly(path) == CONTENT
    assert time.monotonic() - begin < QUIET_SECONDS


def test_an_old_file_is_read_whoever_holds_the_lock(tmp_path: Path, lock: Path) -> None:
    path = tmp_path / "dvc.lock"
    path.write_bytes(CONTENT)
    time.sleep(QUIET_SECONDS + 0.1)
    with held(lock):
        assert read_quietly(path, patience=0) == CONTENT


def test_a_young_file_waits_for_the_lock(tmp_path: Path, lock: Path) -> None:
    path = tmp_path / "dvc.lock"
    path.write_bytes(CONTENT)
    with held(lock), pytest.raises(DatasetError, match="was being rewritten"):
        read_quietly(path, patience=0.2)


def test_a_file_that_is_rewritten_in_place_is_never_read_in_part(tmp_path: Path, lock: Path) -> None:
    path = tmp_path / "sub" / "dvc.lock"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            with held(lock), path.open("wb", buffering=0) as file:
                for start in range(0, len(CONTENT), 4_000):
                    file.write(CONTENT[start : start + 4_000])
                    time.sleep(0.001)
            time.sleep(0.02)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        assert all(read_quietly(path) == CONTENT for _ in range(15))
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("seconds", [10_000, QUIET_SECONDS + 1])
def test_a_file_from_the_future_is_read_whoever_holds_the_lock(tmp_path: Path, lock: Path, seconds: float) -> None:
    path = tmp_path / "dvc.lock"
    path.write_bytes(CONTENT)
    later = time.time() + seconds
    os.utime(path, (later, later))
    with held(lock):
        assert read_quietly(path, patience=0) == CONTENT
