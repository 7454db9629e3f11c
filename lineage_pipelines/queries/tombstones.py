"""Tombstones in the log: which stored files were removed on purpose, and how to say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import TOMBSTONE
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.decisions.tombstone import Tombstone, decode_tombstone
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTombstone:
    """A tombstone in the log."""

    seq: int
    at: datetime
    """When it was committed, in UTC."""
    tombstone: Tombstone

    @property
    def words(self) -> str:
        """How the file was removed: `purged on 2026-12-01 by ann: it held a password`."""
        return f"purged on {self.at:%Y-%m-%d} by {self.tombstone.by}: {self.tombstone.reason}"

    def covers(self, users: Sequence[int]) -> bool:
        """Return whether every entry that names the file came before: what names it later needs its bytes again."""
        return all(seq < self.seq for seq in users)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgedFile:
    """A file of one record that was removed."""

    what: str
    """`the patch`, `source file flights/train.py`."""
    logged: LoggedTombstone

    @property
    def words(self) -> str:
        """What was removed, and how."""
        return f"{self.what}: {self.logged.words}"


def list_tombstones(catalog: Catalog) -> Mapping[str, LoggedTombstone]:
    """Return the last tombstone of every file that was removed, by its SHA-256 in hex.

    Entries that were altered are left out: `lineage verify` reports them.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    found = {}
    for entry in catalog.log.walk(TOMBSTONE):
        try:
            tombstone = decode_tombstone(entry.body) if Digest.of(entry.body).hex == entry.digest else None
            at = parse_time(entry.recorded)
        except RecordError:
            continue
        if tombstone is not None:
            found[tombstone.blob.hex] = LoggedTombstone(seq=entry.seq, at=at, tombstone=tombstone)
    return found


def purged_words(catalog: Catalog) -> Mapping[str, str]:
    """Return how each removed file was removed, by its SHA-256 in hex, as `ArtifactStore` takes it."""
    return {hex_: logged.words for hex_, logged in list_tombstones(catalog).items()}


def purged_of(record: LineageRecord, tombstones: Mapping[str, LoggedTombstone]) -> tuple[PurgedFile, ...]:
    """Return the files of a record that were removed, each once."""
    if not tombstones:
        return ()
    from lineage_pipelines.queries.referenced_files import ReferencedFiles

    files = ReferencedFiles()
    files.add(1, record)
    named = dict.fromkeys(files.models, "the model file") | {blob.hex: blob.what for blob in files.blobs}
    return tuple(PurgedFile(what=what, logged=tombstones[hex_]) for hex_, what in named.items() if hex_ in tombstones)
