"""Object search: the bytes of recorded data, in DVC's cache, our pins, the workspace or on the default remote.

DVC does not verify the objects that it stores, so every object is read whole and hashed, each once however many
records name it. The project is only read: its files, its cache, DVC's site cache and Git stay as they are, even when
the process is killed. Only the digests that `.dvc/tmp/lineage_pipelines` remembers may grow.
"""

import os
from abc import ABC, abstractmethod
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
    ObjectState,
    StoredData,
    StoredObject,
    StoredState,
)
from lineage_pipelines.datasets.workspace.file_copy import UnwritableError, copy_file, unwritable
from lineage_pipelines.datasets.workspace.private_cache import PrivateCache
from lineage_pipelines.datasets.workspace.remote_objects import RemoteObjects
from lineage_pipelines.datasets.workspace.workspace_status import snapshots_of
from lineage_pipelines.errors import DatasetError

_BATCH = 4096
_UNKNOWN_SIZE = 1 << 20

_NO_FOLDERS: Mapping[str, Collection[str]] = {}


def check_stored(
    project: DvcProject,
    data: Sequence[NamedData],
    *,
    folders: Mapping[str, Collection[str]],
    progress: Callable[[int], None] = lambda _: None,
) -> list[StoredData]:
    """Check whether recorded data can still be read, byte for byte. Nothing is downloaded and nothing is changed.

    An altered copy in a store counts, even where another copy is right: DVC would deliver it.

    Args:
        project: the DVC project.
        data: the data to look for.
        folders: for each recorded directory, its MD5s: data may be a part of one.
        progress: called with the number of files read so far, from any thread.

    Returns:
        The state of each of `data`, in the same order.

    Raises:
        DatasetError: the project cannot be read.
    """
    return Lookup(project, folders).run(data, progress)


def provision(
    project: DvcProject,
    data: Sequence[NamedData],
    cache: Path,
    *,
    folders: Mapping[str, Collection[str]] = _NO_FOLDERS,
    copies: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> list[StoredData]:
    """Fill the DVC cache of a sandbox with the objects that some data consists of, and no others.

    A past run is rebuilt from its data by digest, whatever the workspace holds now and whatever `dvc gc` removed from
    the cache since. Objects are linked from DVC's cache or the pins; otherwise copied from the workspace, if the bytes
    there are the recorded ones, or from the default remote. Each is hashed. An altered copy is skipped; another copy
    is taken if it is right. May be called again with the same folder, for more data or after the process was killed.

    Args:
        project: the DVC project.
        data: the data to provide.
        cache: the folder, in the layout of DVC's cache; created if missing.
        folders: for each recorded directory, its MD5s: data may be a part of one. The listing of that directory is
            put into the cache too.
        copies: whether to copy everything, for a sandbox whose code might write through a link. The copies share
            their blocks with the project's objects where the file system supports that.
        progress: called with the number of files read so far, from any thread.

    Returns:
        The state of each of `data`, in the same order; missing data is not an error.

    Raises:
        DatasetError: the project's configuration cannot be read, or the folder cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    states = CacheFill(project, folders, PrivateCache(cache, copies=copies)).run(data, progress)
    return [_with_subject(one, state) for one, state in zip(data, states, strict=True)]


def _with_subject(data: NamedData, state: StoredData) -> StoredData:
    """Name the data in the detail: a sandbox shows it without a table around it."""
    if not state.detail:
        return state
    return StoredData(state=state.state, detail=f"{data.path} (MD5 {data.md5}): {state.detail}", size=state.size)


class _Search(ABC):
    """A search through the stores of a project.

    Args:
        project: the DVC project; it is only read.
        folders: for each recorded directory, its MD5s: data may be a part of one.

    Raises:
        DatasetError: the project's configuration cannot be read.
    """

    def __init__(self, project: DvcProject, folders: Mapping[str, Collection[str]]) -> None:
        self._project = project
        self._folders = folders
        self._stores = (project.cache_dir, pins_folder(project.root))
        self._remote = RemoteObjects(project.root)
        self._workspace_files: dict[StoredObject, list[Path]] = {}
        """Where in the workspace an object's bytes may be."""

    def run(self, data: Sequence[NamedData], progress: Callable[[int], None]) -> list[StoredData]:
        """Return the state of each of the data.

        Args:
            data: the data.
            progress: called with the number of files read so far, from any thread.

        Raises:
            DatasetError: the cache to be filled cannot be written.
        """
        listed = [self._list(one) for one in data]
        objects = list(dict.fromkeys(one for files in listed if not isinstance(files, StoredData) for one, _ in files))
        states = dict(zip(objects, self._find_all(objects, progress), strict=True))
        return [
            files if isinstance(files, StoredData) else _combine(one, files, states)
            for one, files in zip(data, listed, strict=True)
        ]

    # The files that the data consists of

    def _list(self, data: NamedData) -> list[tuple[StoredObject, str]] | StoredData:
        """Return the objects of some data with their relative paths, or what is wrong with its listing."""
        place = self._project.root / data.path if is_safe_path(data.path) else None
        try:
            files = self._files(data, place)
        except UnwritableError:
            raise
        except DatasetError as error:
            return StoredData(state=StoredState.ALTERED, detail=f"{error.what} ({error.where})")
        if files is None:
            detail = f"the listing of the directory (MD5 {data.md5}) {self._remote.nowhere()}"
            return StoredData(state=StoredState.ABSENT, detail=detail)
        objects = [(StoredObject(md5, data.hash_name), relative) for relative, md5 in files]
        if place is not None:
            for one, relative in objects:
                self._workspace_files.setdefault(one, []).append(place / relative if relative else place)
        return objects

    @abstractmethod
    def _files(self, data: NamedData, place: Path | None) -> Listing | None:
        """Return the files of some data; None if it is a directory whose listing was not found.

        Args:
            data: the data.
            place: its path in the workspace, if that is a safe one.

        Raises:
            DatasetError: the listing was altered, or is not safe.
        """

    @abstractmethod
    def _stored_listing(self, one: StoredObject) -> Listing | None:
        """Return a directory's files as a store on this machine lists them; None if it does not."""

    def _other_listing(self, data: NamedData, place: Path | None) -> Listing | None:
        """Return a directory's files from the listing of its parent, or else from the workspace."""
        part = self._listing_of_part(data)
        return part if part is not None else self._workspace_listing(data, place)

    def _listing_of_part(self, data: NamedData) -> Listing | None:
        """Return the files of a part of a directory whose listing is in a store."""
        for folder, md5s in self._folders.items():
            if not data.path.startswith(f"{folder}/"):
                continue
            inside = data.path.removeprefix(f"{folder}/")
            for md5 in md5s:
                whole = self._stored_listing(StoredObject(md5, data.hash_name))
                if whole is not None and part_md5(dict(whole), inside) == data.md5:
                    below = f"{inside}/"
                    return tuple((path.removeprefix(below), one) for path, one in whole if path.startswith(below))
        return None

    def _workspace_listing(self, data: NamedData, place: Path | None) -> Listing | None:
        if place is None or not place.is_dir():
            return None
        listing = snapshots_of(self._project).listing(place, data.hash_name)
        return listing if directory_md5(listing) == data.md5 else None

    def _remote_listing(self, data: NamedData) -> tuple[Listing, bytes] | None:
        """Return a directory's files as the remote lists them, and the bytes of that listing."""
        content = self._remote.read(data.md5, data.hash_name)
        if content is None:
            return None
        return check_listing(content, data.md5, where=self._remote.url_of(data.md5, data.hash_name)), content

    # The objects

    def _find_all(self, objects: Sequence[StoredObject], progress: Callable[[int], None]) -> list[ObjectState]:
        lock, done = Lock(), 0
        alone = len(objects) < cores()

        def find(one: StoredObject) -> ObjectState:
            nonlocal done
            state = self._find(one, alone=alone)
            with lock:
                done += 1
                progress(done)
            return state

        # In batches, because each task that waits for a thread takes memory.
        batches = (objects[start : start + _BATCH] for start in range(0, len(objects), _BATCH))
        return [state for batch in batches for state in spread(find, batch, size=self._size)]

    @abstractmethod
    def _find(self, one: StoredObject, *, alone: bool) -> ObjectState:
        """Return the state of an object; with `alone`, a second thread may help to hash it."""

    def _size(self, one: StoredObject) -> int:
        for path in self._places(one):
            try:
                return os.stat(path).st_size  # noqa: PTH116  # once for each
            except OSError:
                continue
        return _UNKNOWN_SIZE  # in the workspace or on the remote

    def _places(self, one: StoredObject) -> Iterator[Path]:
        """Yield where the stores of this machine have an object, if they have it."""
        for base in self._stores:
            yield object_place(base, one.md5, one.hash_name)

    def _read_remote(self, one: StoredObject, write: Callable[[memoryview], object]) -> ObjectState:
        digests = self._remote.digests(one.md5, one.hash_name, take=write)
        if digests is None:
            return ObjectState(StoredState.ABSENT, detail=f"MD5 {one.md5} {self._remote.nowhere()}")
        md5, sha256, size = digests
        if md5 != one.md5:
            where = self._remote.url_of(one.md5, one.hash_name)
            detail = f"the remote's copy was altered: expected MD5 {one.md5}, found {md5} ({where})"
            return ObjectState(StoredState.ALTERED, detail=detail)
        return ObjectState(StoredState.EQUAL, sha256, size)


class Lookup(_Search):
    """A search that reports what DVC would deliver: the first copy counts, altered or not. Nothing is written."""

    def _files(self, data: NamedData, place: Path | None) -> Listing | None:
        if not data.is_dir:
            return (("", data.md5),)
        listing = self._stored_listing(StoredObject(data.md5, data.hash_name))
        if listing is None:
            listing = self._other_listing(data, place)
        if listing is None and (remote := self._remote_listing(data)) is not None:
            listing, _ = remote
        return listing

    def _stored_listing(self, one: StoredObject) -> Listing | None:
        return next((read_listing(path, one.md5) for path in self._places(one) if path.exists()), None)

    def _find(self, one: StoredObject, *, alone: bool) -> ObjectState:
        for path in self._places(one):
            if os.path.lexists(path):
                return _hash(path, one, alone=alone)
        for path in self._workspace_files.get(one, ()):
            if path.exists():
                state = _hash(path.resolve(), one, alone=alone)
                if state.state is StoredState.EQUAL:
                    return state
        return self._read_remote(one, lambda _: None)


class CacheFill(_Search):
    """A search that puts each object it finds into a private cache; an altered copy is skipped for a right one.

    Args:
        project: the DVC project; it is only read.
        folders: for each recorded directory, its MD5s: data may be a part of one.
        cache: the cache to fill.

    Raises:
        DatasetError: the project's configuration cannot be read.
    """

    def __init__(self, project: DvcProject, folders: Mapping[str, Collection[str]], cache: PrivateCache) -> None:
        super().__init__(project, folders)
        self._cache = cache
        self._altered_listings: dict[StoredObject, DatasetError] = {}
        self.held: dict[StoredObject, int] = {}
        """Every object that is in the cache now, listings too, with its size in bytes."""

    def _files(self, data: NamedData, place: Path | None) -> Listing | None:
        if not data.is_dir:
            self._listing_of_part(data)  # so that the cache gets the listing of the directory that the file lies in
            return (("", data.md5),)
        one = StoredObject(data.md5, data.hash_name)
        listing = self._stored_listing(one)
        if listing is not None:
            return listing
        listing = self._other_listing(data, place)
        if listing is not None:
            content = listing_json(listing)
        elif (remote := self._remote_listing(data)) is not None:
            listing, content = remote
        elif one in self._altered_listings:
            raise self._altered_listings[one]
        else:
            return None
        self._cache.write(one, content)
        self.held[one] = len(content)
        return listing

    def _stored_listing(self, one: StoredObject) -> Listing | None:
        for path in self._places(one):
            if path.exists():
                try:
                    listing = read_listing(path, one.md5)
                except DatasetError as error:
                    self._altered_listings.setdefault(one, error)
                else:
                    self._link(one, path)
                    self.held[one] = path.stat().st_size
                    return listing
        return None

    def _workspace_listing(self, data: NamedData, place: Path | None) -> Listing | None:
        try:
            return super()._workspace_listing(data, place)
        except DatasetError:  # unreadable; the remote may have it
            return None

    def _find(self, one: StoredObject, *, alone: bool) -> ObjectState:
        state = self._bring(one, alone=alone)
        if state.state is StoredState.EQUAL:
            self.held[one] = state.size
        return state

    def _bring(self, one: StoredObject, *, alone: bool) -> ObjectState:
        altered = None
        for path in self._places(one):
            if os.path.lexists(path):
                state = _hash(path, one, alone=alone)
                if state.state is StoredState.EQUAL:
                    self._link(one, path)
                    return state
                altered = altered or state
        for path in self._workspace_files.get(one, ()):
            if path.exists():
                state = self._copy_file(path.resolve(), one)
                if state.state is StoredState.EQUAL:
                    return state
        state = self._copy_remote(one)
        return altered if altered is not None and state.state is StoredState.ABSENT else state

    def _places(self, one: StoredObject) -> Iterator[Path]:
        own = self._cache.place(one)
        if not own.is_symlink():  # an earlier copy; a link says no more than the object that it leads to
            yield own
        yield from (path for path in super()._places(one) if path != own)

    def _link(self, one: StoredObject, path: Path) -> None:
        if path != self._cache.place(one):
            self._cache.link(one, path)

    def _copy_file(self, path: Path, one: StoredObject) -> ObjectState:
        with self._cache.new(one) as (target, keep):
            try:
                copied = copy_file(path, target, one.hash_name)
            except UnwritableError:
                raise
            except DatasetError:
                return ObjectState(StoredState.ABSENT)
            if copied.md5 != one.md5:
                return ObjectState(StoredState.ABSENT)
            keep()
        return ObjectState(StoredState.EQUAL, copied.sha256, copied.size)

    def _copy_remote(self, one: StoredObject) -> ObjectState:
        with self._cache.new(one) as (target, keep):
            try:
                with target.open("xb") as file:
                    state = self._read_remote(one, lambda block: _append(file.write, block, target))
                target.chmod(0o444)
            except OSError as error:
                raise unwritable(target, 0, error) from error
            if state.state is StoredState.EQUAL:
                keep()
        return state


def _append(write: Callable[[memoryview], object], block: memoryview, target: Path) -> None:
    try:
        write(block)
    except OSError as error:  # not to be taken for a remote that fails
        raise unwritable(target, len(block), error) from error


def _hash(path: Path, one: StoredObject, *, alone: bool) -> ObjectState:
    try:
        digests, signature = digest_file(path, (one.hash_name, SHA256), helper=alone)
    except DatasetError as error:
        return ObjectState(StoredState.ALTERED, detail=f"{error.what} ({error.where})")
    actual = digests[one.hash_name]
    if actual != one.md5:
        return ObjectState(StoredState.ALTERED, detail=f"was altered: expected MD5 {one.md5}, found {actual} ({path})")
    return ObjectState(StoredState.EQUAL, digests[SHA256], signature.size)


def _combine(
    data: NamedData, files: Sequence[tuple[StoredObject, str]], states: Mapping[StoredObject, ObjectState]
) -> StoredData:
    """Return the state of some data, given the states of its objects."""
    for state in (StoredState.ALTERED, StoredState.ABSENT):
        bad = [(relative, states[one]) for one, relative in files if states[one].state is state]
        if bad:
            inside = f"{bad[0][0]}: " if bad[0][0] else ""
            more = f" (and {len(bad) - 1:,} more files)" if len(bad) > 1 else ""
            return StoredData(state=state, detail=f"{inside}{bad[0][1].detail}{more}")
    size = sum(states[one].size for one, _ in files)
    if data.is_dir:
        sha256 = listing_sha256((relative, states[one].sha256) for one, relative in files)
    else:
        sha256 = states[files[0][0]].sha256
    if data.sha256 is not None and sha256 != data.sha256:
        detail = f"the MD5 is the one recorded, the SHA-256 is not: expected {data.sha256}, found {sha256}"
        return StoredData(state=StoredState.ALTERED, detail=detail, size=size)
    return StoredData(state=StoredState.EQUAL, size=size)
