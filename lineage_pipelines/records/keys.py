"""What the log says of keys: from which entry on a key counts, for what, and from which entry on no longer."""

from dataclasses import dataclass
from enum import StrEnum

from lineage_pipelines.records.canonical import canonical_bytes, parse_bytes
from lineage_pipelines.records.codec import Value, from_json, to_json


class KeyChange(StrEnum):
    """What happened to a key."""

    NEW = "new"
    REVOKED = "revoked"


class KeyPurpose(StrEnum):
    """What a key may sign."""

    LOG = "log"
    """Entries and checkpoints, by the machine that commits them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEvent(Value):
    """One event in the life of a key. An entry signed before a revocation stays valid, by its place in the log."""

    change: KeyChange
    key: str
    """The key's id: 64 hex characters."""
    purpose: KeyPurpose = KeyPurpose.LOG
    public: str | None = None
    """The public key as PEM; given when the key is new."""
    reason: str | None = None
    """Why it was revoked."""


def encode_key_event(event: KeyEvent) -> bytes:
    """Return the canonical bytes of an event.

    Raises:
        RecordError: it has no exact form.
    """
    return canonical_bytes(to_json(event, "key event"))


def decode_key_event(data: bytes) -> KeyEvent:
    """Read an event.

    Raises:
        RecordError: the bytes are none.
    """
    event: KeyEvent = from_json(KeyEvent, parse_bytes(data), "key event")
    return event
