"""Log of a catalog: its entries in order, the key that signs them, and signed checkpoints of the whole."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lineage_pipelines.catalog.backends import migrations
from lineage_pipelines.catalog.connection import CatalogConnection
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.entries import Entry, LogEntry
from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint, log_name, write_note
from lineage_pipelines.catalog.transparency.merkle import root_hash
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.errors import CatalogError

LOG_KEY = "log.pem"
"""The file of the log's signing key, in the folder of keys."""
_PAGE = 500


class CatalogLog:
    """The append-only log of a catalog.

    Args:
        connection: the catalog's.
        keys: the folder of the signing key; None to sign nothing.
    """

    def __init__(self, connection: CatalogConnection, keys: Path | None) -> None:
        self._connection = connection
        self._keys = keys

    def signing_key(self) -> LogKey | None:
        """Return the key that signs entries, created if it does not exist; None if entries are not signed.

        Raises:
            CatalogError: the key file cannot be read or created.
        """
        return LogKey(self._keys / LOG_KEY) if self._keys is not None else None

    def walk(self, kind: str | None = None, *, after: int = 0, until: int | None = None) -> Iterator[LogEntry]:
        """Yield the entries in order, unchecked.

        Args:
            kind: one of the kinds in `entries`; all by default.
            after: only entries behind this place.
            until: only entries up to this place.
        """
        with self._connection.reading() as connection:
            yield from reader.walk(connection, signed=self._signed, kind=kind, after=after, until=until)

    def entries_at(self, seqs: Sequence[int]) -> Iterator[LogEntry]:
        """Yield the entries at these places in the log, sorted places given, unchecked."""
        with self._connection.reading() as connection:
            for start in range(0, len(seqs), _PAGE):
                yield from reader.walk(connection, signed=self._signed, seqs=seqs[start : start + _PAGE])

    def versions_at(self, seqs: Sequence[int]) -> Sequence[Entry]:
        """Return the versions at these places in the log, in its order; places of other entries are skipped."""
        with self._connection.reading() as connection:
            return reader.at(connection, sorted(seqs))

    def size(self) -> int:
        """Return how many entries there are."""
        with self._connection.reading() as connection:
            return reader.size(connection)

    def identity(self) -> str | None:
        """Return what tells this log from every other: the leaf hash of its first entry, hex; None if it is empty."""
        return next((entry.leaf().hex() for entry in self.walk(until=1)), None)

    @property
    def _signed(self) -> bool:
        return self._connection.schema_version >= migrations.SIGNED

    def checkpoint(self) -> str:
        """Return a signed note of the log's size and root hash, to be stored outside the catalog.

        Raises:
            CatalogError: there is no signing key, or it has signed no entry of this log.
        """
        if self._keys is None:
            where = self._connection.url
            raise CatalogError("no key to sign a checkpoint with", where=where, fix="open the catalog with keys=…")
        key = LogKey(self._keys / LOG_KEY, create=False)
        leaves, known = [], False
        for entry in self.walk():
            leaves.append(entry.leaf())
            known = known or entry.keyid == key.keyid
        if not known:
            fix = "make the checkpoint where the models are trained, or materialize one here first"
            raise CatalogError("the key has signed no entry of this log", where=str(key.path), fix=fix)
        point = Checkpoint(origin=log_name(leaves[0]), size=len(leaves), root=root_hash(leaves))
        return write_note(point, key)
