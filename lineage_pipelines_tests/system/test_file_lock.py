"""File locks: one holder, until its process ends in any way or the block does."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lineage_pipelines.system.file_lock import hold_lock, is_locked, lock_folder, open_lock, try_lock

_HOLDER = """
import sys, time
from pathlib import Path
from lineage_pipelines.system.file_lock import hold_lock, lock_folder
with (lock_folder if Path(sys.argv[1]).is_dir() else hold_lock)(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def _held_elsewhere(path: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-c", _HOLDER, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def _is_free(path: Path, *, shared: bool = False) -> bool:
    with open_lock(path) as handle:
        return try_lock(handle, shared=shared)


def test_a_lock_has_one_holder_and_ends_with_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with _held_elsewhere(path) as process:
        assert not _is_free(path)
        process.kill()
        process.wait()
        assert _is_free(path)


def test_shared_holders_keep_out_the_others_only(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with open_lock(path) as one:
        assert try_lock(one, shared=True)
        assert _is_free(path, shared=True)
        assert not _is_free(path)
    assert _is_free(path)


def test_who_waits_is_called_and_may_give_up(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    calls: list[int] = []

    def give_up() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise TimeoutError

    with hold_lock(path):
        with pytest.raises(TimeoutError), hold_lock(path, on_wait=give_up):
            pytest.fail("it was held")
        assert not _is_free(path)
    assert len(calls) == 3
    assert _is_free(path)


def test_who_waits_gets_it_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    waiting, got = threading.Event(), threading.Event()

    def wait() -> None:
        with hold_lock(path, on_wait=waiting.set):
            got.set()

    with hold_lock(path):
        thread = threading.Thread(target=wait)
        thread.start()
        assert waiting.wait(30)
        assert not got.is_set()
    thread.join(30)
    assert got.is_set()


def test_a_process_that_inherits_the_handle_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with open_lock(path) as handle:
        assert try_lock(handle)
        child = subprocess.Popen(["sleep", "60"], pass_fds=[handle])
    try:
        assert not _is_free(path)
    finally:
        child.kill()
        child.wait()
    assert _is_free(path)


def test_a_folder_is_held_by_its_process(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with lock_folder(tmp_path):
        assert is_locked(tmp_path)
    with _held_elsewhere(tmp_path):
        assert is_locked(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match="link"):
        is_locked(tmp_path / "link")


def test_a_lock_file_has_the_permissions_that_were_asked_for(tmp_path: Path) -> None:
    with open_lock(tmp_path / "lock", mode=0o600) as handle:
        assert os.fstat(handle).st_mode & 0o777 == 0o600
