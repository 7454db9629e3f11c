"""File lock: the kernel's `flock` on a file or folder. It ends with the process that holds it, however that ends.

A process that inherits the handle holds the lock, too. Locks of other programs on the same file, such as DVC's, count.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE_SECONDS = 0.05


@contextmanager
def open_lock(path: Path, *, mode: int = 0o666) -> Iterator[int]:
    """Open a file to be locked, and let go of its lock in the end.

    Args:
        path: the file, made when missing. It is never removed: others may wait for it.
        mode: its permissions when it is made, less the umask.

    Yields:
        The handle, not locked yet.

    Raises:
        OSError: the file cannot be opened.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        yield handle
    finally:
        os.close(handle)


def try_lock(handle: int, *, shared: bool = False) -> bool:
    """Lock an open file if it is free.

    Args:
        handle: of the open file.
        shared: whether others may hold it shared at the same time.

    Returns:
        Whether it is locked now.

    Raises:
        OSError: the file system has no locks.
    """
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the second one on some network disks
        return False
    return True


@contextmanager
def hold_lock(path: Path, *, on_wait: Callable[[], object] = lambda: None) -> Iterator[int]:
    """Hold the lock of a file; wait while another handle holds it.

    Args:
        path: the file, made when missing.
        on_wait: called every 50 ms while waiting; an exception of it ends the waiting.

    Yields:
        The handle.

    Raises:
        OSError: the file cannot be opened, or the file system has no locks.
    """
    with open_lock(path) as handle:
        while not try_lock(handle):
            on_wait()
            time.sleep(_PAUSE_SECONDS)
        yield handle


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a folder of this process's own, so that `is_locked` tells others that it is in use.

    Raises:
        OSError: the folder cannot be opened.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Return whether a process holds a folder.

    Raises:
        OSError: the folder cannot be opened, or is a symbolic link.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return not try_lock(handle)
    finally:
        os.close(handle)
