"""Writer of log entries of any kind: place, time, signature, within the transaction that commits them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import log
from lineage_pipelines.catalog.log.entries import KEY, of_kind
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records.decisions.key_event import (
    KeyChange,
    KeyEvent,
    KeyPurpose,
    decode_key_event,
    encode_key_event,
)
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.digest import Digest

_KEY_EVENTS = sa.select(log.c.body).where(of_kind(KEY)).order_by(log.c.seq)
_next = sa.select(sa.func.coalesce(sa.func.max(log.c.seq), 0) + 1).scalar_subquery()
_ADD = log.insert().values(seq=_next).returning(log.c.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedEntry:
    """An entry that was just appended."""

    seq: int
    digest: Digest
    recorded: datetime


def add_entry(connection: sa.Connection, kind: str, body: bytes, key: LogKey | None) -> AddedEntry:
    """Append an entry to the log, signed if a key is given; a new key is introduced by an entry of its own first.

    Raises:
        CatalogError: the key was revoked, or is for approvals.
    """
    if key is not None:
        _introduce(connection, key)
    return _add(connection, kind, body, key)


def _introduce(connection: sa.Connection, key: LogKey) -> None:
    # Read every time, in the transaction: a key that was revoked a moment ago must not sign.
    events = [event for event in map(_key_event, connection.scalars(_KEY_EVENTS)) if event.key == key.keyid]
    if any(event.change is KeyChange.REVOKED for event in events):
        raise CatalogError(
            f"the signing key {key.keyid[:12]} was revoked",
            where=str(key.path),
            fix="move the key file away; the next entry makes a new key",
        )
    if events and events[0].purpose is KeyPurpose.APPROVAL:  # the purpose of a key never changes
        raise CatalogError(
            f"the key {key.keyid[:12]} is a person's, for approvals, and signs no entries",
            where=str(key.path),
            fix="move the key file away; the next entry makes a new key",
        )
    if not events:
        event = KeyEvent(change=KeyChange.NEW, key=key.keyid, public=key.public)
        _add(connection, KEY, encode_key_event(event), key)


@lru_cache(maxsize=256)
def _key_event(body: bytes) -> KeyEvent:
    return decode_key_event(body)


def _add(connection: sa.Connection, kind: str, body: bytes, key: LogKey | None) -> AddedEntry:
    digest = Digest.of(body)
    recorded = datetime.now(UTC)
    values = {"kind": kind, "digest": digest.hex, "body": body, "recorded": format_time(recorded)}
    signed = {"keyid": key.keyid, "signature": key.sign(kind, body)} if key is not None else {}
    seq = connection.execute(_ADD, {**values, "keyid": None, "signature": None, **signed}).scalar_one()
    return AddedEntry(seq=seq, digest=digest, recorded=recorded)
