"""Looking for the objects of recorded data: in DVC's cache, in our pins, in the workspace, on the default remote.

DVC does not verify what it keeps, so every object is read whole and hashed, each once however many records name it.
With a private cache, what is found goes into it while it is read; without one nothing is kept.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock

from lineage_pipelines.datasets.content.cache_layout import object_place, pins_folder
from lineage_pipelines.datasets.content.hashing import (
    SHA256,
    digest_file,
    directory_md5,
    listing_json,
    listing_sha256,
)
from lineage_pipelines.datasets.content.thread_pool import cores, spread
from lineage_pipelines.datasets.metafiles.directory_listing import (
    Listing,
    check_listing,
    is_safe_path,
    part_md5,
    read_listing,
)
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import (
    NamedData,
    Seen,
    StoredData,
    StoredObject,
    StoredState,
)
from lineage_pipelines.datasets.workspace.file_copy import copy_file, unwritable
from lineage_pipelines.datasets.workspace.private_cache import PrivateCache
from lineage_pipelines.datasets.workspace.remote_objects import RemoteObjects
from lineage_pipelines.datasets.workspace.workspace_status import snapshots_of
from lineage_pipelines.errors import DatasetError

_PART = 4096
_UNKNOWN_SIZE = 1 << 20


class Search:
    """One search through the stores of a project.

    Args:
        project: the DVC project; nothing of it is changed.
        folders: for each path of a directory that records name, its MD5s: data may be a part of one.
        into: where what is found is to go. Then an altered object is passed over where another copy is right, while
            a search for its own sake tells of it: DVC would deliver it.

    Raises:
        DatasetError: the project's configuration cannot be read.
    """

    def __init__(
        self, project: DvcProject, folders: Mapping[str, Collection[str]], into: PrivateCache | None = None
    ) -> None:
        self._project = project
        self._folders = folders
        self._into = into
        self._stores = (project.cache_dir, pins_folder(project.root))
        self._remote = RemoteObjects(project.root)
        self._beside: dict[StoredObject, list[Path]] = {}
        """Where in the workspace an object may be, too."""
        self.held: dict[StoredObject, int] = {}
        """Every object that was found unaltered, listings too, with its size in bytes."""

    def run(self, wanted: Sequence[NamedData], progress: Callable[[int], None]) -> list[StoredData]:
        """Return how each of the data stands.

        Args:
            wanted: the data.
            progress: called with how many files were read so far, from any thread.

        Raises:
            DatasetError: the private cache cannot be written.
        """
        listed = [self._list(named) for named in wanted]
        objects = list(dict.fromkeys(one for found in listed if not isinstance(found, StoredData) for one, _ in found))
        seen = dict(zip(objects, self._look_at(objects, progress), strict=True))
        self.held |= {one: found.size for one, found in seen.items() if found.state is StoredState.EQUAL}
        return [
            found if isinstance(found, StoredData) else _judge(named, found, seen)
            for named, found in zip(wanted, listed, strict=True)
        ]

    # Which files the data consists of

    def _list(self, named: NamedData) -> list[tuple[StoredObject, str]] | StoredData:
        """Return the objects of some data with their relative paths, or what is wrong with its listing."""
        here = self._project.root / named.path if is_safe_path(named.path) else None
        try:
            files = self._files(named, here)
        except DatasetError as error:
            if self._is_ours(error):
                raise
            return StoredData(state=StoredState.ALTERED, words=f"{error.what} ({error.where})")
        if files is None:
            words = f"the listing of the directory (MD5 {named.md5}) {self._remote.nowhere()}"
            return StoredData(state=StoredState.ABSENT, words=words)
        objects = [(StoredObject(md5, named.hash_name), relative) for relative, md5 in files]
        if here is not None:
            for one, relative in objects:
                self._beside.setdefault(one, []).append(here / relative if relative else here)
        return objects

    def _files(self, named: NamedData, here: Path | None) -> Listing | None:
        if named.md5.endswith(".dir"):
            return self._listing(named, here)
        if self._into is not None:
            self._part(named)  # for the listing of the directory that it lies in
        return (("", named.md5),)

    def _listing(self, named: NamedData, here: Path | None) -> Listing | None:
        """Return the files of a directory; None where nobody knows them.

        Raises:
            DatasetError: its listing was altered, or is not safe.
        """
        one, altered = StoredObject(named.md5, named.hash_name), None
        try:
            stored = self._stored_listing(one)
        except DatasetError as error:
            if self._into is None:
                raise
            stored, altered = None, error
        found = stored or self._part(named) or self._listing_here(named, here)
        if found is not None:
            if stored is None:
                self._write(one, listing_json(found))
            return found
        data = self._remote.read(named.md5, named.hash_name)
        if data is not None:
            found = check_listing(data, named.md5, where=self._remote.url_of(named.md5, named.hash_name))
            self._write(one, data)
        elif altered is not None:
            raise altered
        return found

    def _stored_listing(self, one: StoredObject) -> Listing | None:
        altered = None
        for path in self._places(one):
            if path.exists():
                try:
                    found = read_listing(path, one.md5)
                except DatasetError as error:
                    if self._into is None:
                        raise
                    altered = altered or error
                else:
                    self._link(one, path)
                    self.held[one] = path.stat().st_size
                    return found
        if altered is not None:
            raise altered
        return None

    def _part(self, named: NamedData) -> Listing | None:
        """Return the files of a part of a directory that a store knows."""
        for folder, names in self._folders.items():
            if not named.path.startswith(f"{folder}/"):
                continue
            inside = named.path.removeprefix(f"{folder}/")
            for md5 in names:
                whole = self._known(StoredObject(md5, named.hash_name))
                if whole is not None and part_md5(dict(whole), inside) == named.md5:
                    below = f"{inside}/"
                    return tuple((path.removeprefix(below), one) for path, one in whole if path.startswith(below))
        return None

    def _known(self, one: StoredObject) -> Listing | None:
        try:
            return self._stored_listing(one)
        except DatasetError as error:
            if self._into is None or self._is_ours(error):
                raise
            return None

    def _listing_here(self, named: NamedData, here: Path | None) -> Listing | None:
        if here is None or not here.is_dir():
            return None
        try:
            listing = snapshots_of(self._project).listing(here, named.hash_name)
        except DatasetError:
            if self._into is None:
                raise
            return None
        return listing if directory_md5(listing) == named.md5 else None

    # What the objects are

    def _look_at(self, objects: Sequence[StoredObject], progress: Callable[[int], None]) -> list[Seen]:
        lock, done = Lock(), 0
        alone = len(objects) < cores()

        def look(one: StoredObject) -> Seen:
            nonlocal done
            found = self._look(one, alone=alone)
            with lock:
                done += 1
                progress(done)
            return found

        # By parts: what waits for a thread takes memory, too.
        parts = (objects[start : start + _PART] for start in range(0, len(objects), _PART))
        return [found for part in parts for found in spread(look, part, size=self._size)]

    def _size(self, one: StoredObject) -> int:
        for path in self._places(one):
            try:
                return os.stat(path).st_size  # noqa: PTH116  # once for each
            except OSError:
                continue
        return _UNKNOWN_SIZE  # elsewhere, and of any size

    def _look(self, one: StoredObject, *, alone: bool) -> Seen:
        altered = None
        for path in self._places(one):
            if os.path.lexists(path):
                found = _hash(path, one, alone=alone)
                if found.state is StoredState.EQUAL:
                    self._link(one, path)
                    return found
                altered = altered or found
                if self._into is None:
                    return altered
        for path in self._beside.get(one, ()):
            if path.exists():
                found = self._take_file(path.resolve(), one, alone=alone)
                if found.state is StoredState.EQUAL:
                    return found
        found = self._take_remote(one)
        return altered if altered is not None and found.state is StoredState.ABSENT else found

    def _take_file(self, path: Path, one: StoredObject, *, alone: bool) -> Seen:
        """Look at a file of the workspace; copy it when it is to be kept."""
        if self._into is None:
            return _hash(path, one, alone=alone)
        with self._into.new(one) as (target, keep):
            try:
                copied = copy_file(path, target, one.hash_name)
            except DatasetError as error:
                if self._is_ours(error):
                    raise
                return Seen(StoredState.ABSENT)
            if copied.named != one.md5:
                return Seen(StoredState.ABSENT)
            keep()
        return Seen(StoredState.EQUAL, copied.sha256, copied.size)

    def _take_remote(self, one: StoredObject) -> Seen:
        if self._into is None:
            return self._on_remote(one, lambda _: None)
        with self._into.new(one) as (target, keep):
            try:
                with target.open("xb") as file:
                    found = self._on_remote(one, lambda block: _append(file.write, block, target))
                target.chmod(0o444)
            except OSError as error:
                raise unwritable(target, 0, error) from error
            if found.state is StoredState.EQUAL:
                keep()
        return found

    def _on_remote(self, one: StoredObject, take: Callable[[memoryview], object]) -> Seen:
        digests = self._remote.digests(one.md5, one.hash_name, take=take)
        if digests is None:
            return Seen(StoredState.ABSENT, words=f"MD5 {one.md5} {self._remote.nowhere()}")
        md5, sha256, size = digests
        if md5 != one.md5:
            where = self._remote.url_of(one.md5, one.hash_name)
            words = f"the remote's copy was altered: expected MD5 {one.md5}, found {md5} ({where})"
            return Seen(StoredState.ALTERED, words=words)
        return Seen(StoredState.EQUAL, sha256, size)

    # Where they are, and where they go

    def _places(self, one: StoredObject) -> Iterator[Path]:
        kept = self._into.place(one) if self._into is not None else None
        if kept is not None and not kept.is_symlink():  # what was copied there before is as good as its bytes
            yield kept
        for base in self._stores:
            if self._into is None or base != self._into.base:
                yield object_place(base, one.md5, one.hash_name)

    def _link(self, one: StoredObject, path: Path) -> None:
        if self._into is not None and path != self._into.place(one):
            self._into.link(one, path)

    def _write(self, one: StoredObject, data: bytes) -> None:
        if self._into is not None:
            self._into.write(one, data)
            self.held[one] = len(data)

    def _is_ours(self, error: DatasetError) -> bool:
        """Whether it is the private cache that is the trouble, and not the data."""
        return self._into is not None and error.where.startswith(f"{self._into.base}/")


def _append(write: Callable[[memoryview], object], block: memoryview, target: Path) -> None:
    try:
        write(block)
    except OSError as error:  # told from a remote that breaks off
        raise unwritable(target, len(block), error) from error


def _hash(path: Path, one: StoredObject, *, alone: bool) -> Seen:
    try:
        digests, signature = digest_file(path, (one.hash_name, SHA256), helper=alone)
    except DatasetError as error:
        return Seen(StoredState.ALTERED, words=f"{error.what} ({error.where})")
    actual = digests[one.hash_name]
    if actual != one.md5:
        return Seen(StoredState.ALTERED, words=f"was altered: expected MD5 {one.md5}, found {actual} ({path})")
    return Seen(StoredState.EQUAL, digests[SHA256], signature.size)


def _judge(
    named: NamedData, files: Sequence[tuple[StoredObject, str]], seen: Mapping[StoredObject, Seen]
) -> StoredData:
    for state in (StoredState.ALTERED, StoredState.ABSENT):
        bad = [(relative, seen[one]) for one, relative in files if seen[one].state is state]
        if bad:
            inside = f"{bad[0][0]}: " if bad[0][0] else ""
            more = f" (and {len(bad) - 1:,} more files)" if len(bad) > 1 else ""
            return StoredData(state=state, words=f"{inside}{bad[0][1].words}{more}")
    size = sum(seen[one].size for one, _ in files)
    if named.md5.endswith(".dir"):
        sha256 = listing_sha256((relative, seen[one].sha256) for one, relative in files)
    else:
        sha256 = seen[files[0][0]].sha256
    if named.sha256 is not None and sha256 != named.sha256:
        words = f"the MD5 is the one recorded, the SHA-256 is not: expected {named.sha256}, found {sha256}"
        return StoredData(state=StoredState.ALTERED, words=words, size=size)
    return StoredData(state=StoredState.EQUAL, size=size)
