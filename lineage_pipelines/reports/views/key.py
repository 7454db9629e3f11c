"""Keys of a log: who signs with them, and since when."""

from typing import TYPE_CHECKING

from lineage_pipelines.records.decisions.key_event import KeyPurpose
from lineage_pipelines.reports.document import Document, Paragraph, Table
from lineage_pipelines.reports.formatting import utc_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lineage_pipelines.queries.verify.keyring import KnownKey
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time

if TYPE_CHECKING:
    from lineage_pipelines.queries.verify.keyring import KnownKey


_FOR = {KeyPurpose.LOG: "log", KeyPurpose.APPROVAL: "approvals"}


def keys_document(keys: "Sequence[KnownKey]") -> Document:
    """List the keys of a log."""
    if not keys:
        return Document([Paragraph("No key yet: the first entry that is committed makes one.")])
    rows = [
        [key.key[:12], _FOR[key.purpose], key.owner or "–", f"entry {key.since:,}", utc_time(key.introduced), _end(key)]
        for key in keys
    ]
    return Document([Table(["key", "for", "owner", "since", "introduced", "state"], rows)])


def _end(key: "KnownKey") -> str:
    return "signs" if key.revoked is None else f"revoked by entry {key.revoked:,}: {key.reason or 'no reason given'}"


def keys_json(keys: "Sequence[KnownKey]") -> Json:
    """Return the keys of a log."""
    return [
        {
            "key": key.key,
            "purpose": str(key.purpose),
            "owner": key.owner,
            "since": key.since,
            "introduced": format_time(key.introduced),
            "revoked": key.revoked,
            "reason": key.reason,
        }
        for key in keys
    ]
