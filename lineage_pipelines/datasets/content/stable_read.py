"""Stable read of a file for its digests: regular files only, once, in blocks, never while they are written.

A FIFO would hang, a device would never end, and a symbolic link must first be resolved by code that knows where it
may lead (fingerprint.py). Memory does not grow with the size of a file.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from lineage_pipelines.errors import DatasetError

if TYPE_CHECKING:
    from concurrent.futures import Future

BLOCK = 1 << 20
"""Bytes read at once. DVC 2 normalised line ends block by block of this size, so `md5-dos2unix` depends on it."""

Take = Callable[[memoryview], object]
"""Takes the next block; the block is not valid afterwards."""

_ONE_READ = 64 << 10
"""Up to this size a file is read by one call."""
_SIDE_BY_SIDE = 4 << 20
"""From this size on, the first taker of the blocks runs in its own thread."""


class Signature(NamedTuple):
    """The metadata of a file. While it stays the same, so do the bytes.

    A write changes `ctime`, which no program can set back: an edit of the same size with its old `mtime` restored
    is seen.
    """

    inode: int
    mtime: int
    """Nanoseconds."""
    ctime: int
    """Nanoseconds."""
    size: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Signature":
        """Take the signature out of a stat result."""
        return tuple.__new__(cls, (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size))


class ChangingDataError(DatasetError):
    """The data changed while it was read."""


def open_regular(path: str | os.PathLike[str]) -> tuple[int, os.stat_result]:
    """Open a regular file for reading; return its handle and status. The last part of `path` must not be a link.

    Raises:
        DatasetError: it is missing, not a regular file, or cannot be opened.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise unreadable(path, error) from error
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode):
        return handle, status
    os.close(handle)
    raise DatasetError(f"not a regular file but a {kind_of(status.st_mode)}", where=str(path), fix="use a regular file")


def kind_of(mode: int) -> str:
    """Name the kind of a directory entry by its mode."""
    kinds = {
        stat.S_IFDIR: "directory",
        stat.S_IFIFO: "FIFO",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "character device",
        stat.S_IFBLK: "block device",
        stat.S_IFLNK: "symbolic link",
    }
    return kinds.get(stat.S_IFMT(mode), "special file")


def unreadable(path: str | os.PathLike[str], error: OSError) -> DatasetError:
    """Make the error for a file that cannot be read."""
    code = errno.errorcode.get(error.errno or 0, "error")
    fixes = {
        errno.ENOENT: "restore it, for example with `dvc checkout`",
        errno.EACCES: "give this user the right to read it (`chmod u+r`)",
        errno.ELOOP: "replace the symbolic link by the file itself",
    }
    return DatasetError(
        f"cannot read the file: {code} ({error.strerror})", where=str(path), fix=fixes.get(error.errno or 0, "")
    )


def feed(handle: int, takers: Sequence[Take], size: int, *, chunk: int = BLOCK, helper: bool = True) -> int:
    """Read an open file to its end, give every block to every taker, and return the bytes read.

    Args:
        handle: an open file, at its beginning.
        takers: hashers and writers. The first has a thread of its own when the file is large: hashing leaves the
            interpreter free, and MD5, which takes the longest, comes first.
        size: the approximate size of the file; decides only how it is read.
        chunk: bytes read at once.
        helper: whether that thread may be used; it only gets in the way if every core has a file to read.

    Raises:
        OSError: the file cannot be read, or a taker cannot write.
    """
    if helper and size >= _SIDE_BY_SIDE and len(takers) > 1:
        return _feed_side_by_side(handle, takers[0], takers[1:], chunk)
    total = 0
    for block in _blocks(handle, chunk) if size > _ONE_READ else _all_at_once(handle, size):
        total += len(block)
        for take in takers:
            take(block)
    return total


def _feed_side_by_side(handle: int, first: Take, rest: Sequence[Take], chunk: int) -> int:
    total = 0
    from concurrent.futures import ThreadPoolExecutor  # imported only if a file is read

    previous: Future[object] | None = None
    with ThreadPoolExecutor(1) as helper:
        for block in _blocks(handle, chunk):
            total += len(block)
            current = helper.submit(first, block)
            for take in rest:
                take(block)
            if previous is not None:
                previous.result()  # its buffer is the next to be filled
            previous = current
        if previous is not None:
            previous.result()
    return total


def _all_at_once(handle: int, size: int) -> Iterator[memoryview]:
    total = 0
    while block := os.read(handle, size + 1 - total):
        yield memoryview(block)
        total += len(block)
        if total >= size:
            return


def _blocks(handle: int, chunk: int) -> Iterator[memoryview]:
    """Read a file through two buffers: a block stays as it is while the next one is read, and no longer."""
    for buffer in cycle([memoryview(bytearray(chunk)) for _ in range(2)]):
        filled = _fill(handle, buffer)
        if filled:
            yield buffer[:filled]
        if filled < chunk:
            return


def _fill(handle: int, buffer: memoryview) -> int:
    filled = 0
    while filled < len(buffer) and (count := os.readv(handle, [buffer[filled:]])):
        filled += count
    return filled
