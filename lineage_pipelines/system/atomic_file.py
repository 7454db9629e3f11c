"""Atomic file: other processes see the old bytes or the new ones, never a part, even when the writer is killed.

The bytes are written under a temporary name in the same folder, which is then renamed.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".new-"
"""The prefix of the temporary names. A process that is killed leaves such a file behind."""
_OWNER_ONLY = 0o600


def replace_file(
    path: Path,
    content: bytes | Callable[[BinaryIO], object],
    *,
    mode: int | None = None,
    durable: bool = False,
    overwrite: bool = True,
    folder_mode: int = 0o777,
) -> None:
    """Write a file atomically.

    Args:
        path: the file; missing folders are made.
        content: the new bytes, or a function that writes them to the open file.
        mode: its permissions; by default those of the file that is replaced, for a new file the owner's only.
        durable: whether the new bytes and the name survive a loss of power.
        overwrite: whether an existing file may be replaced.
        folder_mode: permissions of the folders that are made.

    Raises:
        FileExistsError: there is such a file, and it may not be replaced.
        OSError: the file cannot be written. The old file is unchanged and no temporary file is left.
    """
    make_folder(path.parent, mode=folder_mode, durable=durable)
    with temporary_beside(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
        with os.fdopen(handle, "wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
        mode = _mode_of(path) if mode is None else mode
        move_into_place(temporary, path, mode=mode, durable=durable, overwrite=overwrite)


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Yield an unused name in the folder of `path`, and remove what was not moved away from it in the end."""
    temporary = path.with_name(f"{TEMPORARY}{os.urandom(8).hex()}")
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def move_into_place(
    temporary: Path, path: Path, *, mode: int | None = None, durable: bool = False, overwrite: bool = True
) -> None:
    """Give a finished file its name, in the same folder.

    Args:
        temporary: the file or symbolic link.
        path: its new name.
        mode: permissions to set before; None leaves them.
        durable: whether its bytes and the name survive a loss of power.
        overwrite: whether an existing file may be replaced.

    Raises:
        FileExistsError: there is such a file, and it may not be replaced.
        OSError: the file cannot be moved.
    """
    if mode is not None:
        temporary.chmod(mode)
    if durable:
        _sync(temporary)
    if overwrite:
        temporary.replace(path)
    else:
        os.link(temporary, path)  # unlike a rename, it refuses to replace a file
    if durable:
        _sync(path.parent)


def make_folder(folder: Path, *, mode: int = 0o777, durable: bool = False) -> None:
    """Make a folder, and those above it that are missing, all with the same permissions.

    Raises:
        OSError: the folder cannot be made.
    """
    for path in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        path.mkdir(exist_ok=True, mode=mode)  # `parents=True` would give this mode to the last one only
        if durable:
            _sync(path.parent)


def _mode_of(path: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    return None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
