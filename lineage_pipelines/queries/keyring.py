"""Which keys sign the log, since when, and which no longer do."""

from dataclasses import dataclass, replace
from datetime import datetime

from lineage_pipelines.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.records import KeyChange, decode_key_event, parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key that the log has introduced."""

    key: str
    """Its id, 64 hex characters."""
    since: int
    """The entry that introduced it."""
    introduced: datetime
    revoked: int | None = None
    """The entry from which on it signs nothing."""
    reason: str | None = None


def list_keys(catalog: Catalog) -> tuple[KnownKey, ...]:
    """Return every key of the log, in the order in which they came.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is no key event.
    """
    keys: dict[str, KnownKey] = {}
    for entry in catalog.walk("key"):
        event = decode_key_event(entry.body)
        if event.change is KeyChange.NEW:
            keys[event.key] = KnownKey(key=event.key, since=entry.seq, introduced=parse_time(entry.recorded))
        elif event.key in keys:
            keys[event.key] = replace(keys[event.key], revoked=entry.seq, reason=event.reason)
    return tuple(keys.values())


def find_key(catalog: Catalog, prefix: str) -> KnownKey:
    """Return the key whose id begins with `prefix`.

    Raises:
        NotFoundError: there is none, or more than one.
    """
    known = list_keys(catalog)
    found = [key for key in known if prefix and key.key.startswith(prefix.lower())]
    if len(found) == 1:
        return found[0]
    names = ", ".join(key.key[:12] for key in known) or "none"
    what = f"several keys begin with {prefix!r}" if found else f"no key begins with {prefix!r}"
    raise NotFoundError(what, where=catalog.url, fix=f"the log knows: {names}")
