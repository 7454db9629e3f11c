"""Writing a file once and for ever into a local folder: all of it under its name, or nothing.

The order is that of reliability: temporary file, fsync, read-only mode, rename, fsync of the folder. After a crash
there is at most a temporary file whose name begins with `.tmp-`.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from lineage_pipelines.errors import ArtifactError

TEMPORARY = ".tmp-"
"""How the name of a file begins that is being written."""
_READ_ONLY = 0o444
_PRIVATE = 0o700
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
}


def write_once(target: Path, write: Callable[[BinaryIO], None], *, needs: int) -> None:
    """Write a file that must not be seen half-done.

    Args:
        target: its final name.
        write: writes the content.
        needs: bytes, for the message when there is no room.

    Raises:
        ArtifactError: it cannot be written; nothing is left behind.
    """
    with explained(target, needs):
        folder = target.parent
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(made):  # `parents=True` would make all but the last one as the umask says
            path.mkdir(exist_ok=True, mode=_PRIVATE)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), _READ_ONLY)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        for path in (folder, *(new.parent for new in made)):
            _sync_folder(path)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path, store: Path) -> Path:
    """Move a damaged object out of the way, into `.bad`, where it is evidence.

    Raises:
        OSError: it cannot be moved.
    """
    bad = store / ".bad"
    bad.mkdir(exist_ok=True, mode=_PRIVATE)
    target = Path(tempfile.mkdtemp(prefix=f"{path.name[:16]}-", dir=bad)) / path.name
    return path.rename(target)


@contextlib.contextmanager
def explained(path: Path, needs: int) -> Iterator[None]:
    """Turn an operating system's error about `path` into one that says what to do."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        fix = "make room or name another store (LINEAGE_ARTIFACTS)"
        if needs and error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = f"{needs:,} bytes are needed, {_free(path):,} are free; {fix}"
        raise ArtifactError(f"cannot store a file: {reason}", where=str(path), fix=fix) from error


def _free(path: Path) -> int:
    nearest = next(folder for folder in path.parents if folder.exists())
    return shutil.disk_usage(nearest).free
