"""Catalog: an append-only log of lineage records and decisions, with the index derived from it.

A writer appends a record and gets the version of its run; a run has one version, however often it is appended. A reader
gets entries whose bytes were checked against their digest.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from lineage_pipelines.catalog import commit
from lineage_pipelines.catalog.backends import migrations
from lineage_pipelines.catalog.connection import CatalogConnection
from lineage_pipelines.catalog.index.catalog_index import CatalogIndex, rebuild_index
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.catalog_log import CatalogLog
from lineage_pipelines.catalog.log.entries import Entry, ModelSummary
from lineage_pipelines.catalog.outbox.attempts import Attempt
from lineage_pipelines.catalog.outbox.outbox import Outbox
from lineage_pipelines.catalog.registry.registry import Registry
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.path_check import check_paths
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.model_name import check_model_name


class Catalog:
    """One catalog, opened. Safe to share between threads and to carry over a fork.

    The everyday questions are methods of the catalog; everything else is in its parts: `log`, `index`, `registry`
    and `outbox`.

    Args:
        url: `sqlite:///` and an absolute path (`resolve_settings` makes it one), or `postgresql+psycopg://` and a
            server.
        create: whether to create the catalog if it does not exist.
        read_only: whether to refuse every write, enforced by the database itself.
        keys: the folder of the key that signs entries, created with the first entry; None to sign nothing.
        mirrors: the systems to be sent every version, decision and approval; see `Outbox.pending`.

    Raises:
        NotFoundError: there is no catalog and it is not to be created.
        CatalogError: it cannot be opened, is damaged, or its triggers were changed.
    """

    def __init__(
        self,
        url: str,
        *,
        create: bool = True,
        read_only: bool = False,
        keys: Path | None = None,
        mirrors: Sequence[str] = (),
    ) -> None:
        self.connection = CatalogConnection(url, create=create, read_only=read_only, rebuild_index=rebuild_index)
        self.log = CatalogLog(self.connection, keys)
        self.outbox = Outbox(self.connection, self.log, mirrors)
        self.index = CatalogIndex(self.connection, self.log)
        self.registry = Registry(self.connection, self.log, self.index, self.outbox)

    @property
    def url(self) -> str:
        """Where the catalog is, as it may be shown: without a password."""
        return self.connection.url

    def close(self) -> None:
        """Close every connection to the database, and free what is in memory."""
        self.index.close()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing

    def append(self, record: LineageRecord, *, attempt: Attempt | None = None, notify: Sequence[str] = ()) -> Entry:
        """Commit a record as the next version of its model, or return the version that its run already has.

        Leave `record.model.previous` out: it is set in the transaction that assigns the version. If it is given, it
        must be the newest record of the model. Use the returned record, not the given one: on a retry it is the record
        that was committed first. If the server is lost meanwhile, the commit is repeated.

        Args:
            record: the record to commit.
            attempt: the attempt that made it; it ends with the commit.
            notify: the destinations to be sent the version; see `Outbox.pending_versions`.

        Raises:
            ConflictError: the run already has a version that differs, a later attempt of it has begun, `previous` is
                not the newest record, or the model is new and its name is too similar to another's.
            RecordError: the record has no exact form, or a path that is not allowed; see `check_paths`.
            CatalogError: the catalog cannot be written; nothing was stored.
        """
        return self.connection.retry(lambda: self._append([record], attempt, notify)[0])

    def append_all(self, records: Sequence[LineageRecord], *, notify: Sequence[str] = ()) -> Sequence[Entry]:
        """Commit records in their order, all of them or none, for imports of many versions.

        Other writers wait until it is done: append about fifty at a time.

        Args:
            records: the records to commit, as for `append`.
            notify: the destinations to be sent the versions.

        Raises:
            ConflictError: see `append`; nothing was stored.
            RecordError: a record has no exact form, or a path that is not allowed.
            CatalogError: the catalog cannot be written; nothing was stored.
        """
        return self.connection.retry(lambda: self._append(records, None, notify))

    def _append(
        self, records: Sequence[LineageRecord], attempt: Attempt | None, notify: Sequence[str]
    ) -> Sequence[Entry]:
        with self.connection.reading() as connection:
            names = {check_model_name(record.model.name) for record in records}
            heads = {name: reader.head(connection, name) for name in names}
        drafts = []
        for record in records:
            check_paths(record)
            drafts.append(commit.draft(record, heads[record.model.name]))
            heads[record.model.name] = Digest.of(drafts[-1].body)
        key, notified = self.log.signing_key(), (*notify, *self.outbox.mirrors)
        with self.connection.writing() as connection:
            return [
                commit.append(connection, record, drafted, key, attempt=attempt, notify=notified)
                for record, drafted in zip(records, drafts, strict=True)
            ]

    def rebuild(self) -> int:
        """Derive the index from the log again, in one transaction; return how many versions there are.

        Raises:
            CatalogError: an entry's bytes do not match its digest, or cannot be read.
        """
        with self.connection.writing() as connection:
            migrations.renew_indexes(connection, self.connection.database)
            return rebuild_index(connection)

    # Reading

    def get(self, model: str, version: int) -> Entry:
        """Return one version.

        Raises:
            NotFoundError: the catalog has no such version.
        """
        with self.connection.reading() as connection:
            entry = reader.get(connection, model, version)
        if entry is None:
            raise NotFoundError(f"the catalog has no {model}@{version}", where=self.url)
        return entry

    def by_digest(self, prefix: str) -> Entry:
        """Return the record whose digest begins with `prefix`, 6 hex characters or more.

        Raises:
            NotFoundError: there is no such record, or more than one.
        """
        with self.connection.reading() as connection:
            found = reader.by_digest(connection, reader.check_prefix(prefix))
        if len(found) == 1:
            return found[0]
        what = f"several records begin with {prefix}" if found else f"no record begins with {prefix}"
        shown = ", ".join(f"{entry.ref} ({entry.digest.hex[:16]})" for entry in found)
        raise NotFoundError(what, where=self.url, fix=f"say which: {shown}" if found else "")

    def by_run_key(self, run_key: str) -> Entry | None:
        """Return the version of a run, None if it has none."""
        with self.connection.reading() as connection:
            return reader.by_run_key(connection, run_key)

    def latest(self, model: str) -> Entry | None:
        """Return the newest version of a model, None if it has none."""
        return next(iter(self.entries(model, limit=1)), None)

    def entries(self, model: str, *, limit: int | None = None, before: int | None = None) -> Sequence[Entry]:
        """Return the model's versions, newest first.

        Args:
            model: the model's name.
            limit: how many at most.
            before: only versions below this one.
        """
        with self.connection.reading() as connection:
            return reader.entries(connection, model, limit=limit, before=before)

    def models(self) -> Sequence[ModelSummary]:
        """Return a summary of every model, by name."""
        with self.connection.reading() as connection:
            return reader.models(connection)
