"""Index of a catalog: what versions used, what came of it, and what aliases name, derived from the log.

`Catalog.rebuild` derives it again, `lineage verify` compares it with the log.
"""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog.backends import migrations, sqlite_schema
from lineage_pipelines.catalog.backends.schema_tables import log
from lineage_pipelines.catalog.connection import CatalogConnection
from lineage_pipelines.catalog.index import alias_index, impact_index, partition_index, record_index, summary_index
from lineage_pipelines.catalog.index.alias_index import IndexedDecision
from lineage_pipelines.catalog.index.impact_index import (
    DependentVersion,
    ImpactQuery,
    IndexedFile,
    ModelFile,
    PrefixMatch,
)
from lineage_pipelines.catalog.index.index_comparison import IndexComparison, IndexDifference
from lineage_pipelines.catalog.index.summary_index import SummarizedVersion
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.catalog_log import CatalogLog
from lineage_pipelines.catalog.log.entries import DECISION, RECORD, Entry, of_kind
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.records.statement.lineage_record import LineageRecord, decode
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.codec import format_time

_PAGE = 500
_CACHE_KILOBYTES = 200_000
_CACHED_ENTITIES = 50_000
"""How many entities are cached while every record is indexed again."""


class CatalogIndex:
    """The index of a catalog.

    Args:
        connection: the catalog's.
        log: its log.
    """

    def __init__(self, connection: CatalogConnection, log: CatalogLog) -> None:
        self._connection = connection
        self._log = log

    def close(self) -> None:
        """Free the index that is in memory, if there is one."""
        if "_in_memory" in self.__dict__:
            self._in_memory.dispose()

    # Versions

    def versions(self) -> Mapping[int, tuple[str, int]]:
        """Return the model and version of each entry that is one, by its place in the log."""
        with self._connection.reading() as connection:
            return reader.versions(connection)

    def version_numbers(self, model: str) -> Mapping[str, int]:
        """Return the number of each version of a model by its record's digest (hex), without reading the records."""
        with self._connection.reading() as connection:
            return reader.digests(connection, model)

    def summaries(
        self, model: str, *, limit: int | None = None, before: int | None = None
    ) -> Sequence[SummarizedVersion]:
        """Return a model's versions with the summaries of their records, newest first.

        Args:
            model: the model's name.
            limit: how many at most.
            before: only versions below this one.
        """
        with self.reading() as connection:
            found = summary_index.of_model(connection, model, limit=limit, before=before)
        return self._complete(found)

    def summaries_at(self, seqs: Sequence[int]) -> Sequence[SummarizedVersion]:
        """Return the versions at these places in the log with the summaries of their records, in its order."""
        with self.reading() as connection:
            found = summary_index.at(connection, seqs)
        return self._complete(found)

    def _complete(self, found: Sequence[SummarizedVersion | int]) -> Sequence[SummarizedVersion]:
        """Read the records of versions of which the index keeps no summary: no version is missing from a list."""
        return [
            summary_index.summarize_entry(self._log.versions_at([each])[0]) if isinstance(each, int) else each
            for each in found
        ]

    # Usage and impact

    def users_of(self, digest_prefix: str) -> Sequence[Entry]:
        """Return every version that used some content, directly or through its stages, newest first.

        Args:
            digest_prefix: the beginning of an MD5 or SHA-256 in hex, 6 characters or more.

        Raises:
            NotFoundError: the prefix is not 6 to 64 hex characters.
        """
        prefix = reader.check_prefix(digest_prefix)
        with self.reading() as connection:
            seqs = reader.users_of(connection, prefix)
        return self._log.versions_at(seqs)[::-1]

    def by_prefix(self, prefix: str, *, limit: int = 6) -> Sequence[PrefixMatch]:
        """Return everything whose digest or revision begins with `prefix` (hex), at most `limit` of each kind.

        Raises:
            NotFoundError: the prefix is not 6 to 64 hex characters.
        """
        with self.reading() as connection:
            return impact_index.by_prefix(connection, reader.check_prefix(prefix), limit)

    def files_of(self, hexes: Collection[str]) -> Sequence[IndexedFile]:
        """Return the files with one of these digests: whole MD5s (with or without `.dir`) and SHA-256s."""
        with self.reading() as connection:
            return impact_index.files_of(connection, hexes)

    def files_at(self, paths: Sequence[str]) -> Sequence[IndexedFile]:
        """Return the files that records name at exactly these paths, one for each content."""
        with self.reading() as connection:
            return impact_index.files_at(connection, paths)

    def has_path(self, path: str) -> bool:
        """Return whether any record names a file or folder, or anything beneath it."""
        with self.reading() as connection:
            return impact_index.has_path(connection, path)

    def origin_number(self, url: str) -> int | None:
        """Return the entity number of the address that data was imported from; None where no record names it."""
        with self.reading() as connection:
            return record_index.origin_number(connection, url)

    def package_lists(self) -> Mapping[str, tuple[int, int]]:
        """Return each list of packages by its SHA-256: its entity number, and the place of the newest such record."""
        with self.reading() as connection:
            return impact_index.package_lists(connection)

    def impact(self, query: ImpactQuery) -> Sequence[DependentVersion]:
        """Return the versions that something went into, also through the model files of others, in one query."""
        with self.reading() as connection:
            return impact_index.impact(connection, query)

    def model_files_of(self, hexes: Collection[str]) -> Sequence[ModelFile]:
        """Return which files with these digests are model files, and the versions that first had them."""
        with self.reading() as connection:
            return impact_index.model_files_of(connection, hexes)

    # Partitions

    def places_of(self, model: str, identity: str, *, before: int | None = None) -> Iterator[int]:
        """Yield the places in the log of the versions of one identity among a model's partitions, the newest first.

        Args:
            model: the model's name.
            identity: the identity, `west`.
            before: only versions before this place of the log.
        """
        while True:
            with self.reading() as connection:
                places = partition_index.of_identity(connection, model, identity, before)
            yield from places
            if not places:
                return
            before = places[-1]

    def places_before(self, model: str, partition: Partition) -> Iterator[int]:
        """Yield the places of the versions of earlier windows: the latest window first, in it the newest version.

        Args:
            model: the model's name.
            partition: a partition with a window; earlier windows of the same identity are meant.
        """
        name: str | None = None
        while True:
            with self.reading() as connection:
                places, name = partition_index.earlier_windows(connection, model, partition, name)
            yield from places
            if name is None:
                return

    def identities(self, model: str) -> Sequence[str]:
        """Return the identities among a model's partitions that have versions, sorted."""
        with self.reading() as connection:
            return partition_index.identities(connection, model)

    # Decisions and aliases

    def alias_version(self, model: str, alias: str, *, at: datetime | None = None) -> int | None:
        """Return the version that an alias names now, or named at an instant; None if it names none.

        Raises:
            CatalogError: the decision behind it was altered, or contradicts the index.
        """
        with self.reading_decisions() as connection:
            seq, version = alias_index.current(connection, model, alias)
            places = alias_index.places(connection, DECISION, model, alias) if at is not None else ()
        if at is not None:
            with self._connection.reading() as log_connection:
                later = alias_index.first_after(log_connection, places, format_time(at))
            with self.reading_decisions() as connection:
                seq, version = alias_index.current(connection, model, alias, before=later)
        for entry in self._log.entries_at([seq] if seq else []):
            alias_index.check(entry, model, alias, version)
            return version
        return None

    def current_aliases(self, models: Collection[str]) -> Sequence[tuple[str, str, int]]:
        """Return model, alias and version of every alias of these models that names a version now, sorted."""
        with self.reading_decisions() as connection:
            return alias_index.current_aliases(connection, sorted(set(models)))

    def alias_versions(self, alias: str) -> Sequence[tuple[str, int]]:
        """Return model and version of everything that an alias names or has named, of whichever partition, in order."""
        with self.reading_decisions() as connection:
            return alias_index.alias_versions(connection, alias)

    # Check

    def comparison(self, only: Collection[int] = ()) -> IndexComparison | None:
        """Return a comparison of the index with the log; None if the index was derived from it just now, in memory.

        Args:
            only: the places of the entries to compare; all by default.
        """
        return IndexComparison(only) if self._connection.schema_version >= migrations.INDEXED else None

    def differences(self, comparison: IndexComparison) -> Sequence[IndexDifference]:
        """Return what the index has otherwise than the log, after every entry was added to the comparison."""
        with self._connection.reading() as connection:
            return list(comparison.differences(connection))

    def lacking(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Return the places of those versions whose records name something as used that the index does not have.

        Raises:
            CatalogError: a record cannot be read.
        """
        with self.reading() as connection:
            return [entry.seq for entry in entries if not record_index.has_usage(connection, entry.seq, entry.record)]

    def decisions(self) -> Sequence[IndexedDecision] | None:
        """Return the index of decisions and approvals; None if the catalog's schema has none."""
        if self._connection.schema_version < migrations.INDEXED:
            return None
        with self.reading_decisions() as connection:
            return list(alias_index.read_all(connection))

    # Where the index is

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction on the index: in the catalog, or in memory if the catalog's schema has none."""
        if self._connection.schema_version >= migrations.INDEXED:
            with self._connection.reading() as connection:
                self._connection.database.prefer_indexes(connection)
                yield connection
        else:
            with self._in_memory.connect() as connection:
                yield connection

    @contextlib.contextmanager
    def reading_decisions(self) -> Iterator[sa.Connection]:
        """Open a transaction on the index of decisions: in the catalog, or made anew if its schema has none."""
        if self._connection.schema_version >= migrations.INDEXED:
            with self.reading() as connection:
                yield connection
            return
        # Not cached: an earlier release may be deciding meanwhile. No record is read for it.
        engine = _empty_index()
        with engine.begin() as connection, self._connection.reading() as log_connection:
            alias_index.copy(connection, log_connection)
            yield connection
        engine.dispose()

    @cached_property
    def _in_memory(self) -> sa.Engine:
        """The index of a catalog of an earlier schema that may not be changed: the whole log is read, once."""
        engine = _empty_index()
        with engine.begin() as connection, self._connection.reading() as log_connection:
            rebuild_index(connection, log_connection)
        return engine


def _empty_index() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        for statement in sqlite_schema.SCHEMA.create_indexes:
            connection.exec_driver_sql(statement)
    return engine


# Rebuild


def rebuild_index(connection: sa.Connection, log_connection: sa.Connection | None = None) -> int:
    """Index every record, decision, approval and policy of the log, in its order; return how many records there are.

    Args:
        connection: where the index is, its tables empty.
        log_connection: where the log is, if it is in another database.

    Raises:
        CatalogError: an entry's bytes do not match its digest, or are no record.
    """
    if connection.dialect.name == "sqlite":
        # Entities come in no order: with the usual 2 MB of cache, a large index is read from the disk again and again.
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")
    numbers: Counter[str] = Counter()
    known: dict[record_index.Entity, int] = {}
    for row in _entries(log_connection or connection, RECORD):
        digest, record = reader.check_body(row, f"entry {row.seq}"), _decoded(row)
        numbers[record.model.name] += 1
        number = numbers[record.model.name]
        record_index.add_version(connection, row.seq, digest, record, number, recorded=row.recorded, known=known)
        if len(known) > _CACHED_ENTITIES:
            known.clear()
    for kind in alias_index.INDEXED:
        for row in _entries(log_connection or connection, kind):
            reader.check_body(row, f"entry {row.seq}")
            alias_index.add(connection, row.seq, kind, row.body)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size = -2000")  # SQLite's default; the connection is used again
    return numbers.total()


def _entries(connection: sa.Connection, kind: str) -> Iterator[Any]:
    """Yield the entries of a kind, a page at a time: what is written in between may be in the same database."""
    columns = sa.select(log.c.seq, log.c.digest, log.c.body, log.c.recorded).where(of_kind(kind)).order_by(log.c.seq)
    last = 0
    while rows := connection.execute(columns.where(log.c.seq > last).limit(_PAGE)).all():
        yield from rows
        last = rows[-1].seq


def _decoded(row: sa.Row[Any]) -> LineageRecord:
    try:
        return decode(row.body)
    except RecordError as error:
        raise CatalogError(error.what, where=f"entry {row.seq} of the log", fix=error.fix) from error
