"""Snapshots: the content of a file or folder by digest, reading only what changed since the last time."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.content.fingerprint import Scan, ignore_rules, scan
from lineage_pipelines.datasets.content.hashing import (
    MD5,
    SHA256,
    digest_file,
    directory_md5,
    listing_sha256,
)
from lineage_pipelines.datasets.content.stable_read import ChangingDataError, Signature
from lineage_pipelines.datasets.content.thread_pool import cores, spread
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines.system.atomic_file import replace_file

_FORMAT = 1

Rows = Mapping[tuple[str, Signature], Mapping[str, str]]
"""Relative path and signature of a file, to its digests by algorithm."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A path as a whole."""

    fingerprint: str
    """Of its files when they were read; empty when some of them had changed too shortly before."""
    digests: Mapping[str, str]
    """By algorithm."""
    size: int
    """Bytes."""
    files: int
    is_dir: bool


class StateFile:
    """The memory of one path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def summary(self) -> Summary | None:
        """Return what is known of the path as a whole; None when nothing is."""
        try:
            with self._path.open("rb") as file:
                return _summary(file.readline())[0]
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def rows(self) -> Rows:
        """Return what is known of each file; nothing when the memory is damaged."""
        try:
            first, _, rest = self._path.read_bytes().partition(b"\n")
            if _checksum(rest) != _summary(first)[1]:
                return {}
            return {(path, Signature(*sign)): digests for path, sign, digests in json.loads(rest)}
        except (OSError, ValueError, TypeError, KeyError):
            return {}

    def write(self, summary: Summary, rows: Rows) -> None:
        """Remember; where that is not possible (a read-only project, a full disk), do not."""
        rest = json.dumps([(path, sign, digests) for (path, sign), digests in rows.items()]).encode()
        head = json.dumps({"format": _FORMAT, "rows": _checksum(rest), **asdict(summary)}).encode()
        with contextlib.suppress(OSError):
            replace_file(self._path, _checksum(head).encode() + b" " + head + b"\n" + rest)


def _summary(line: bytes) -> tuple[Summary, str]:
    checksum, _, head = line.rstrip(b"\n").partition(b" ")
    if checksum != _checksum(head).encode():
        raise ValueError("damaged")
    value = json.loads(head)
    if value.pop("format") != _FORMAT:
        raise ValueError("another format")
    rows = value.pop("rows")
    return Summary(**value), rows


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of a file or folder."""

    digest: DigestSet
    size: int
    """Bytes, of all files together."""
    files: int


class SnapshotCache:
    """Snapshots of the files and folders of a DVC project, remembered below its `.dvc/tmp`.

    Several threads and processes may use it at once.

    Args:
        root: the folder that holds `.dvc`.
        links_into: folders outside of it that links may lead into: DVC's cache.
    """

    def __init__(self, root: Path, *, links_into: Sequence[Path] = ()) -> None:
        self._root = root.resolve()
        self._within = [self._root, *(folder.resolve() for folder in links_into)]
        self._folder = own_folder(self._root) / "snapshots"

    def snapshot(self, path: Path, *, algorithms: Sequence[str] = (MD5, SHA256)) -> Snapshot:
        """Return the content of a file or folder; the MD5 is the one that DVC computes.

        Args:
            path: in the project.
            algorithms: the digests to compute. MD5 alone takes twice the time of SHA-256 alone.

        Raises:
            DatasetError: it is missing or unreadable, contains something that is not a regular file, leads out of
                the project, or kept changing.
        """
        summary = self._summary(path, algorithms)
        return Snapshot(
            DigestSet(md5=summary.digests.get(MD5), sha256=summary.digests.get(SHA256)), summary.size, summary.files
        )

    def name(self, path: Path, algorithm: str = MD5) -> str:
        """Return the digest of a file or folder, with `.dir` for the MD5 of a folder. Raises as `snapshot`."""
        return self._summary(path, (algorithm,)).digests[algorithm]

    def listing(self, path: Path, algorithm: str = MD5) -> tuple[tuple[str, str], ...]:
        """Return relative path and digest of each file of a folder, sorted. Raises as `snapshot`."""
        _, rows = _patiently(lambda: self._look(path, (algorithm,), remembered=None))
        return tuple(sorted((relative, digests[algorithm]) for (relative, _), digests in rows.items()))

    def _summary(self, path: Path, algorithms: Sequence[str]) -> Summary:
        def remembered(summary: Summary) -> bool:
            return all(name in summary.digests for name in algorithms)

        return _patiently(lambda: self._look(path, algorithms, remembered=remembered))[0]

    def _look(
        self, path: Path, algorithms: Sequence[str], *, remembered: Callable[[Summary], bool] | None
    ) -> tuple[Summary, Rows]:
        """Look at a path once.

        Args:
            path: the file or folder.
            algorithms: which digests.
            remembered: whether the cached summary of an unchanged path is enough.
        """
        found = scan(path, within=self._within)
        rules = ignore_rules(self._root, found.path) if found.is_dir else ""
        fingerprint = hashlib.sha256(f"{found.fingerprint}\n{rules}".encode()).hexdigest()
        state = self._state(found.path)
        known = state.summary()
        if remembered and known and known.fingerprint == fingerprint and remembered(known):
            return known, {}
        old = state.rows()
        rows = _digest(found, self._seen(found, rules), algorithms, old)
        if rows != old and scan(path, within=self._within).fingerprint != found.fingerprint:
            raise _changing(path)
        summary = _summarise(found, rows, algorithms, fingerprint)
        if summary != known or rows != old:
            state.write(summary, {key: digests for key, digests in rows.items() if found.is_settled(key[1])})
        return summary, rows

    def _seen(self, found: Scan, rules: str) -> Sequence[tuple[str, Signature]]:
        """Return the files that `.dvcignore` does not exclude; DVC itself interprets the patterns."""
        if not rules:
            return found.files
        from lineage_pipelines.datasets.dvc_api import seen_files

        seen = seen_files(self._root, found.path)
        return [(relative, sign) for relative, sign in found.files if relative in seen]

    def _state(self, path: Path) -> StateFile:
        return StateFile(self._folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json")


def _patiently(look: Callable[[], tuple[Summary, Rows]]) -> tuple[Summary, Rows]:
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(ChangingDataError):
            return look()
    return look()


def _digest(found: Scan, files: Sequence[tuple[str, Signature]], algorithms: Sequence[str], old: Rows) -> Rows:
    """Return the digests of every file; files are read only if a digest is not in `old`."""
    known = {key: old.get(key, {}) for key in files}
    lacking = [(key, names) for key in files if (names := [name for name in algorithms if name not in known[key]])]

    helper = len(lacking) < cores()

    def read(item: tuple[tuple[str, Signature], list[str]]) -> Mapping[str, str]:
        (relative, before), names = item
        digests, signature = digest_file(found.location(relative), names, helper=helper)
        if signature != before:
            raise _changing(found.path)
        return digests

    answers = spread(read, lacking, size=lambda item: item[0][1].size)
    return known | {key: {**known[key], **new} for (key, _), new in zip(lacking, answers, strict=True)}


def _summarise(found: Scan, rows: Rows, algorithms: Sequence[str], fingerprint: str) -> Summary:
    names = set(algorithms).union(*rows.values()).intersection(*rows.values()) if rows else set(algorithms)
    return Summary(
        fingerprint if all(found.is_settled(sign) for _, sign in rows) else "",
        {name: _whole(found, rows, name) for name in sorted(names)},
        sum(sign.size for _, sign in rows),
        len(rows),
        found.is_dir,
    )


def _whole(found: Scan, rows: Rows, algorithm: str) -> str:
    named = [(relative, digests[algorithm]) for (relative, _), digests in rows.items()]
    if not found.is_dir:
        return named[0][1]
    return listing_sha256(named) if algorithm == SHA256 else directory_md5(named)


def _changing(path: Path) -> ChangingDataError:
    return ChangingDataError(
        "the data changed while it was read", where=str(path), fix="wait until nothing writes to it, then try again"
    )
