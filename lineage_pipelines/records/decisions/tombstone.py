"""Tombstone: the statement that the bytes of a stored file were removed on purpose: which file, by whom, why.

Kept in the log as an entry of its own. The records that name the file keep its digest.
"""

from dataclasses import dataclass

from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import Value, from_json, to_json
from lineage_pipelines.records.values.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone(Value):
    """The removal of one stored file."""

    blob: Digest
    what: str
    """What the records name it as: `the patch`, `source file flights/train.py`, `its model file`."""
    record: Digest
    """The first record that names it."""
    users: int
    """How many records named it when it was removed."""
    stored: bool = True
    """Whether its bytes were there until then."""
    live: tuple[str, ...] = ()
    """The versions that an alias named then and whose model file it was."""
    by: str
    """Who removed it."""
    reason: str


def encode_tombstone(tombstone: Tombstone) -> bytes:
    """Return the canonical bytes of a tombstone.

    Raises:
        RecordError: it has no exact form.
    """
    return canonical_bytes(to_json(tombstone, "tombstone"))


def decode_tombstone(data: bytes) -> Tombstone:
    """Read a tombstone.

    Raises:
        RecordError: the bytes are not a valid tombstone.
    """
    tombstone: Tombstone = from_json(Tombstone, parse_bytes(data), "tombstone")
    return tombstone
