"""Atomic files: whole for every reader, private unless asked otherwise, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from lineage_pipelines.system.atomic_file import TEMPORARY, make_folder, replace_file


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_replacing_a_file_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    replace_file(path, b"1", durable=True)
    replace_file(path, b"2")
    assert path.read_bytes() == b"2"
    (tmp_path / "folder" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "folder", b"3")
    assert sorted(inner.name for inner in tmp_path.iterdir()) == ["folder", "new"]
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_is_its_owners_and_a_replaced_one_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"1")
    assert _mode(path) == 0o600
    path.chmod(0o640)
    replace_file(path, b"2")
    assert _mode(path) == 0o640
    replace_file(path, b"3", mode=0o444)
    assert (_mode(path), path.read_bytes()) == (0o444, b"3")


def test_a_file_that_may_not_be_replaced_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"first", overwrite=False)
    with pytest.raises(FileExistsError):
        replace_file(path, b"second", overwrite=False)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"half of the n")
        raise EOFError

    with pytest.raises(EOFError):
        replace_file(path, write)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_every_folder_that_is_made_has_the_same_permissions(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c", mode=0o700, durable=True)
    assert {_mode(tmp_path / each) for each in ("a", "a/b", "a/b/c")} == {0o700}
    make_folder(tmp_path / "a" / "b" / "c", mode=0o755)
    assert _mode(tmp_path / "a" / "b" / "c") == 0o700, "a folder that is there keeps its own"


_WRITER = """
import itertools, sys
from pathlib import Path
from lineage_pipelines.system.atomic_file import replace_file
for number in itertools.count():
    replace_file(Path(sys.argv[1]), bytes([number % 256]) * 200_000)
"""


def test_a_reader_sees_whole_files_and_a_kill_leaves_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with subprocess.Popen([sys.executable, "-c", _WRITER, path]) as process:
        while not path.exists():
            time.sleep(0.01)
            assert process.poll() is None
        seen: set[bytes] = set()
        end = time.monotonic() + 1
        while time.monotonic() < end or len(seen) < 2:
            data = path.read_bytes()
            assert data == data[:1] * 200_000
            seen.add(data[:1])
        os.kill(process.pid, signal.SIGKILL)
    data = path.read_bytes()
    assert data == data[:1] * 200_000
    assert all(left.name.startswith(TEMPORARY) for left in tmp_path.iterdir() if left != path)
