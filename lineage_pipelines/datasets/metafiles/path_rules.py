"""Path rules of DVC: where a path in a metafile points to. No file is read."""

import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lineage_pipelines.datasets.metafiles.problems import RefusedError

Key = tuple[str, ...]
"""Parts that decide which path contains which: the scheme (empty for local), then the parts of the absolute path."""

_KNOWN = (
    *("s3", "gs", "azure", "gdrive", "oss", "hdfs", "webhdfs"),
    *("http", "https", "ssh", "webdav", "webdavs", "memory"),
)


@dataclass(frozen=True, slots=True)
class Location:
    """A resolved path or URL."""

    path: str
    """Relative to the DVC root inside it, else as it is written (relative paths: from the DVC root)."""
    key: Key | None
    """None if nothing in the project can produce it, as for a `ds://` dataset."""
    external: bool


@dataclass(frozen=True, slots=True)
class Locator:
    """Resolves the paths of one project."""

    root: str
    """The DVC root, absolute."""
    schemes: Collection[str] = _KNOWN
    remotes: Mapping[str, str] = field(default_factory=dict)
    """Each remote's URL by its name, for `remote://name/path`."""

    def locate(self, text: str, folder: str) -> Location:
        """Resolve a path.

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
