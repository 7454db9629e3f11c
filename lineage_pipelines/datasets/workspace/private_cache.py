"""Private cache: the DVC cache of a sandbox, which holds only what was put there, each object whole or not at all.

Objects of the project's cache are linked symbolically, unless copies are requested. A link is not trusted: the bytes
are hashed whenever the sandbox's data is read (placement.py). A hard link would be no safer against a program that
writes to the object, and it would change the status of the object in the project's cache. Copies are for sandboxes
that run code which might write through a link.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lineage_pipelines.datasets.content.cache_layout import object_place
from lineage_pipelines.datasets.workspace.data_state import StoredObject
from lineage_pipelines.datasets.workspace.file_copy import copy_file, unwritable
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.system.atomic_file import make_folder, move_into_place, temporary_beside

_READ_ONLY = 0o444


class PrivateCache:
    """A folder in the layout of a DVC cache. Several threads and processes may fill it at once.

    Args:
        base: the folder; created with the first object.
        copies: whether to copy the objects of the project's cache instead of linking to them.
    """

    def __init__(self, base: Path, *, copies: bool = False) -> None:
        self.base = base.absolute()
        self._copies = copies

    def place(self, one: StoredObject) -> Path:
        """Return the path of an object, whether or not it is there."""
        return object_place(self.base, one.md5, one.hash_name)

    def link(self, one: StoredObject, source: Path) -> None:
        """Add an object: a link to `source`, or a copy of it.

        Raises:
            DatasetError: the folder cannot be written, or the object changed since it was hashed.
        """
        place = self.place(one)
        if self._copies:
            with self.new(one) as (path, keep):
                self.copy(one, source, path)
                keep()
            return
        if place.is_symlink() and place.readlink() == source.absolute():
            return
        with self.new(one) as (path, keep):
            try:
                path.symlink_to(source.absolute())
            except OSError as error:
                raise unwritable(path, 0, error) from error
            keep()

    def copy(self, one: StoredObject, source: Path, path: Path) -> None:
        """Copy an object; the copy shares its blocks where the file system supports that (copy on write).

        Raises:
            DatasetError: it cannot be read or written, or changed since it was hashed.
        """
        copied = copy_file(source, path, one.hash_name)
        if copied.md5 != one.md5.removesuffix(".dir"):
            raise DatasetError(
                f"the object changed while it was read: expected {one.md5}, found {copied.md5}",
                where=str(source),
                fix="wait until nothing writes to it, then try again",
            )

    def write(self, one: StoredObject, data: bytes) -> None:
        """Write a small object whose bytes have been verified.

        Raises:
            DatasetError: the folder cannot be written.
        """
        with self.new(one) as (path, keep):
            try:
                path.write_bytes(data)
                path.chmod(_READ_ONLY)
            except OSError as error:
                raise unwritable(path, len(data), error) from error
            keep()

    @contextmanager
    def new(self, one: StoredObject) -> Iterator[tuple[Path, Callable[[], None]]]:
        """Yield a temporary path for an object's bytes, and a function that moves them into place once verified.

        The path is in the object's folder and does not exist yet; without that call the file is removed.

        Raises:
            DatasetError: the folder cannot be written.
        """
        place = self.place(one)
        try:
            make_folder(place.parent)
            with temporary_beside(place) as path:
                yield path, lambda: move_into_place(path, place)
        except OSError as error:
            raise unwritable(place, 0, error) from error
