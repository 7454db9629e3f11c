"""The log's hashes as files, so that a later look can say which entry was changed, and not only that one was.

The layout is that of the C2SP specification tlog-tiles, which other tools read:

    DIR/checkpoint             the signed note
    DIR/tile/0/x005/017        the leaf hashes of entries 1,284,353 to 1,284,608
    DIR/tile/0/x005/018.p/12   the twelve after them, which fill no tile yet
    DIR/tile/1/019             the roots of 256 tiles of the level below

A tile holds 256 hashes of 32 bytes and is never changed. Nothing in the files is believed before the leaf hashes have
given the root that the note says.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lineage_pipelines.catalog.transparency.checkpoint_note import read_note, read_small
from lineage_pipelines.catalog.transparency.merkle import Hash, TreeHead, root_hash
from lineage_pipelines.errors import CatalogError

NOTE = "checkpoint"
"""The file of the signed note, in the folder of tiles."""
WIDTH = 256
"""Hashes of a full tile."""
_HASH = 32
_READ = 0o644
_MOST_BYTES = 1 << 20
"""A tile has 8 kB, a note less than 100 kB."""


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Return the path of a tile below the folder: `tile/1/x001/x234/067.p/8`.

    Args:
        level: 0 for leaf hashes.
        index: which tile of the level, from 0.
        width: how many hashes it holds; a full tile has no suffix.
    """
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    partial = f".p/{width}" if width < WIDTH else ""
    return f"tile/{level}/{'/'.join(groups)}{partial}"


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles that were kept, and the note that they belong to."""

    folder: Path

    @property
    def note(self) -> str:
        """The signed note.

        Raises:
            CatalogError: it cannot be read.
        """
        return _read(self.folder / NOTE).decode("utf-8", "replace")

    def leaves(self) -> list[Hash]:
        """Return the leaf hash of every entry that the note covers, in order.

        Raises:
            CatalogError: a tile is missing or damaged, or they do not give the root that the note says.
        """
        point = read_note(self.note, where=str(self.folder / NOTE))
        found: list[Hash] = []
        for index in range(-(-point.size // WIDTH)):
            found += self._tile(0, index, min(WIDTH, point.size - index * WIDTH))
        if root_hash(found) != point.root:
            fix = "they were changed, or belong to another checkpoint; take them from another copy"
            raise CatalogError("the tiles do not give the root of their checkpoint", where=str(self.folder), fix=fix)
        return found

    def _tile(self, level: int, index: int, width: int) -> list[Hash]:
        # A tile that has filled up since replaces the partial ones.
        paths = [self.folder / tile_path(level, index, kept) for kept in dict.fromkeys((width, WIDTH))]
        path = next((path for path in paths if path.is_file()), paths[0])
        data = _read(path)[: width * _HASH]
        if len(data) != width * _HASH:
            fix = "take it from another copy"
            raise CatalogError(f"a tile has not {width} hashes of {_HASH} bytes", where=str(path), fix=fix)
        return list(_split(data))


def write_tiles(folder: Path, note: str, leaves: Iterable[Hash]) -> int:
    """Write the tiles of a log, and its note at the end; return how many tiles are new.

    What is there already is compared and stays: a log that does not begin with what it was is refused.

    Args:
        folder: where the tiles are kept; made when missing.
        note: the signed note of the log as it is now.
        leaves: its leaf hashes, in order; those after the note's size are left.

    Raises:
        CatalogError: the tiles there are of another log or of one that was longer, or cannot be written.
    """
    point = read_note(note, where="the new checkpoint")
    try:
        before = read_note(Tiles(folder).note, where=str(folder / NOTE)) if (folder / NOTE).exists() else None
        if before is not None and (before.origin != point.origin or before.size > point.size):
            raise _contradicts(folder / NOTE)
        writer = _Writer(folder)
        tree = TreeHead()
        for leaf in islice(leaves, point.size):
            tree.add(leaf)
            if before is not None and tree.size == before.size and tree.root() != before.root:
                raise _contradicts(folder / NOTE)
            writer.add(0, leaf)
        if (tree.size, tree.root()) != (point.size, point.root):
            raise CatalogError("the log changed while its tiles were made", where=str(folder), fix="try again")
        writer.finish()
        _replace(folder / NOTE, note.encode())
    except OSError as error:
        fix = "name a folder that this user may write to"
        raise CatalogError(f"the tiles cannot be written: {error.strerror}", where=str(folder), fix=fix) from error
    return writer.written


class _Writer:
    """Collects the hashes of each level, and writes a tile when it is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: list[list[Hash]] = []
        self._done: list[int] = []
        self.written = 0

    def add(self, level: int, node: Hash) -> None:
        if level == len(self._open):
            self._open.append([])
            self._done.append(0)
        self._open[level].append(node)
        if len(self._open[level]) == WIDTH:
            self._write(level)
            full, self._open[level] = self._open[level], []
            self._done[level] += 1
            self.add(level + 1, root_hash(full))

    def finish(self) -> None:
        for level, open_ in enumerate(self._open):
            if open_:
                self._write(level)

    def _write(self, level: int) -> None:
        hashes = self._open[level]
        path = self._folder / tile_path(level, self._done[level], len(hashes))
        data = b"".join(hashes)
        if path.exists():
            if _read(path) != data:
                raise _contradicts(path)
            return
        _replace(path, data)
        self.written += 1


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), _READ)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _read(path: Path) -> bytes:
    try:
        return read_small(path, _MOST_BYTES)
    except OSError as error:
        fix = "make it with `lineage checkpoint --tiles DIR`, or take it from another copy"
        raise CatalogError(f"cannot be read: {error.strerror}", where=str(path), fix=fix) from error


def _split(data: bytes) -> Iterator[bytes]:
    return (data[at : at + _HASH] for at in range(0, len(data), _HASH))


def _contradicts(path: Path) -> CatalogError:
    return CatalogError(
        "the log is not the one that was kept here: it does not begin with it",
        where=str(path),
        fix="nothing was written; `lineage verify --from` the folder says which entries differ",
    )
