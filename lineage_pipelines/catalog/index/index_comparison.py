"""Comparison of the index with the log: every row of the index is derived again, and what differs is named.

Of a row only a hash with a key of this comparison counts, added up for the entry that it belongs to: whoever changes
the index does not know the key, so that no choice of rows adds up to the same. 8 bytes of each entry and table stay in
memory (incremental multiset hashing, Clarke et al., Asiacrypt 2003).
"""

import secrets
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import (
    artifact,
    decided,
    entity,
    model,
    part,
    summary,
    usage,
    version,
)
from lineage_pipelines.catalog.index import alias_index
from lineage_pipelines.catalog.index.record_index import Entity, fold
from lineage_pipelines.catalog.index.row_hashes import WORD, RecordRows, RowHashes
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.entries import RECORD, LogEntry
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.lineage_record import decode

_PAGE = 5000
_TABLES = {"version": version, "artifact": artifact, "decided": decided, "summary": summary}
"""The tables whose rows belong to one entry each."""
_USED = "usage"
_SELECTED = (_USED, "summary")
"""The tables whose rows for an entry follow from this entry alone."""


class IndexDifference(NamedTuple):
    """Something in the index that does not follow from the log."""

    seq: int | None
    """The entry that it is about; None if it is about none, or about several."""
    detail: str


class _Sums:
    """A sum for each entry: what was expected, less what was found."""

    def __init__(self) -> None:
        self._sums = array("Q", bytes(8))
        self.beyond: set[int] = set()
        """Places that the log does not have."""

    def expect(self, seq: int, value: int) -> None:
        if seq >= len(self._sums):
            self._sums.frombytes(bytes(8 * (seq + 1 - len(self._sums))))
        self._sums[seq] = (self._sums[seq] + value) & WORD

    def find(self, seq: int, value: int) -> None:
        if 0 < seq < len(self._sums):
            self._sums[seq] = (self._sums[seq] - value) & WORD
        else:
            self.beyond.add(seq)

    def differing(self) -> Iterator[int]:
        yield from (seq for seq, value in enumerate(self._sums) if value)
        yield from sorted(self.beyond)


class IndexComparison:
    """The index as it has to be, entry by entry, and its comparison with the one that is there.

    Args:
        only: the places of the entries to compare; every row by default.
    """

    def __init__(self, only: Collection[int] = ()) -> None:
        self.checked = 0
        """How many rows of the index were compared."""
        self._only = frozenset(only)
        self._hashes = RowHashes(secrets.token_bytes(32))
        self._sums = {name: _Sums() for name in (*_TABLES, _USED)}
        self._numbers: Counter[str] = Counter()
        self._files: set[bytes] = set()
        self._parts: dict[str, int] = {}
        self._last = 0

    @property
    def key(self) -> bytes:
        """The key of the hashes, for `RowHashes` in another process."""
        return self._hashes.key

    def add(self, entry: LogEntry, rows: RecordRows | None = None) -> None:
        """Add the next entry.

        Args:
            entry: the entry, its bytes checked.
            rows: what follows from its record, if that was computed already.

        Raises:
            RecordError: the entry cannot be read.
        """
        self._last = entry.seq
        if entry.kind == RECORD:
            self._add_record(entry, rows or self._hashes.of_record(entry, decode(entry.body)))
        elif entry.kind in alias_index.INDEXED:
            line = alias_index.derive(entry.seq, entry.kind, entry.body)
            if line is not None:
                self._expect("decided", entry.seq, (*line[:-1], int(line.moves)))

    def _add_record(self, entry: LogEntry, rows: RecordRows) -> None:
        self._numbers[rows.name] += 1
        values = (rows.name, self._numbers[rows.name], entry.seq, entry.digest, rows.run_key)
        self._expect("version", entry.seq, values)
        file = bytes.fromhex(rows.file)
        if file not in self._files:
            self._files.add(file)
            self._expect("artifact", entry.seq, (rows.file, entry.seq))
        self._sums["summary"].expect(entry.seq, rows.summary)
        self._sums[_USED].expect(entry.seq, rows.usage)
        if rows.source is not None:
            self._parts.setdefault(rows.source, rows.parts)

    def _expect(self, table: str, seq: int, values: Sequence[object]) -> None:
        self._sums[table].expect(seq, self._hashes.of(table, values))

    # What is there

    def differences(self, connection: sa.Connection) -> Iterator[IndexDifference]:
        """Yield what the index has otherwise than the log, of which entries were added.

        Entries that were committed since are added first, in the transaction in which the index is read.

        Args:
            connection: a reading transaction on the catalog.
        """
        for entry in reader.walk(connection, signed=False, after=self._last):
            try:
                self.add(entry)
            except RecordError:  # said when it is verified
                return
        for name, table in _TABLES.items():
            self._find(connection, name, table)
        others = list(self._find_usage(connection))
        by_place: dict[int, list[str]] = {}
        for name, sums in self._sums.items():
            for seq in sums.differing() if not self._only or name in _SELECTED else ():
                by_place.setdefault(seq, []).append(name)
        for seq in sorted(self._only.intersection(by_place) if self._only else by_place):
            yield IndexDifference(seq, ", ".join(by_place[seq]))
        if not self._only:
            yield from others
            yield from self._models(connection)

    def _find(self, connection: sa.Connection, name: str, table: sa.Table) -> None:
        sums = self._sums[name]
        for row in connection.execution_options(yield_per=_PAGE).execute(sa.select(*table.c)):
            self.checked += 1
            sums.find(row.seq, self._hashes.of(name, tuple(row)))

    def _models(self, connection: sa.Connection) -> Iterator[IndexDifference]:
        found = {row.name: row.folded for row in connection.execute(sa.select(model))}
        expected = {name: fold(name) for name in self._numbers}
        for name in sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)):
            yield IndexDifference(None, f"another line for the model {name!r}")

    def _find_usage(self, connection: sa.Connection) -> Iterator[IndexDifference]:
        """Take what is there from the sums of usage; yield what is wrong beside."""
        parts: Counter[int] = Counter()
        sources: dict[int, str] = {}
        last = 0
        statement = sa.select(entity).order_by(entity.c.id).limit(_PAGE)
        while page := connection.execute(statement.where(entity.c.id > last)).all():
            end, known = page[-1].id, dict[int, Entity]()
            for row in page:
                known[row.id] = named = Entity(row.kind, row.name, row.md5, row.sha256)
                if named.key != row.key:
                    yield IndexDifference(None, f"another key for {_named(named)}")
                if named.kind == "source":
                    sources[row.id] = named.key
            unused = known.keys() - self._users(connection, known, last, end)
            unused -= self._parts_of(connection, known, parts, last, end)
            yield from (IndexDifference(None, f"no record names {_named(known[each])}") for each in sorted(unused))
            last = end
        self._users(connection, {}, last, None)
        yield from self._compare_parts(parts, sources)

    def _users(self, connection: sa.Connection, known: Mapping[int, Entity], after: int, until: int | None) -> set[int]:
        sums, seen = self._sums[_USED], set[int]()
        for number, seq, beside in _between(connection, (usage.c.entity, usage.c.seq, usage.c.beside), after, until):
            self.checked += 1
            seen.add(number)
            named = known.get(number)
            sums.find(seq, self._hashes.used(named, beside) if named else self._hashes.of("missing", (number,)))
        return seen

    def _parts_of(
        self, connection: sa.Connection, known: Mapping[int, Entity], parts: Counter[int], after: int, until: int
    ) -> set[int]:
        seen = set()
        for number, source in _between(connection, (part.c.entity, part.c.source), after, until):
            self.checked += 1
            seen.add(number)
            parts[source] = (parts[source] + (self._hashes.used(known[number], 0) if number in known else 1)) & WORD
        return seen

    def _compare_parts(self, parts: Mapping[int, int], sources: Mapping[int, str]) -> Iterator[IndexDifference]:
        found = {sources.get(number, str(number)): value for number, value in parts.items()}
        for key in sorted(found.keys() | self._parts.keys()):
            if found.get(key, 0) != self._parts.get(key, 0):
                yield IndexDifference(None, f"other files for the sources {key[:12]}")


def _between(
    connection: sa.Connection, columns: Sequence[sa.ColumnElement[Any]], after: int, until: int | None
) -> Iterator[Sequence[Any]]:
    statement = sa.select(*columns).where(columns[0] > after)
    if until is not None:
        statement = statement.where(columns[0] <= until)
    with connection.execution_options(yield_per=_PAGE).execute(statement) as rows:
        yield from rows


def _named(named: Entity) -> str:
    return f"{named.kind} {(named.name or named.sha256 or named.md5)[:60]!r}"
