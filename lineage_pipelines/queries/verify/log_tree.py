"""Log tree: the Merkle tree of a log as it is read, with the place and the name of the entry behind each leaf."""

from collections.abc import Mapping

from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.checkpoint_note import log_name
from lineage_pipelines.catalog.transparency.merkle import TreeHead

Versions = Mapping[int, tuple[str, int]]
"""Model and version of each entry that is one, by its place in the log, from the index."""
_HASH = 32


class EntryNames:
    """Names of entries for messages: `entry 5 (record, flight_delay@4)`.

    Args:
        indexed: the versions.
    """

    def __init__(self, indexed: Versions) -> None:
        self.indexed = indexed

    def name(self, seq: int, kind: str) -> str:
        """Return the name of an entry."""
        version = self.indexed.get(seq) if kind == "record" else None
        return f"entry {seq} ({kind}, {version_name(version)})" if version else f"entry {seq} ({kind})"


def version_name(version: tuple[str, int] | None) -> str:
    """Return a version of the index as a person writes it."""
    return f"{version[0]}@{version[1]}" if version else "no version"


class LogTree:
    """The tree over the entries read so far. 32 bytes of each entry stay in memory.

    Args:
        names: names of entries.
        sizes: the sizes at which `roots` is to have the root.
    """

    def __init__(self, names: EntryNames, sizes: frozenset[int]) -> None:
        self.roots: dict[int, bytes] = {0: TreeHead().root()}
        """The root over the first entries, for each of `sizes`."""
        self.origin = ""
        """The name of the log; empty while no entry was read."""
        self._names = names
        self._sizes = sizes
        self._head = TreeHead()
        self._leaves = bytearray()
        self._moved: dict[int, int] = {}
        self._kinds: dict[int, str] = {}

    @property
    def size(self) -> int:
        """How many entries were read."""
        return self._head.size

    def add(self, entry: LogEntry, leaf: bytes) -> None:
        """Add the next entry, by its hash."""
        self.origin = self.origin or log_name(leaf)
        self._head.add(leaf)
        self._leaves += leaf
        if self.size in self._sizes:
            self.roots[self.size] = self.root()
        if self.size != entry.seq:
            self._moved[self.size] = entry.seq
        if entry.kind != "record":
            self._kinds[entry.seq] = entry.kind

    def root(self) -> bytes:
        """Return the root over all entries read."""
        return self._head.root()

    def leaf(self, position: int) -> bytes:
        """Return the hash at a position of the tree, from 1."""
        return bytes(self._leaves[(position - 1) * _HASH : position * _HASH])

    def name_at(self, position: int) -> str:
        """Return the name of the entry at a position of the tree, from 1."""
        seq = self._moved.get(position, position)
        return self._names.name(seq, self._kinds.get(seq, "record"))
