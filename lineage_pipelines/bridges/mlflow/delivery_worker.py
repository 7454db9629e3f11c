"""Delivery worker: sends MLflow what is pending, one process at a time, outside of training, until it is done.

`python -m lineage_pipelines.bridges.mlflow.delivery_worker` is that process; its environment holds the project's
settings.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines.bridges.mlflow.decision_sync import sync_approvals, sync_decision
from lineage_pipelines.bridges.mlflow.mirror import Mirror
from lineage_pipelines.bridges.mlflow.server import LostServerError, connect
from lineage_pipelines.errors import LineageError, visible, visible_lines
from lineage_pipelines.queries.registry.alias_history import LoggedDecision
from lineage_pipelines.records.decisions.approval import decode_envelope
from lineage_pipelines.records.decisions.decision import decode_decision
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.settings import MLFLOW, Settings, resolve_settings

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import LogEntry

_PAGE = 200
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The result of a delivery."""

    sent: int = 0
    """Entries of the log."""
    refused: Sequence[tuple[int, str]] = ()
    """The entries that are still pending, and why."""
    lost: str | None = None
    """Why it stopped, where MLflow could not be reached."""
    busy: bool = False
    """Whether another process is delivering."""


def open_mirror(settings: Settings) -> Mirror:
    """Return the mirror of a project's catalog; for a process of our own (see `connect`).

    Raises:
        BridgeError: MLflow is not installed.
        LostServerError: it cannot be reached.
    """
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore

    address = settings.mlflow or ""
    return Mirror(
        connect(address, retries=0),
        address,
        ArtifactStore(settings.artifacts),
        settings.dagster_url,
        settings.trusted_types,
    )


def deliver(catalog: "Catalog", mirror: Mirror, *, progress: Progress = lambda *_: None) -> Delivered:
    """Send MLflow all pending entries in the order of the log; those that it refuses stay pending, the rest goes on.

    Returns at once where another process is delivering: that one sees what was added meanwhile.

    Args:
        catalog: open for writing.
        mirror: MLflow.
        progress: called with what is sent, and how many entries so far.
    """
    sent, refused = 0, dict[int, str]()
    while True:
        with catalog.outbox.exclusive(MLFLOW) as held:
            if not held:
                return Delivered(sent=sent, refused=[*refused.items()], busy=True)
            for entry in _pending(catalog, refused):
                try:
                    _send(catalog, mirror, entry)
                except LostServerError as error:
                    return Delivered(sent=sent, refused=[*refused.items()], lost=error.what)
                except LineageError as error:  # of this one entry: the others need not wait for it
                    refused[entry.seq] = error.what
                else:
                    catalog.outbox.mark_delivered(MLFLOW, [entry])
                    sent += 1
                    progress("entries sent to MLflow", sent)
        # Another process may have found the lock taken and left its entries to us: look again now that it is free.
        if not _pending(catalog, refused):
            return Delivered(sent=sent, refused=[*refused.items()])


def _pending(catalog: "Catalog", refused: dict[int, str]) -> "Sequence[LogEntry]":
    page = catalog.outbox.pending(MLFLOW, limit=_PAGE + len(refused))
    return [entry for entry in page if entry.seq not in refused]


def _send(catalog: "Catalog", mirror: Mirror, entry: "LogEntry") -> None:
    if entry.kind == "decision":
        decided = LoggedDecision(seq=entry.seq, at=parse_time(entry.recorded), decision=decode_decision(entry.body))
        sync_decision(mirror, catalog, decided)
    elif entry.kind == "approval":
        approval = decode_envelope(entry.body).approval
        sync_approvals(mirror, catalog, catalog.get(approval.model, approval.version), approval.alias)
    else:
        for version in catalog.log.versions_at([entry.seq]):
            mirror.write(version)


def main() -> int:
    """Deliver the pending entries of the project in the current folder; return 0 unless MLflow could not be reached."""
    from lineage_pipelines.catalog.catalog import Catalog

    os.nice(10)  # training, which may go on beside this, comes first
    settings = resolve_settings()
    try:
        with Catalog(settings.catalog, create=False, keys=settings.keys) as catalog:
            found = deliver(catalog, open_mirror(settings))
    except LineageError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for seq, why in found.refused:
        sys.stderr.write(f"entry {seq}: {visible(why)}\n")
    if found.lost:
        sys.stderr.write(f"error: {visible_lines(str(found.lost))}\n")
    entries = "1 entry" if found.sent == 1 else f"{found.sent:,} entries"
    sys.stderr.write(f"{entries} sent{', another process is delivering' if found.busy else ''}\n")
    return 1 if found.lost else 0


if __name__ == "__main__":
    sys.exit(main())
