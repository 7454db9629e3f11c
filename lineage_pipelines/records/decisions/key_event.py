"""Key event: from which entry of the log on a key counts, for what, whose it is, and until which entry."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.decisions.look_alike import mixes_scripts
from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import Value, from_json, to_json

_LONGEST_OWNER = 200


class KeyChange(StrEnum):
    """What happened to a key."""

    NEW = "new"
    REVOKED = "revoked"


class KeyPurpose(StrEnum):
    """What a key may sign: the one or the other, never both."""

    LOG = "log"
    """Entries and checkpoints, by the machine that commits them."""
    APPROVAL = "approval"
    """Approvals, by the person whose key it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEvent(Value):
    """One event in the life of a key. What it signed before a revocation stays valid, by its place in the log."""

    change: KeyChange
    key: str
    """The key's id: 64 hex characters."""
    purpose: KeyPurpose = KeyPurpose.LOG
    public: str | None = None
    """The public key as PEM; given when the key is new."""
    owner: str | None = None
    """Whose key it is: a name or an e-mail address; given when a key for approvals is new."""
    proof: str | None = None
    """The signature (hex) of the new key for approvals over `possession_bytes`: who introduces it holds it."""
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
        RecordError: the bytes are not a valid key event.
    """
    event: KeyEvent = from_json(KeyEvent, parse_bytes(data), "key event")
    return event


def possession_bytes(event: KeyEvent) -> bytes:
    """Return what the `proof` of a new key is over: the canonical JSON of its id, owner, public key and purpose.

    Raises:
        RecordError: it has no exact form.
    """
    claim = {"key": event.key, "owner": event.owner, "public": event.public, "purpose": str(event.purpose)}
    return canonical_bytes(to_json(claim, "key event"))


def check_owner(owner: str) -> str:
    """Return the name of a key's owner.

    Raises:
        RecordError: it is empty, too long, mixes scripts, or holds what cannot be seen.
    """
    plain = unicodedata.normalize("NFC", owner)
    if plain == plain.strip() and plain.isprintable() and 0 < len(plain) <= _LONGEST_OWNER:
        if mixes_scripts(plain):
            what = f"the owner of a key mixes letters of several scripts: {ascii(owner)[:80]}"
            raise RecordError(what, fix="write the name in one script: ann@example.org")
        return plain
    raise RecordError(
        f"not an owner of a key: {ascii(owner)[:80]}",
        fix=f"write a name or an e-mail address, {_LONGEST_OWNER} visible characters at most: ann@example.org",
    )
