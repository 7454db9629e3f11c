"""Where a path that somebody wrote in a metafile points to, by DVC's rules. No file is touched."""

import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lineage_pipelines.datasets.metafiles.problems import RefusedError

Key = tuple[str, ...]
"""Parts that decide which path holds which: the scheme first (empty for local), then the absolute path's parts."""

_KNOWN = (
    *("s3", "gs", "azure", "gdrive", "oss", "hdfs", "webhdfs"),
    *("http", "https", "ssh", "webdav", "webdavs", "memory"),
)


@dataclass(frozen=True, slots=True)
class Location:
    """A path or URL, placed."""

    path: str
    """Relative to the DVC root inside it, else as it is written (relative paths: from the DVC root)."""
    key: Key | None
    """None when nothing in the project can make it, as for a `ds://` dataset."""
    external: bool


@dataclass(frozen=True, slots=True)
class Locator:
    """Places the paths of one project."""

    root: str
    """The DVC root, absolute."""
    schemes: Collection[str] = _KNOWN
    remotes: Mapping[str, str] = field(default_factory=dict)
    """Each remote's URL by its name, for `remote://name/path`."""

    def locate(self, text: str, folder: str) -> Location:
        """Place a path.

        Args:
            text: the path or URL as it is written.
            folder: the absolute folder that relative paths start from.

        Raises:
            RefusedError: it names a remote that is not configured.
        """
        scheme, netloc, path = _split(text)
        if scheme == "ds":
            return Location(text, None, external=True)
        if scheme == "remote":
            placed = self.locate(self._remote(netloc, path), self.root)
            return Location(text, placed.key, external=True)
        if scheme in self.schemes:
            return Location(text, (scheme, *text.split("://", 1)[-1].strip("/").split("/")), external=True)
        return self._local(text, folder)

    def _remote(self, name: str, path: str) -> str:
        if name.lower() not in self.remotes:
            raise RefusedError(f"the remote {name!r} is not configured")
        return f"{self.remotes[name.lower()].rstrip('/')}/{path.lstrip('/')}"

    def _local(self, text: str, folder: str) -> Location:
        absolute = posixpath.normpath(posixpath.join(folder, text))
        inside = posixpath.relpath(absolute, self.root)
        external = inside == ".." or inside.startswith("../")
        shown = text if external and posixpath.isabs(text) else inside
        return Location(shown, ("", *absolute.strip("/").split("/")), external)


def _split(text: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(text)
    except ValueError:
        return "", "", text
    return parts.scheme, parts.netloc, parts.path
