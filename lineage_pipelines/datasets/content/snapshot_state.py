"""What is remembered of a snapshot, so that unchanged data is not read again. A cache: losing it costs time only.

One file a path, below `.dvc/tmp`. Its first line answers for a path that did not change at all and is all that is read
then; the rest names the digests of each file. Each part carries its own checksum: whatever does not hold is not
believed, and the data is read again.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lineage_pipelines.datasets.content.own_files import replace_file
from lineage_pipelines.datasets.content.reading import Signature

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
