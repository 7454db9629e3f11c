"""What a catalog answers from its index of everything that versions used, as a caller asks for it; see `reached`."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

from lineage_pipelines.catalog.backends import migrations, sqlite_schema
from lineage_pipelines.catalog.connection import OpenCatalog
from lineage_pipelines.catalog.index import alias_index as judged
from lineage_pipelines.catalog.index import impact_index as reached
from lineage_pipelines.catalog.index import index_rebuild
from lineage_pipelines.catalog.index.alias_index import Judged
from lineage_pipelines.catalog.index.impact_index import Handed, Named, NamedFile, Reached, Wanted
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.entries import APPROVAL, DECISION, Entry, LogEntry
from lineage_pipelines.records.values.codec import format_time

_PAGE = 500


class CatalogWithIndex(OpenCatalog):
    """The part of `Catalog` that knows what came of what."""

    def close(self) -> None:
        """Let go of the database, and of what is in memory."""
        super().close()
        if "_index_in_memory" in self.__dict__:
            self._index_in_memory.dispose()

    def users_of(self, digest_prefix: str) -> Sequence[Entry]:
        """Return every version that used some content, directly or through its stages, newest first.

        Args:
            digest_prefix: the beginning of an MD5 or SHA-256 in hex, 6 characters or more.

        Raises:
            NotFoundError: the prefix is not one.
        """
        prefix = reader.check_prefix(digest_prefix)
        with self._indexed() as connection:
            seqs = reader.users_of(connection, prefix)
        with self._reading() as connection:
            return reader.at(connection, seqs)[::-1]

    def beginning(self, prefix: str, *, limit: int = 6) -> Sequence[Named]:
        """Return everything that begins with `prefix`, hex, so many of each kind at most.

        Raises:
            NotFoundError: the prefix is not 6 to 64 hex characters.
        """
        with self._indexed() as connection:
            return reached.beginning(connection, reader.check_prefix(prefix), limit)

    def files_of(self, hexes: Collection[str]) -> Sequence[NamedFile]:
        """Return the files that have one of these digests: whole MD5s (with or without `.dir`) and SHA-256s."""
        with self._indexed() as connection:
            return reached.files_of(connection, hexes)

    def files_at(self, paths: Sequence[str]) -> Sequence[NamedFile]:
        """Return what records name at these very paths, in every content."""
        with self._indexed() as connection:
            return reached.files_at(connection, paths)

    def is_named(self, path: str) -> bool:
        """Say whether a record names a file or folder, or anything beneath it."""
        with self._indexed() as connection:
            return reached.is_named(connection, path)

    def package_lists(self) -> Mapping[str, tuple[int, int]]:
        """Return the SHA-256 of each list of packages, its number and the place of the newest record that has it."""
        with self._indexed() as connection:
            return reached.package_lists(connection)

    def reached(self, wanted: Wanted) -> Sequence[Reached]:
        """Return the versions that something went into, also through the model files of others, in one query."""
        with self._indexed() as connection:
            return reached.reached(connection, wanted)

    def decisions_of(
        self,
        model: str,
        alias: str | None = None,
        *,
        version: int | None = None,
        approvals: bool = False,
        after: int = 0,
        until: int | None = None,
    ) -> Iterator[LogEntry]:
        """Yield the entries with the decisions about a model, or its approvals, in order; nothing of them is checked.

        Args:
            model: the model's name.
            alias: only those about this alias.
            version: only those about this version.
            approvals: the approvals instead.
            after: only those behind this place in the log.
            until: only those up to this place.
        """
        with self._decided() as connection:
            seqs = judged.places(connection, APPROVAL if approvals else DECISION, model, alias, version)
        return self._these([seq for seq in seqs if after < seq and (until is None or seq <= until)])

    def approvals_near(self, model: str, version: int, *, others: int) -> Iterator[LogEntry]:
        """Yield the approvals of a version, and so many of the newest of its model's others, in order, unchecked."""
        with self._decided() as connection:
            seqs = judged.nearest(connection, model, version, others)
        return self._these(seqs)

    def _these(self, seqs: Sequence[int]) -> Iterator[LogEntry]:
        with self._reading() as connection:
            for start in range(0, len(seqs), _PAGE):
                some = seqs[start : start + _PAGE]
                yield from reader.walk(connection, signed=self.schema_version >= migrations.SIGNED, seqs=some)

    def named_version(self, model: str, alias: str, *, at: datetime | None = None) -> int | None:
        """Return the version that an alias names now, or named at an instant; None where it names none.

        Raises:
            CatalogError: the decision that says so was altered, or says something else.
        """
        with self._decided() as connection:
            seq, version = judged.named(connection, model, alias)
            places = judged.places(connection, DECISION, model, alias) if at is not None else ()
        if at is not None:
            with self._reading() as log:
                behind = judged.first_after(log, places, format_time(at))
            with self._decided() as connection:
                seq, version = judged.named(connection, model, alias, before=behind)
        for entry in self._these([seq] if seq else []):
            judged.check(entry, model, alias, version)
            return version
        return None

    def standing(self, models: Collection[str]) -> Sequence[tuple[str, str, int]]:
        """Return model, alias and version of everything that an alias of these models names now, sorted."""
        with self._decided() as connection:
            return judged.standing(connection, sorted(set(models)))

    def ever_named(self, alias: str) -> Sequence[tuple[str, int]]:
        """Return model and version of all that an alias names or has named, in the order of the decisions."""
        with self._decided() as connection:
            return judged.ever_named(connection, alias)

    def judged(self) -> Sequence[Judged] | None:
        """Return what the index says of every decision and approval; None where the schema has none."""
        if self.schema_version < migrations.INDEXED:
            return None
        with self._decided() as connection:
            return list(judged.every(connection))

    def handed(self, hexes: Collection[str]) -> Sequence[Handed]:
        """Return which files with these digests are model files, and the versions that first had them."""
        with self._indexed() as connection:
            return reached.handed(connection, hexes)

    @contextlib.contextmanager
    def _indexed(self) -> Iterator[sa.Connection]:
        """Read where the index is: in the catalog, or in memory where its schema has none."""
        if self.schema_version >= migrations.INDEXED:
            with self._reading() as connection:
                self._database.prefer_indexes(connection)
                yield connection
        else:
            with self._index_in_memory.connect() as connection:
                yield connection

    @contextlib.contextmanager
    def _decided(self) -> Iterator[sa.Connection]:
        """Read the index of decisions: in the catalog, or made anew where its schema has none."""
        if self.schema_version >= migrations.INDEXED:
            with self._indexed() as connection:
                yield connection
            return
        # Nothing is kept: an earlier release may be deciding meanwhile. Records are not read for it.
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
        with engine.begin() as connection, self._reading() as log:
            for statement in sqlite_schema.SCHEMA.create_indexes:
                connection.exec_driver_sql(statement)
            judged.copy(connection, log)
            yield connection
        engine.dispose()

    @cached_property
    def _index_in_memory(self) -> sa.Engine:
        """The index of a catalog of an earlier schema that may not be changed: the whole log is read, once."""
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
        with engine.begin() as connection, self._reading() as log:
            for statement in sqlite_schema.SCHEMA.create_indexes:
                connection.exec_driver_sql(statement)
            index_rebuild.index_again(connection, log)
        return engine
