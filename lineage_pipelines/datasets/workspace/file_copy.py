"""File copy from the cache or the workspace into a private folder, with the digests of the copy.

The new file shares nothing that can be written through another name. A reflink (copy on write) is made where the file
system can, because it costs neither time nor space; otherwise the bytes are copied. Never a hard link: its bytes are
those of the cache object, so that writing to the one (root may, whatever its mode) changes the other, and
with it what every past record is about.
"""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.datasets.content.hashing import SHA256, FileDigests, new_hasher
from lineage_pipelines.datasets.content.stable_read import Take, feed, open_regular, unreadable
from lineage_pipelines.errors import DatasetError

_FICLONE = 0x40049409
_READ_ONLY = 0o444
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def copy_file(source: str | os.PathLike[str], target: Path, algorithm: str, *, needs: int = 0) -> FileDigests:
    """Put the bytes of `source` into a new read-only file; return the digests of the new file's bytes.

    Args:
        source: a regular file, not a link.
        target: must not exist; removed again if an exception is raised.
        algorithm: DVC's, `md5` or `md5-dos2unix`.
        needs: total bytes to be copied, for the error message if the disk is full.

    Raises:
        DatasetError: the source cannot be read or the target cannot be written.
    """
    handle, status = open_regular(source)
    try:
        with _new_file(target, needs) as new:
            return _fill(handle, new, _Filling(source, target, status.st_size, needs), algorithm)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class _Filling:
    source: str | os.PathLike[str]
    target: Path
    size: int
    needs: int

    def write(self, handle: int, block: memoryview) -> None:
        """Write a block whole."""
        try:
            while block:
                block = block[os.write(handle, block) :]
        except OSError as error:
            raise unwritable(self.target, self.needs or self.size, error) from error


def _fill(handle: int, new: int, filling: _Filling, algorithm: str) -> FileDigests:
    named, sha256 = new_hasher(algorithm), new_hasher(SHA256)
    takers: list[Take] = [named.update, sha256.update]
    shared = _reflink(handle, new)
    if not shared:
        takers.append(lambda block: filling.write(new, block))
    try:
        size = feed(new if shared else handle, takers, filling.size)
    except OSError as error:
        raise unreadable(filling.source, error) from error
    os.fchmod(new, _READ_ONLY)
    return FileDigests(named.hexdigest(), sha256.hexdigest(), size)


def _reflink(handle: int, new: int) -> bool:
    """Share the blocks of an open file, copy on write; False where the file system cannot."""
    try:
        fcntl.ioctl(new, _FICLONE, handle)
    except OSError:
        return False
    return True


@contextmanager
def _new_file(path: Path, size: int) -> Iterator[int]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(path, size, error) from error
    try:
        yield handle
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(handle)


class UnwritableError(DatasetError):
    """A file or folder cannot be written."""


def unwritable(path: Path, size: int, error: OSError) -> UnwritableError:
    """Make the error for a path that cannot be written; `size` is the number of bytes that were to go there."""
    code = errno.errorcode.get(error.errno or 0, "error")
    what = f"cannot place the data: {code} ({error.strerror})"
    if error.errno in _NO_ROOM:
        return UnwritableError(
            f"{what}; it needs {size:,} bytes and {_free(path):,} are free on that disk",
            where=str(path),
            fix="free space there, or put temporary files on another disk (TMPDIR)",
        )
    fix = "remove what is there" if error.errno == errno.EEXIST else "choose a folder that this user may write to"
    return UnwritableError(what, where=str(path), fix=fix)


def _free(path: Path) -> int:
    for folder in path.parents:
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
    return 0
