"""Checkpoints: the size and root of the log, signed, as text that can be kept anywhere.

The form is that of the C2SP specifications tlog-checkpoint and signed-note, which other tools read:

    lineage-pipelines.log/3f9c…
    42
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — lineage-pipelines.log/3f9c… Az3grl…

A log is named by its first entry. Who keeps a checkpoint can tell later whether the log still begins with what it
was: rewriting it takes another root, and the root is not in the writer's hands any more.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.catalog.transparency.merkle import Hash
from lineage_pipelines.catalog.transparency.signing import LogKey, PublicKey
from lineage_pipelines.errors import CatalogError

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_NOTE = re.compile(r"(?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/=]+)\n\n")
_MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the log was at some time."""

    origin: str
    """The log's name."""
    size: int
    """How many entries."""
    root: Hash

    def text(self) -> str:
        """The signed part of the note."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def log_name(first_leaf: Hash) -> str:
    """Return the name of the log that begins with this entry."""
    return f"lineage-pipelines.log/{first_leaf.hex()[:32]}"


def write_note(checkpoint: Checkpoint, key: LogKey) -> str:
    """Return a checkpoint as a signed note."""
    signature = key.sign_raw(checkpoint.text().encode())
    mark = _key_hash(checkpoint.origin, PublicKey(key.public)) + signature
    return f"{checkpoint.text()}\n{_DASH}{checkpoint.origin} {base64.b64encode(mark).decode()}\n"


def read_note(text: str, *, where: str) -> Checkpoint:
    """Return the checkpoint of a note; its signatures are not checked.

    Raises:
        CatalogError: the text is not a checkpoint.
    """
    found = _NOTE.match(text) if len(text) <= _MAX_BYTES else None
    if found is None:
        raise _no_checkpoint(where)
    try:
        root = _decode(found["root"])
    except ValueError as error:
        raise _no_checkpoint(where) from error
    if len(root) != hashlib.sha256().digest_size:
        raise _no_checkpoint(where)
    return Checkpoint(origin=found["origin"], size=int(found["size"]), root=root)


def read_note_file(path: Path) -> str:
    """Return the text of a note file, truncated if it is longer than any note.

    Raises:
        CatalogError: it cannot be read.
    """
    try:
        return read_small(path, _MAX_BYTES + 1).decode("utf-8", "replace")
    except OSError as error:
        fix = "name a file that `lineage checkpoint` wrote"
        raise CatalogError(f"cannot be read: {error.strerror}", where=str(path), fix=fix) from error


def read_small(path: Path, most: int) -> bytes:
    """Return at most `most` bytes of a file. A pipe is read to its end, without waiting for a writer.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb", opener=_open_at_once) as file:  # Path.open takes no opener
        os.set_blocking(file.fileno(), True)
        return file.read(most)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # opening a pipe would wait for a writer


def signed_by(text: str, keys: Iterable[PublicKey], *, where: str) -> PublicKey | None:
    """Return the first of the keys that has signed a note, or None.

    Raises:
        CatalogError: the text is not a checkpoint.
    """
    checkpoint = read_note(text, where=where)
    marks = list(_marks(text))
    for key in keys:
        expected = _key_hash(checkpoint.origin, key)
        for name, mark in marks:
            matches = name == checkpoint.origin and mark[: len(expected)] == expected
            if matches and key.signed_raw(checkpoint.text().encode(), mark[len(expected) :]):
                return key
    return None


def _marks(text: str) -> Iterable[tuple[str, bytes]]:
    for line in text.partition("\n\n")[2].split("\n"):
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        if line.startswith(_DASH) and encoded:
            try:
                yield name, _decode(encoded)
            except ValueError:
                continue


def _decode(text: str) -> bytes:
    """Decode canonical base64, in which the unused bits of the last character are zero.

    Raises:
        ValueError: the text is not canonical base64.
    """
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data


def _key_hash(name: str, key: PublicKey) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.raw).digest()[:4]


def _no_checkpoint(where: str) -> CatalogError:
    return CatalogError("not a checkpoint of a log", where=where, fix="give a file that `lineage checkpoint` wrote")
