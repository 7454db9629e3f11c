"""Keyring: the keys that sign the log and the keys for approvals, with introduction and revocation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.registry.approval_rules import proven
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.records.decisions.key_event import KeyChange, KeyEvent, KeyPurpose, decode_key_event
from lineage_pipelines.records.values.codec import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key that the log has introduced."""

    key: str
    """Its id, 64 hex characters."""
    since: int
    """The entry that introduced it."""
    introduced: datetime
    purpose: KeyPurpose = KeyPurpose.LOG
    owner: str | None = None
    """The owner of a key for approvals."""
    revoked: int | None = None
    """The entry that revoked it."""
    reason: str | None = None


def list_keys(catalog: Catalog) -> tuple[KnownKey, ...]:
    """Return every key of the log, in the order of introduction.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid key event.
    """
    keys: dict[str, KnownKey] = {}
    for entry in catalog.log.walk("key"):
        event = decode_key_event(entry.body)
        if event.change is KeyChange.REVOKED:
            if event.key in keys and keys[event.key].revoked is None:
                keys[event.key] = replace(keys[event.key], revoked=entry.seq, reason=event.reason)
        elif event.key not in keys:  # a revoked key cannot be introduced again
            keys[event.key] = KnownKey(
                key=event.key,
                since=entry.seq,
                introduced=parse_time(entry.recorded),
                purpose=event.purpose,
                owner=event.owner,
            )
    return tuple(keys.values())


def find_key(catalog: Catalog, prefix: str) -> KnownKey:
    """Return the key whose id begins with `prefix`.

    Raises:
        NotFoundError: no key does, or several do.
    """
    known = list_keys(catalog)
    found = [key for key in known if prefix and key.key.startswith(prefix.lower())]
    if len(found) == 1:
        return found[0]
    names = ", ".join(key.key[:12] for key in known) or "none"
    what = f"several keys begin with {prefix!r}" if found else f"no key begins with {prefix!r}"
    raise NotFoundError(what, where=catalog.url, fix=f"the log knows: {names}")


def recheck_keys(events: Iterable[tuple[int, KeyEvent]]) -> Iterator[str]:
    """Yield what is wrong with the introductions of keys, in words, each with its place in the log.

    Args:
        events: every key event with its place, in order.
    """
    seen: set[str] = set()
    for seq, event in events:
        where = f"entry {seq} (key)"
        if event.change is KeyChange.REVOKED:
            continue
        if event.key in seen:
            yield f"{where} introduces a key that the log already knows"
        elif event.purpose is KeyPurpose.APPROVAL and proven(event) is None:
            yield f"{where} does not prove possession of the key of {event.owner}"
        seen.add(event.key)
