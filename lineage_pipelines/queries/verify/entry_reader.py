"""Entry reader: what follows from one entry of the log alone: hashes, the signature, the record, its rows and files.

It needs no database, so that several processes can do it; see `ReaderPool`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from lineage_pipelines.catalog.index.row_hashes import RecordRows, RowHashes
from lineage_pipelines.catalog.log.entries import RECORD, LogEntry
from lineage_pipelines.catalog.transparency.signing import PublicKey
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.queries.referenced_files import ReferencedFiles
from lineage_pipelines.records.statement.lineage_record import ModelIdentity, decode, decode_identity
from lineage_pipelines.records.values.digest import Digest


class EntryReading(NamedTuple):
    """What was read of one entry."""

    leaf: bytes
    """Its hash in the Merkle tree."""
    sha256: str = ""
    """Of its bytes, hex; empty if the entry is not selected."""
    signed: bool | None = None
    """Whether its signature is that of the key that it names; None if that key is not known here."""
    identity: ModelIdentity | None = None
    """Of a record."""
    rows: RecordRows | None = None
    """Of a record, if the index is compared."""
    problem: str = ""
    """Why a record cannot be read."""


class BatchReading(NamedTuple):
    """What was read of some entries."""

    readings: Sequence[EntryReading]
    files: ReferencedFiles | None


@dataclass(frozen=True)
class EntryReader:
    """A reader of entries.

    Args:
        index_key: the key of the comparison of the index; None to compare none.
        files: whether to collect the files that records name.
        with_loadable: whether to collect what the records say of model files.
        only: the places of the entries to read; of others only the hash is computed. All if empty.
        resting: up to this place signatures are not checked again.
    """

    index_key: bytes | None = None
    files: bool = False
    with_loadable: bool = False
    only: frozenset[int] = field(default_factory=frozenset)
    resting: int = 0

    def read(self, entries: Sequence[LogEntry], keys: Mapping[str, str]) -> BatchReading:
        """Read entries.

        Args:
            entries: the entries.
            keys: the public keys (PEM) that the log introduced so far, by id.
        """
        files = ReferencedFiles(with_loadable=self.with_loadable) if self.files else None
        return BatchReading([self._read(entry, keys, files) for entry in entries], files)

    def _read(self, entry: LogEntry, keys: Mapping[str, str], files: ReferencedFiles | None) -> EntryReading:
        leaf = entry.leaf()
        if self.only and entry.seq not in self.only:
            return EntryReading(leaf)
        reading = EntryReading(leaf, Digest.of(entry.body).hex, self._signed(entry, keys))
        if entry.kind != RECORD:
            return reading
        try:
            return self._read_record(entry, reading, files)
        except RecordError as error:
            return reading._replace(problem=error.what)

    def _read_record(self, entry: LogEntry, reading: EntryReading, files: ReferencedFiles | None) -> EntryReading:
        if files is None and self._hashes is None:
            return reading._replace(identity=decode_identity(entry.body)[0])
        record = decode(entry.body)
        if files is not None:
            files.add(entry.seq, record)
        rows = self._hashes.of_record(entry, record) if self._hashes is not None else None
        return reading._replace(identity=record.model, rows=rows)

    def _signed(self, entry: LogEntry, keys: Mapping[str, str]) -> bool | None:
        if entry.seq <= self.resting:
            return True
        public = keys.get(entry.keyid or "")
        key = _public_key(public) if public is not None else None
        if key is None or key.keyid != entry.keyid or entry.signature is None:
            return None
        return key.signed(entry.kind, entry.body, entry.signature)

    @cached_property
    def _hashes(self) -> RowHashes | None:
        return RowHashes(self.index_key) if self.index_key is not None else None


@lru_cache(maxsize=256)
def _public_key(pem: str) -> PublicKey | None:
    try:
        return PublicKey(pem)
    except CatalogError:
        return None
