"""Purge: which stored file was removed, who names it, and what stays."""

from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.phrase import some_of
from lineage_pipelines.reports.document import Document, Pairs
from lineage_pipelines.reports.formatting import short_digest

if TYPE_CHECKING:
    from lineage_pipelines.queries.tombstones import LoggedTombstone
    from lineage_pipelines.queries.verify.purge import StoredBlob

_FEW = 3


def purge_document(blob: "StoredBlob", logged: "LoggedTombstone") -> Document:
    """Say what was removed, and where that is recorded."""
    rows = [
        ("removed", f"{blob.what}, {short_digest(blob.digest.hex)}"),
        ("named by", some_of(blob.refs, most=_FEW)),
        ("recorded", f"entry {logged.seq:,}: {logged.words}"),
        ("stays", "its digest in the records; Git, DVC, MLflow and backups are not touched"),
    ]
    return Document([Pairs(rows)])


def purge_json(blob: "StoredBlob", logged: "LoggedTombstone") -> Json:
    """Return what was removed."""
    return {
        "blob": blob.digest.hex,
        "what": blob.what,
        "versions": list(blob.refs),
        "stored": blob.stored,
        "live": list(logged.tombstone.live),
        "entry": logged.seq,
        "at": format_time(logged.at),
        "by": logged.tombstone.by,
        "reason": logged.tombstone.reason,
    }
