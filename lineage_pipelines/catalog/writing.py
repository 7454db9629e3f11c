"""How an entry of any kind gets into the log: its place, its time, its signature.

Called within the transaction that commits it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from lineage_pipelines.catalog.signing import LogKey
from lineage_pipelines.catalog.tables import log
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records import (
    Digest,
    KeyChange,
    KeyEvent,
    KeyPurpose,
    decode_key_event,
    encode_key_event,
    format_time,
)

RECORD = "record"
"""The kind of an entry that holds a lineage record."""
DECISION = "decision"
"""The kind of an entry that holds a decision."""
KEY = "key"
"""The kind of an entry that holds an event in the life of a key."""
APPROVAL = "approval"
"""The kind of an entry that holds an approval, in the envelope that its approver signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry that was just added."""

    seq: int
    digest: Digest
    recorded: datetime


def write_entry(connection: sa.Connection, kind: str, body: bytes, key: LogKey | None) -> Written:
    """Add an entry at the end of the log, signed where there is a key. A key that is new is introduced first.

    Raises:
        CatalogError: the key was revoked, or is for approvals.
    """
    if key is not None:
        _introduce(connection, key)
    return _add(connection, kind, body, key)


def _introduce(connection: sa.Connection, key: LogKey) -> None:
    bodies = connection.scalars(sa.select(log.c.body).where(log.c.kind == KEY).order_by(log.c.seq))
    events = [event for event in map(decode_key_event, bodies) if event.key == key.keyid]
    if any(event.change is KeyChange.REVOKED for event in events):
        raise CatalogError(
            f"the signing key {key.keyid[:12]} was revoked",
            where=str(key.path),
            fix="move the key file away; the next entry makes a new key",
        )
    if events and events[0].purpose is KeyPurpose.APPROVAL:  # what a key is for is said once
        raise CatalogError(
            f"the key {key.keyid[:12]} is a person's, for approvals, and signs no entries",
            where=str(key.path),
            fix="move the key file away; the next entry makes a new key",
        )
    if not events:
        event = KeyEvent(change=KeyChange.NEW, key=key.keyid, public=key.public)
        _add(connection, KEY, encode_key_event(event), key)


def _add(connection: sa.Connection, kind: str, body: bytes, key: LogKey | None) -> Written:
    digest = Digest.of(body)
    seq = (connection.scalar(sa.select(sa.func.max(log.c.seq))) or 0) + 1
    recorded = datetime.now(UTC)
    values = {"kind": kind, "digest": digest.hex, "body": body, "recorded": format_time(recorded)}
    if key is not None:
        values |= {"keyid": key.keyid, "signature": key.sign(kind, body)}
    connection.execute(log.insert().values(seq=seq, **values))
    return Written(seq=seq, digest=digest, recorded=recorded)
