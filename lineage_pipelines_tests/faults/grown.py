"""A log that has grown honestly: records of three models, decisions about them, a key that was changed."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry, LogEntry
from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint, log_name, write_note
from lineage_pipelines.catalog.transparency.merkle import TreeHead
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion, draft_rejection
from lineage_pipelines_tests.samples import make_record

MODELS = ("churn", "flight_delay", "prices")
_DECIDED = 97
"""Every so many entries somebody decides."""


@dataclass(frozen=True)
class Grown:
    """An honest catalog, and what its owner has."""

    file: Path
    log: tuple[LogEntry, ...]
    leaves: tuple[bytes, ...]
    keys: dict[str, LogKey]
    """Every key that has signed it, by its id."""
    notes: tuple[str, ...]
    """The checkpoint at every size, from 1."""


def grow(folder: Path, entries: int) -> Grown:
    """Make a catalog with so many entries in an empty folder."""
    url, keys = f"sqlite:///{folder}/catalog.db", folder / "keys"
    with Catalog(url, keys=keys) as catalog:
        seq = _append(catalog, 0, folder).seq
        while seq < entries // 3:
            seq = _append(catalog, seq, folder).seq
        (keys / "log.pem").rename(keys / "first.pem")
        seq = _append(catalog, seq, folder).seq
        catalog.registry.revoke_key(LogKey(keys / "first.pem", create=False).keyid, "the machine is gone")
        while seq < entries:
            seq = _append(catalog, seq, folder).seq
        log = tuple(catalog.log.walk())[:entries]
    with sqlite3.connect(folder / "catalog.db") as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    both = [LogKey(path, create=False) for path in sorted(keys.iterdir())]
    leaves = tuple(entry.leaf() for entry in log)
    by_id = {key.keyid: key for key in both}
    return Grown(folder / "catalog.db", log, leaves, by_id, tuple(_notes(log, leaves, by_id)))


def _append(catalog: Catalog, after: int, folder: Path) -> Entry:
    entry = catalog.append(make_record(str(after % 5000), model=MODELS[after % 3], raw=f"month {after}"))
    if after % _DECIDED == 1:
        by, reason = "ada", "better on all slices"
        if after % 2:
            promotion = draft_promotion(catalog, entry, "production", by=by, reason=reason, project_dir=folder)
            catalog.registry.decide(promotion)
        else:
            catalog.registry.decide(draft_rejection(catalog, entry, "production", by=by, reason=reason))
    return entry


def _notes(log: tuple[LogEntry, ...], leaves: tuple[bytes, ...], keys: dict[str, LogKey]) -> list[str]:
    tree, notes = TreeHead(), []
    for entry, leaf in zip(log, leaves, strict=True):
        tree.add(leaf)
        point = Checkpoint(origin=log_name(leaves[0]), size=tree.size, root=tree.root())
        notes.append(write_note(point, keys[entry.keyid or ""]))
    return notes
