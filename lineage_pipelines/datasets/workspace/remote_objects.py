"""Remote objects, read in place from the default remote: a folder, or a URL that fsspec can open.

DVC only provides the address of the remote. Nothing is fetched; bytes are hashed as they are read, not stored.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from lineage_pipelines.datasets.content.hashing import SHA256, new_hasher
from lineage_pipelines.datasets.content.stable_read import BLOCK

_LEGACY = "md5-dos2unix"


class RemoteObjects:
    """The default remote of a project; contacted when it is first needed.

    Args:
        root: the DVC root.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def nowhere(self) -> str:
        """Return the message that data is stored nowhere, with a fix."""
        name, url = self._remote
        places = "DVC's cache or the workspace"
        if name is None:
            return f"is not in {places}, and there is no remote: restore it from a copy"
        if url is None:
            return f"is not in {places}, and the remote {name!r} cannot be read from here: `dvc fetch --all-commits`"
        return f"is not in {places}, or on the remote {name!r}: `dvc push` it from a machine that has it"

    def url_of(self, md5: str, hash_name: str) -> str:
        """Return the path or URL of an object on the remote."""
        layout = "" if hash_name == _LEGACY else "/files/md5"
        return f"{str(self._remote[1]).rstrip('/')}{layout}/{md5[:2]}/{md5[2:]}"

    def digests(
        self, md5: str, hash_name: str, *, take: Callable[[memoryview], object] = lambda _: None
    ) -> tuple[str, str, int] | None:
        """Return an object's digest by DVC's algorithm, its SHA-256 and its size; None if it is not there.

        Args:
            md5: DVC's name of the object.
            hash_name: `md5` or `md5-dos2unix`.
            take: called with each block; may raise only DatasetError.
        """
        hashers, size = (new_hasher(hash_name), new_hasher(SHA256)), 0
        try:
            with self._open(md5, hash_name) as file:
                while block := file.read(BLOCK):
                    size += len(block)
                    for hasher in hashers:
                        hasher.update(memoryview(block))
                    take(memoryview(block))
        except (OSError, _NoRemoteError):
            return None
        return hashers[0].hexdigest(), hashers[1].hexdigest(), size

    def read(self, md5: str, hash_name: str) -> bytes | None:
        """Return the bytes of a small object, as they are; None if it is not there."""
        try:
            with self._open(md5, hash_name) as file:
                return file.read()
        except (OSError, _NoRemoteError):
            return None

    def _open(self, md5: str, hash_name: str) -> BinaryIO:
        url = self.url_of(md5, hash_name)
        if self._remote[1] is None:
            raise _NoRemoteError
        if "://" not in url:
            if not Path(url).is_file():
                raise _NoRemoteError
            return Path(url).open("rb")
        opened: BinaryIO = self._file_system.open(url, "rb")
        return opened

    @cached_property
    def _remote(self) -> tuple[str | None, str | None]:
        """The remote's name, and its URL where it can be read."""
        from lineage_pipelines.datasets.dvc_config import read_settings

        settings = read_settings(self._root)
        reachable = settings.url is not None and self._reachable(settings.url)
        return settings.remote, settings.url if reachable else None

    def _reachable(self, url: str) -> bool:
        if "://" not in url:
            return Path(url).is_dir()
        import fsspec

        try:
            self._file_system: Any = fsspec.core.url_to_fs(url)[0]
            return bool(self._file_system.exists(url))
        except Exception:  # noqa: BLE001  # whatever a file system raises without its credentials
            return False


class _NoRemoteError(Exception):
    """There is nothing to read from."""
