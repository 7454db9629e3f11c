"""Content-addressed artifact store: each file stored once under its SHA-256, and verified when it is read."""

import contextlib
import errno
import hashlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from lineage_pipelines.errors import ArtifactError, PurgedError
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.system.atomic_file import TEMPORARY, replace_file

_PREFIXES = (TEMPORARY, ".tmp-")
"""Prefixes of temporary files; the second is that of earlier releases."""
_READ_ONLY = 0o444
_PRIVATE = 0o700
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
}


def write_once(target: Path, write: Callable[[BinaryIO], None], *, needs: int) -> None:
    """Write a file so that other processes see it complete or not at all.

    Args:
        target: its final name.
        write: writes the content.
        needs: size in bytes, for the error message if the disk is full.

    Raises:
        ArtifactError: it cannot be written; nothing is left behind.
    """
    with explained(target, needs):
        replace_file(target, write, mode=_READ_ONLY, durable=True, folder_mode=_PRIVATE)


def set_aside(path: Path, store: Path) -> Path:
    """Move a damaged object into `.bad`, where it is kept as evidence.

    Raises:
        OSError: it cannot be moved.
    """
    bad = store / ".bad"
    bad.mkdir(exist_ok=True, mode=_PRIVATE)
    target = Path(tempfile.mkdtemp(prefix=f"{path.name[:16]}-", dir=bad)) / path.name
    return path.rename(target)


@contextlib.contextmanager
def explained(path: Path, needs: int) -> Iterator[None]:
    """Turn an operating system's error about `path` into an `ArtifactError` with a fix."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        fix = "free space, or use another store (LINEAGE_ARTIFACTS)"
        if needs and error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = f"{needs:,} bytes are needed, {_free(path):,} are free; {fix}"
        raise ArtifactError(f"cannot store a file: {reason}", where=str(path), fix=fix) from error


def _free(path: Path) -> int:
    nearest = next(folder for folder in path.parents if folder.exists())
    return shutil.disk_usage(nearest).free


_CHUNK = 1 << 20
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")


class ArtifactStore:
    """Files by digest.

    Args:
        url: a local folder, or a URL that fsspec can open.
        purged: how each file that was removed on purpose was removed, by its SHA-256 in hex; see `list_purges`.
    """

    def __init__(self, url: str, *, purged: Mapping[str, str] = MappingProxyType({})) -> None:
        self.url = url
        self._purged = purged
        local = url.removeprefix("file://")
        self._folder = None if "://" in local else Path(local)

    def put_bytes(self, data: bytes) -> Digest:
        """Store bytes and return their digest.

        Raises:
            ArtifactError: they cannot be written; nothing is left behind.
        """
        digest = Digest.of(data)
        self._put(digest, len(data), lambda file: _write_all(file, data))
        return digest

    def put_file(self, path: Path) -> Digest:
        """Store a copy of a file, streamed, and return its digest.

        Raises:
            ArtifactError: it cannot be read or written, or changed while it was copied; nothing is left behind.
        """
        with explained(path, 0):
            digest = Digest("sha256", _sha256(path))
            size = path.stat().st_size

        def copy(file: BinaryIO) -> None:
            hasher = hashlib.sha256()
            with path.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    hasher.update(chunk)
                    file.write(chunk)
            if hasher.hexdigest() != digest.hex:
                raise ArtifactError("the file changed while it was stored", where=str(path), fix="try again")

        self._put(digest, size, copy)
        return digest

    def _put(self, digest: Digest, size: int, write: Callable[[BinaryIO], None]) -> None:
        if self._folder is None:
            self._put_remote(digest, size, write)
            return
        target = self._local(digest)
        # Not found: it is new, or another writer has just set it aside.
        with explained(target, size), contextlib.suppress(FileNotFoundError):
            # An existing file may be truncated or edited: it is trusted only after its bytes were hashed.
            if target.stat().st_size == size and _sha256(target) == digest.hex:
                return
            set_aside(target, self._folder)
        write_once(target, write, needs=size)

    def _put_remote(self, digest: Digest, size: int, write: Callable[[BinaryIO], None]) -> None:
        path = self.url_of(digest)
        try:
            if self._remote.exists(path) and self._remote.size(path) == size:
                return
            self._remote.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._write_remote(path, write)
        except OSError as error:
            fix = "check the store's address and credentials (LINEAGE_ARTIFACTS)"
            raise ArtifactError(_public(f"cannot store a file: {error}"), where=_public(path), fix=fix) from error

    def _write_remote(self, path: str, write: Callable[[BinaryIO], None]) -> None:
        try:
            with self._remote.open(path, "wb") as file:
                write(file)
        except BaseException:  # fsspec stores an incomplete file when it is closed
            with contextlib.suppress(OSError):
                self._remote.rm(path)
            raise

    def read(self, digest: Digest) -> bytes:
        """Return the bytes of a stored file, verified.

        Raises:
            ArtifactError: it is missing, or its bytes are not those of its name.
        """
        data: bytes
        with self._open(digest) as file:
            data = file.read()
        self._check(digest, hashlib.sha256(data).hexdigest())
        return data

    def check(self, digest: Digest) -> None:
        """Verify a stored file against its digest, streamed.

        Raises:
            ArtifactError: it is missing, is not a regular file, or its bytes are not those of its name.
        """
        if self._folder is not None:
            self._check_regular(self._local(digest))
        hasher = hashlib.sha256()
        with self._open(digest) as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
        self._check(digest, hasher.hexdigest())

    @staticmethod
    def _check_regular(path: Path) -> None:
        if path.exists() and not path.is_file():  # a FIFO would never end
            fix = "remove it, and restore the file from a backup of the artifact store"
            raise ArtifactError("a stored file is not a regular file", where=str(path), fix=fix)

    def fetch(self, digest: Digest, into: Path) -> Path:
        """Copy a stored file to `into`, streamed and verified, and return that path.

        Raises:
            ArtifactError: it is missing, altered, or cannot be written; nothing is left behind then.
        """
        hasher = hashlib.sha256()

        def copy(target: BinaryIO) -> None:
            with self._open(digest) as source:
                while chunk := source.read(_CHUNK):
                    hasher.update(chunk)
                    target.write(chunk)
            self._check(digest, hasher.hexdigest())

        write_once(into, copy, needs=0)
        return into

    def __contains__(self, digest: object) -> bool:
        if not isinstance(digest, Digest):
            return False
        if self._folder is not None:
            return self._local(digest).is_file()
        return bool(self._remote.exists(self.url_of(digest)))

    def remove(self, digest: Digest) -> int:
        """Remove a file and the damaged copies of it that were set aside; return how many there were.

        The bytes are unlinked, not overwritten: copies in backups and snapshots of the disk are not reached.

        Raises:
            ArtifactError: one of them cannot be removed.
        """
        if self._folder is None:
            return self._remove_remote(digest)
        path = self._local(digest)
        found = [path, *self._folder.glob(f".bad/{path.name[:16]}-*/{path.name}")]
        removed = 0
        for each in found:
            try:
                each.unlink()
                removed += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                what = f"a stored file cannot be removed: {error.strerror}"
                raise ArtifactError(what, where=str(each), fix="make its folder writable, and repeat it") from error
        return removed

    def _remove_remote(self, digest: Digest) -> int:
        path = self.url_of(digest)
        try:
            if not self._remote.exists(path):
                return 0
            self._remote.rm(path)
        except OSError as error:
            fix = "check the store's credentials (LINEAGE_ARTIFACTS), and repeat it"
            what = _public(f"a stored file cannot be removed: {error}")
            raise ArtifactError(what, where=_public(path), fix=fix) from error
        return 1

    def half_written(self, older_than: timedelta) -> Sequence[Path]:
        """Return abandoned temporary files, those not written to for `older_than`.

        Only a local store has any; object stores never show incomplete files.
        """
        if self._folder is None:
            return []
        now, files = time.time(), []
        for path in sorted(file for prefix in _PREFIXES for file in self._folder.glob(f"sha256/*/{prefix}*")):
            with contextlib.suppress(FileNotFoundError):  # its writer has just finished
                if now - path.stat().st_mtime >= older_than.total_seconds():
                    files.append(path)
        return files

    def url_of(self, digest: Digest) -> str:
        """Return the path or URL of a file."""
        return f"{self.url.rstrip('/')}/{_place(digest)}"

    def _local(self, digest: Digest) -> Path:
        assert self._folder is not None  # noqa: S101  # asked for local stores only
        return self._folder / _place(digest)

    @cached_property
    def _remote(self) -> Any:  # noqa: ANN401  # fsspec has no types
        import fsspec

        try:
            return fsspec.core.url_to_fs(self.url)[0]
        except (ImportError, ValueError) as error:
            fix = "install the package that fsspec needs for it, or use another store"
            raise ArtifactError(f"unsupported kind of store: {error}", where=_public(self.url), fix=fix) from error

    def _open(self, digest: Digest) -> Any:  # noqa: ANN401  # a binary file of either kind
        try:
            return (
                self._remote.open(self.url_of(digest), "rb") if self._folder is None else self._local(digest).open("rb")
            )
        except FileNotFoundError as error:
            if digest.hex in self._purged:
                raise PurgedError(self._purged[digest.hex], where=str(digest)) from error
            fix = "restore it from a backup of the artifact store"
            raise ArtifactError(f"no stored file {digest}", where=_public(self.url_of(digest)), fix=fix) from error
        except OSError as error:
            what = _public(f"cannot read a stored file: {error}")
            raise ArtifactError(what, where=_public(self.url_of(digest))) from error

    def _check(self, digest: Digest, actual: str) -> None:
        if actual != digest.hex:
            raise ArtifactError(
                f"a stored file was altered: expected {digest}, found sha256:{actual}",
                where=_public(self.url_of(digest)),
                fix="do not use it; restore it from a backup, and find out who changed it",
            )


def _public(text: str) -> str:
    # fsspec takes names and passwords in URLs; an error is printed and logged.
    return _CREDENTIALS.sub("", text)


def _place(digest: Digest) -> str:
    return f"{digest.algorithm}/{digest.hex[:2]}/{digest.hex[2:]}"


def _write_all(file: BinaryIO, data: bytes) -> None:
    file.write(data)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
