"""Is recorded data still there, byte for byte? Asked of DVC's cache, then of the workspace, then of the default remote.

DVC does not verify what it keeps, so every object is read whole and hashed, each once however many records name it.
Nothing is fetched and nothing is changed.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock

from lineage_pipelines.datasets.content.hashing import MD5, SHA256, digest_file, directory_md5, listing_sha256
from lineage_pipelines.datasets.content.parallel import cores, spread
from lineage_pipelines.datasets.metafiles.listings import Listing, is_safe_path, part_md5, read_listing
from lineage_pipelines.datasets.pipeline.project import DvcProject
from lineage_pipelines.datasets.workspace.observing import snapshots_of
from lineage_pipelines.datasets.workspace.remote_objects import RemoteObjects
from lineage_pipelines.errors import DatasetError

_PART = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedData:
    """Data as a record names it."""

    path: str
    """Relative to the DVC root."""
    md5: str
    """What DVC calls it, with `.dir` for a directory."""
    sha256: str | None = None
    """What it was when it was read; None when nobody read it."""
    hash_name: str = MD5
    """`md5`, or `md5-dos2unix` as DVC 2 wrote it."""


class StoredState(StrEnum):
    """How recorded data stands."""

    EQUAL = "equal"
    ALTERED = "altered"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredData:
    """What was found of some data."""

    state: StoredState
    words: str = ""
    """What is wrong, and what to do about it."""
    size: int = 0
    """Bytes that were read."""


@dataclass(frozen=True, slots=True)
class _Object:
    """One file of the data, by what DVC calls it."""

    md5: str
    hash_name: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one object was found to be."""

    state: StoredState
    sha256: str = ""
    size: int = 0
    words: str = ""


@dataclass
class _Search:
    project: DvcProject
    folders: Mapping[str, Collection[str]]
    remote: RemoteObjects
    beside: dict[_Object, list[Path]] = field(default_factory=dict)
    """Where in the workspace an object may be, too."""


def check_stored(
    project: DvcProject,
    wanted: Sequence[NamedData],
    *,
    folders: Mapping[str, Collection[str]],
    progress: Callable[[int], None] = lambda _: None,
) -> list[StoredData]:
    """Return how each of the data stands.

    Args:
        project: the DVC project.
        wanted: the data.
        folders: for each path of a directory that records name, its MD5s: data may be a part of one.
        progress: called with how many files were read so far, from any thread.

    Raises:
        DatasetError: the project cannot be read.
    """
    search = _Search(project, folders, RemoteObjects(project))
    listed = [_list(search, named) for named in wanted]
    objects = list(dict.fromkeys(one for found in listed if not isinstance(found, StoredData) for one, _ in found))
    seen = dict(zip(objects, _look_at(search, objects, progress), strict=True))
    return [
        found if isinstance(found, StoredData) else _judge(named, found, seen)
        for named, found in zip(wanted, listed, strict=True)
    ]


def _judge(named: NamedData, files: Sequence[tuple[_Object, str]], seen: Mapping[_Object, _Seen]) -> StoredData:
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


# Which files the data consists of


def _list(search: _Search, named: NamedData) -> list[tuple[_Object, str]] | StoredData:
    """Return the objects of some data with their relative paths, or what is wrong with its listing."""
    here = search.project.root / named.path if is_safe_path(named.path) else None
    if not named.md5.endswith(".dir"):
        files: Listing | None = (("", named.md5),)
    else:
        try:
            files = _listing(search, named, here)
        except DatasetError as error:
            return StoredData(state=StoredState.ALTERED, words=f"{error.what} ({error.where})")
    if files is None:
        words = f"the listing of the directory (MD5 {named.md5}) {search.remote.nowhere()}"
        return StoredData(state=StoredState.ABSENT, words=words)
    objects = [(_Object(md5, named.hash_name), relative) for relative, md5 in files]
    if here is not None:
        for one, relative in objects:
            search.beside.setdefault(one, []).append(here / relative if relative else here)
    return objects


def _listing(search: _Search, named: NamedData, here: Path | None) -> Listing | None:
    """Return the files of a directory; None where nobody knows them.

    Raises:
        DatasetError: its listing was altered, or is not safe.
    """
    stored = search.project.object_path(named.md5, named.hash_name)
    if stored.exists():
        return read_listing(stored, named.md5)
    part = _part(search, named)
    if part is not None:
        return part
    if here is not None and here.is_dir():
        listing = snapshots_of(search.project).listing(here, named.hash_name)
        if directory_md5(listing) == named.md5:
            return listing
    return search.remote.listing(named.md5, named.hash_name)


def _part(search: _Search, named: NamedData) -> Listing | None:
    """Return the files of a part of a directory that the cache knows."""
    for folder, names in search.folders.items():
        if not named.path.startswith(f"{folder}/"):
            continue
        inside = named.path.removeprefix(f"{folder}/")
        for md5 in names:
            whole = search.project.listing(md5, named.hash_name)
            if whole is not None and part_md5(dict(whole), inside) == named.md5:
                below = f"{inside}/"
                return tuple((path.removeprefix(below), one) for path, one in whole if path.startswith(below))
    return None


# What the objects are


def _look_at(search: _Search, objects: Sequence[_Object], progress: Callable[[int], None]) -> list[_Seen]:
    lock, done = Lock(), 0
    alone = len(objects) < cores()

    def look(one: _Object) -> _Seen:
        nonlocal done
        found = _look(search, one, alone=alone)
        with lock:
            done += 1
            progress(done)
        return found

    # By parts: what waits for a thread takes memory, too.
    parts = (objects[start : start + _PART] for start in range(0, len(objects), _PART))
    return [found for part in parts for found in spread(look, part, size=lambda one: _size(search, one))]


def _size(search: _Search, one: _Object) -> int:
    try:
        return os.stat(search.project.object_path(one.md5, one.hash_name)).st_size  # noqa: PTH116  # once for each
    except OSError:
        return 1 << 20  # elsewhere, and of any size


def _look(search: _Search, one: _Object, *, alone: bool) -> _Seen:
    stored = search.project.object_path(one.md5, one.hash_name)
    if os.path.lexists(stored):
        return _hash(stored, one, alone=alone)
    for path in search.beside.get(one, ()):
        if path.exists():
            found = _hash(path.resolve(), one, alone=alone)
            if found.state is StoredState.EQUAL:
                return found
    digests = search.remote.digests(one.md5, one.hash_name)
    if digests is None:
        return _Seen(StoredState.ABSENT, words=f"MD5 {one.md5} {search.remote.nowhere()}")
    md5, sha256, size = digests
    if md5 != one.md5:
        where = search.remote.url_of(one.md5, one.hash_name)
        words = f"the remote's copy was altered: expected MD5 {one.md5}, found {md5} ({where})"
        return _Seen(StoredState.ALTERED, words=words)
    return _Seen(StoredState.EQUAL, sha256, size)


def _hash(path: Path, one: _Object, *, alone: bool) -> _Seen:
    try:
        digests, signature = digest_file(path, (one.hash_name, SHA256), helper=alone)
    except DatasetError as error:
        return _Seen(StoredState.ALTERED, words=f"{error.what} ({error.where})")
    actual = digests[one.hash_name]
    if actual != one.md5:
        return _Seen(StoredState.ALTERED, words=f"was altered: expected MD5 {one.md5}, found {actual} ({path})")
    return _Seen(StoredState.EQUAL, digests[SHA256], signature.size)
