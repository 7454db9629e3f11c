"""Quiet read of DVC's metafiles: DVC rewrites `.dvc` and `dvc.lock` in place, so a plain read can see half a file.

A file that has not changed for a while is read directly. A recent one is read while we hold DVC's own lock shared,
because a process that rewrites a metafile holds it. The file's fingerprint must be the same before and after.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lineage_pipelines.errors import DatasetError
from lineage_pipelines.system.file_lock import try_lock

QUIET_SECONDS = 1.5
"""The age from which a file is read without taking DVC's lock."""
PATIENCE_SECONDS = 60.0

_PAUSE = 0.05


def read_quietly(path: Path, *, patience: float = PATIENCE_SECONDS) -> bytes:
    """Return the complete bytes of a metafile.

    Args:
        path: the file.
        patience: seconds to wait for a writer to finish.

    Raises:
        DatasetError: it is missing, not a regular file, unreadable, or is rewritten again and again.
    """
    deadline = time.monotonic() + patience
    while True:
        before = _fingerprint(path)
        data = _read(path) if _is_quiet(before) else _read_locked(path)
        if data is not None and _fingerprint(path) == before:
            return data
        if time.monotonic() > deadline:
            raise DatasetError(
                f"the file was being rewritten for {patience:g} seconds",
                where=str(path),
                fix="wait for the running `dvc` command to end, then try again",
            )
        time.sleep(_PAUSE)


def _fingerprint(path: Path) -> tuple[int, int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise DatasetError(f"cannot read the file: {error.strerror}", where=str(path)) from error
    if not stat.S_ISREG(found.st_mode):
        raise DatasetError("not a regular file", where=str(path))
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_quiet(fingerprint: tuple[int, int, int, int]) -> bool:
    age = time.time() - max(fingerprint[2:]) / 1e9
    # A time in the future is a wrong clock, and says nothing about a writer.
    return age > QUIET_SECONDS or age < -QUIET_SECONDS


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read the file: {error.strerror}", where=str(path)) from error


def _read_locked(path: Path) -> bytes | None:
    with _dvc_lock_free(path) as free:
        return _read(path) if free else None


@contextmanager
def _dvc_lock_free(path: Path) -> Iterator[bool]:
    """Hold DVC's lock shared; yield False if another process has it."""
    lock = _lock_file(path)
    if lock is None:
        yield True
        return
    try:
        handle = os.open(lock, os.O_RDONLY)
    except OSError:
        yield True
        return
    try:
        free = False
        with suppress(OSError):
            free = try_lock(handle, shared=True)
        yield free
    finally:
        os.close(handle)


def _lock_file(path: Path) -> Path | None:
    for folder in path.absolute().parents:
        if (folder / ".dvc").is_dir():
            return folder / ".dvc" / "tmp" / "lock"
    return None
