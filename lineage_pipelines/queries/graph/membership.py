"""Membership: containers of a thing: listings of directories in DVC's cache, lists of packages in the store."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from sys import intern

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.errors import ArtifactError, DatasetError
from lineage_pipelines.records.values.digest import Digest

_REMEMBERED = 2_000
"""How many lists of packages are remembered; each takes some 10 kB."""


class Listings:
    """The listings that DVC's cache of a project keeps; none without a project.

    Args:
        project_dir: a folder of the DVC project, or None.
    """

    def __init__(self, project_dir: Path | None) -> None:
        self._project_dir = project_dir

    @cached_property
    def _cache(self) -> Path | None:
        from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject

        if self._project_dir is None:
            return None
        try:
            return DvcProject(self._project_dir).cache_dir
        except DatasetError:  # no project of DVC's, or one that cannot be read: answers are weaker
            return None

    def files(self, md5: str) -> Mapping[str, str] | None:
        """Return path and MD5 of the files of a directory; None where its listing is gone or altered."""
        from lineage_pipelines.datasets.metafiles.directory_listing import read_listing

        name = md5.removesuffix(".dir")
        for place in ("files/md5/", ""):  # the second as DVC 2 had it
            path = self._cache / f"{place}{name[:2]}/{name[2:]}.dir" if self._cache else None
            if path is not None and path.is_file():
                try:
                    return dict(read_listing(path, md5))
                except DatasetError:
                    return None
        return None

    def holding(self, prefix: str) -> Iterator[tuple[str, str, str]]:
        """Yield directory's MD5, path inside and MD5 of each file whose MD5 begins so, in every listing kept."""
        if self._cache is None or len(prefix) > 32:  # noqa: PLR2004  # an MD5 has so many characters
            return
        wanted = re.compile(rb'"md5":\s*"' + prefix.encode())
        for pattern in ("files/md5/??/*.dir", "??/*.dir"):
            for path in sorted(self._cache.glob(pattern)):
                name = path.parent.name + path.name.removesuffix(".dir")
                if re.fullmatch(r"[0-9a-f]{32}", name) and wanted.search(path.read_bytes()):
                    found = self.files(name) or {}
                    yield from ((name, inside, md5) for inside, md5 in found.items() if md5.startswith(prefix))


def plain_name(package: str) -> str:
    """Return a distribution's name as PEP 503 normalises it."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(package)


def read_packages(store: ArtifactStore | None, hex_: str) -> Mapping[str, str] | None:
    """Return name and version of every package of a list; None where the list is gone or altered.

    A list is read and parsed once in a process, while its file stays as it is; from an object store, each time.
    """
    if store is None:
        return None
    place = Path(store.url_of(Digest("sha256", hex_)))
    try:
        found = place.stat()
    except OSError:
        return _parsed(store, hex_)
    state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return _remembered(store.url, hex_, state)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(url: str, hex_: str, _state: tuple[int, ...]) -> Mapping[str, str] | None:
    return _parsed(ArtifactStore(url), hex_)


def _parsed(store: ArtifactStore, hex_: str) -> Mapping[str, str] | None:
    try:
        text = store.read(Digest("sha256", hex_)).decode("utf-8", "replace")
    except ArtifactError:
        return None
    lines = (line.partition(" @ ")[0].partition("==") for line in text.splitlines())
    # Most lists have most of their words in common.
    return {intern(plain_name(name)): intern(version) for name, _, version in lines}
