"""Disks that are full, files that may not grow and folders that may not be written: real ones."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def disk(path: Path, size: str) -> Iterator[None]:
    """Mount a disk of this size, or skip the test."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


def make_read_only(path: Path) -> None:
    """Let nobody write to a mounted disk."""
    subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)


@contextlib.contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let this process write no file larger than `size`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def run_as_anyone(script: str, *arguments: str) -> str:
    """Run Python for which permissions hold, root or not, and return what it printed."""
    python = [sys.executable, "-c", script, *arguments]
    if os.getuid() == 0:
        python = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *python]
    return subprocess.run(python, check=True, capture_output=True, text=True).stdout


def fill(path: Path, *, leave: int) -> None:
    """Use up a disk but for about `leave` bytes."""
    free = os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize
    path.write_bytes(os.urandom(max(free - leave, 0)))
