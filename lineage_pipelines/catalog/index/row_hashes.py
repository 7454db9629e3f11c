"""Hashes of rows of the index with a key of one comparison: whoever changes the index does not know the key.

What follows from one record alone is computed here, so that other processes can do it; see `IndexComparison`.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from lineage_pipelines.catalog.index import summary_index
from lineage_pipelines.catalog.index.record_index import Entity, named_by, source_files, source_of
from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.records.statement.lineage_record import LineageRecord

WORD = (1 << 64) - 1
_CACHED = 20_000
"""How many hashes of entities, and of sets of source files, are cached."""


class RecordRows(NamedTuple):
    """What the index has to have of one record."""

    name: str
    run_key: str
    file: str
    """The model file, hex."""
    summary: int
    """The hash of its row in `summary`."""
    usage: int
    """The sum of the hashes of its rows in `usage`."""
    source: str | None
    """The key of its set of source files."""
    parts: int
    """The sum of the hashes of the files of this set."""


class RowHashes:
    """Hashes of rows.

    Args:
        key: the key of the comparison, 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._used: dict[tuple[Entity, int], int] = {}
        self._parts: dict[str, int] = {}

    def of(self, table: str, values: Sequence[object]) -> int:
        """Return the hash of a row, 64 bits."""
        data = repr((table, *values)).encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(data, digest_size=8, key=self.key).digest())

    def used(self, named: Entity, beside: int) -> int:
        """Return the hash of a row that names an entity."""
        found = self._used.get((named, beside))
        if found is None:
            if len(self._used) > _CACHED:
                self._used.clear()
            found = self._used[named, beside] = self.of("entity", (*named, beside))
        return found

    def of_record(self, entry: LogEntry, record: LineageRecord) -> RecordRows:
        """Return what the index has to have of a record."""
        source = source_of(record)
        return RecordRows(
            name=record.model.name,
            run_key=record.model.run_key,
            file=record.artifact.digest.hex,
            summary=self.of("summary", (entry.seq, entry.recorded, summary_index.body_of(record))),
            usage=sum(self.used(each, beside) for each, beside in named_by(record).items()) & WORD,
            source=source.key if source is not None else None,
            parts=self._parts_of(source, record) if source is not None else 0,
        )

    def _parts_of(self, source: Entity, record: LineageRecord) -> int:
        found = self._parts.get(source.key)
        if found is None:
            if len(self._parts) > _CACHED:
                self._parts.clear()
            found = self._parts[source.key] = sum(self.used(each, 0) for each in source_files(record)) & WORD
        return found
