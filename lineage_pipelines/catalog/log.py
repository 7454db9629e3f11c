"""The catalog: an append-only log of records, and the questions that its indexes answer.

A writer appends a record and gets the version that its run has; a reader gets entries whose bytes were checked
against their digest. One run has one version, whoever asks how often.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from lineage_pipelines.catalog import appending, deciding, migrations, reading, sqlite
from lineage_pipelines.catalog.checkpoint import Checkpoint, log_name, write_note
from lineage_pipelines.catalog.entries import Entry, LogEntry, ModelSummary
from lineage_pipelines.catalog.merkle import root_hash
from lineage_pipelines.catalog.signing import LogKey
from lineage_pipelines.catalog.writing import DECISION, KEY, write_entry
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.records import Decision, KeyChange, KeyEvent, LineageRecord, encode_decision, encode_key_event

LOG_KEY = "log.pem"
"""The file of the log's signing key, in the folder of keys."""
_UNSIGNED = 1
"""The last schema whose entries had no signature."""


class Catalog:
    """One catalog, opened. Safe to share between threads and to carry over a fork.

    Args:
        url: `sqlite:///` and an absolute path (`resolve_settings` makes it one).
        create: whether to make the catalog when there is none.
        read_only: whether to refuse every write, by the database's own promise.
        keys: the folder of the key that signs what is committed, made with the first entry; None to sign nothing.

    Raises:
        NotFoundError: there is no catalog and it is not to be made.
        CatalogError: it cannot be opened, is damaged, or its guards were changed.
    """

    def __init__(self, url: str, *, create: bool = True, read_only: bool = False, keys: Path | None = None) -> None:
        self.url = url
        self._keys = keys
        self.read_only = read_only
        self._engine = sqlite.open_engine(url, create=create, read_only=read_only)
        self._pid = os.getpid()
        try:
            self._check_schema()
        except BaseException:
            self.close()
            raise

    def _check_schema(self) -> None:
        with self._reading() as connection:
            self.schema_version = migrations.check_readable(connection, self.url)
        if self.schema_version == 0 and self.read_only:
            raise NotFoundError("the catalog is empty", where=self.url, fix="materialize a model asset first")
        if self.read_only:  # whatever is asked was there from the first schema on
            return
        migrations.check_not_newer(self.schema_version, self.url)
        if self.schema_version < migrations.NEWEST:
            with self._writing() as connection:
                migrations.migrate(connection, self.url)
            self.schema_version = migrations.NEWEST

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing

    def append(self, record: LineageRecord) -> Entry:
        """Commit a record as the next version of its model, or return the version that its run already has.

        `record.model.previous` is the catalog's to say: leave it out and it is set, in the transaction that gives the
        version. Given, it must be the newest record of the model. Report what is returned, not what was given: on a
        retry it is the record that was committed first.

        Raises:
            ConflictError: the run already has a version that says something else, `previous` is not the newest
                record, or the model is new and its name is too like another's.
            RecordError: the record has no exact form.
            CatalogError: the catalog cannot be written; nothing was stored.
        """
        with self._reading() as connection:
            head = reading.head(connection, record.model.name)
        drafted = appending.draft(record, head)
        key = self._log_key()
        with self._writing() as connection:
            return appending.append(connection, record, drafted, key)

    def decide(self, decision: Decision) -> int:
        """Commit a decision; return its place in the log.

        Raises:
            ConflictError: the alias names another version than `decision.previous` by now.
            NotFoundError: there is no such version, or its record is another one.
            CatalogError: the catalog cannot be written; nothing was stored.
        """
        key = self._log_key()
        with self._writing() as connection:
            deciding.check(connection, decision)
            return write_entry(connection, DECISION, encode_decision(decision), key).seq

    def revoke_key(self, key: str, reason: str) -> int:
        """Say in the log that a key signs nothing any more; return the entry's place.

        What it signed before stays valid. A revoked key refuses to sign: move its file away, and the next entry
        introduces a new one.

        Args:
            key: the key's id, whole.
            reason: why, for those who come later.

        Raises:
            CatalogError: there is no key to sign this with, or it is revoked itself.
        """
        signer = self._log_key()
        event = KeyEvent(change=KeyChange.REVOKED, key=key, reason=reason)
        with self._writing() as connection:
            return write_entry(connection, KEY, encode_key_event(event), signer).seq

    def _log_key(self) -> LogKey | None:
        return LogKey(self._keys / LOG_KEY) if self._keys is not None else None

    def rebuild(self) -> int:
        """Derive every index from the log again, in one transaction; return how many versions there are.

        Raises:
            CatalogError: an entry's bytes do not match its digest, or cannot be read.
        """
        with self._writing() as connection:
            migrations.renew_indexes(connection)
            return appending.index_again(connection)

    # Reading

    def get(self, model: str, version: int) -> Entry:
        """Return one version.

        Raises:
            NotFoundError: the catalog has no such version.
        """
        with self._reading() as connection:
            entry = reading.get(connection, model, version)
        if entry is None:
            raise NotFoundError(f"the catalog has no {model}@{version}", where=self.url)
        return entry

    def by_digest(self, prefix: str) -> Entry:
        """Return the record whose digest begins with `prefix`, 6 hex characters or more.

        Raises:
            NotFoundError: there is none, or more than one.
        """
        with self._reading() as connection:
            found = reading.by_digest(connection, reading.check_prefix(prefix))
        if len(found) == 1:
            return found[0]
        what = f"several records begin with {prefix}" if found else f"no record begins with {prefix}"
        shown = ", ".join(f"{entry.ref} ({entry.digest.hex[:16]})" for entry in found)
        raise NotFoundError(what, where=self.url, fix=f"say which: {shown}" if found else "")

    def by_run_key(self, run_key: str) -> Entry | None:
        """Return the version that a run has, if it has one."""
        with self._reading() as connection:
            return reading.by_run_key(connection, run_key)

    def latest(self, model: str) -> Entry | None:
        """Return the model's newest version, if it has any."""
        return next(iter(self.entries(model, limit=1)), None)

    def entries(self, model: str, *, limit: int | None = None, before: int | None = None) -> Sequence[Entry]:
        """Return the model's versions, newest first.

        Args:
            model: the model's name.
            limit: how many at most.
            before: only versions below this one.
        """
        with self._reading() as connection:
            return reading.entries(connection, model, limit=limit, before=before)

    def models(self) -> Sequence[ModelSummary]:
        """Return a line about every model, by name."""
        with self._reading() as connection:
            return reading.models(connection)

    def users_of(self, digest_prefix: str) -> Sequence[Entry]:
        """Return every version that used some content, directly or through its stages, newest first.

        Args:
            digest_prefix: the beginning of an MD5 or SHA-256 in hex, 6 characters or more.

        Raises:
            NotFoundError: the prefix is not one.
        """
        with self._reading() as connection:
            return reading.users_of(connection, reading.check_prefix(digest_prefix))

    def walk(self, kind: str | None = None) -> Iterator[LogEntry]:
        """Yield the entries of the log in order, as they stand there: nothing of them is checked.

        Args:
            kind: `record` or `key`; all by default.
        """
        with self._reading() as connection:
            yield from reading.walk(connection, signed=self.schema_version > _UNSIGNED, kind=kind)

    def versions(self) -> Mapping[int, tuple[str, int]]:
        """Return what the index says: the model and version of each entry, by its place in the log."""
        with self._reading() as connection:
            return reading.versions(connection)

    def checkpoint(self) -> str:
        """Return what the log is now as a signed note, to be kept elsewhere.

        Raises:
            CatalogError: there is no key to sign with, or it has signed nothing in this log.
        """
        if self._keys is None:
            raise CatalogError("no key to sign a checkpoint with", where=self.url, fix="open the catalog with keys=…")
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

    # Connections

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        self._renew_after_fork()
        with sqlite.translated(self.url), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        self._renew_after_fork()
        if self.read_only:
            raise CatalogError("the catalog was opened for reading only", where=self.url)
        options: dict[str, Any] = {"writing": True}
        with sqlite.translated(self.url), self._engine.execution_options(**options).begin() as connection:
            # Asked every time: a newer release may have changed the schema since this catalog was opened.
            migrations.check_not_newer(migrations.schema_version(connection, self.url), self.url)
            yield connection

    def _renew_after_fork(self) -> None:
        # A SQLite connection must not be used by two processes; the parent keeps the ones it has.
        if os.getpid() != self._pid:
            self._engine.dispose(close=False)
            self._pid = os.getpid()
