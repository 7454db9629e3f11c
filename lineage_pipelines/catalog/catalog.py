"""The catalog: an append-only log of records, and the questions that its indexes answer.

A writer appends a record and gets the version that its run has; a reader gets entries whose bytes were checked
against their digest. One run has one version, whoever asks how often.
"""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from lineage_pipelines.catalog import commit
from lineage_pipelines.catalog.backends import migrations
from lineage_pipelines.catalog.commit import write_entry
from lineage_pipelines.catalog.index import index_rebuild
from lineage_pipelines.catalog.index.catalog_index import CatalogWithIndex
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.entries import ANALYSES, APPROVAL, DECISION, KEY, Entry, LogEntry, ModelSummary
from lineage_pipelines.catalog.outbox import attempts
from lineage_pipelines.catalog.outbox.attempts import Attempt
from lineage_pipelines.catalog.outbox.outbox import CatalogWithObligations
from lineage_pipelines.catalog.registry import decision_checks
from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint, log_name, write_note
from lineage_pipelines.catalog.transparency.merkle import root_hash
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.records.decisions.approval import SignedApproval, encode_envelope
from lineage_pipelines.records.decisions.decision import Decision, encode_decision
from lineage_pipelines.records.decisions.key_event import KeyChange, KeyEvent, encode_key_event
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.model_name import check_model_name

LOG_KEY = "log.pem"
"""The file of the log's signing key, in the folder of keys."""


class Catalog(CatalogWithObligations, CatalogWithIndex):
    """One catalog, opened. Safe to share between threads and to carry over a fork.

    Args:
        url: `sqlite:///` and an absolute path (`resolve_settings` makes it one), or `postgresql+psycopg://` and a
            server.
        create: whether to make the catalog when there is none.
        read_only: whether to refuse every write, by the database's own promise.
        keys: the folder of the key that signs what is committed, made with the first entry; None to sign nothing.
        mirrors: the systems that are told of every version, decision and approval; see `owed`.

    Raises:
        NotFoundError: there is no catalog and it is not to be made.
        CatalogError: it cannot be opened, is damaged, or its guards were changed.
    """

    def _index_again(self, connection: sa.Connection) -> int:
        return index_rebuild.index_again(connection)

    # Writing

    def append(self, record: LineageRecord, *, attempt: Attempt | None = None, tell: Sequence[str] = ()) -> Entry:
        """Commit a record as the next version of its model, or return the version that its run already has.

        `record.model.previous` is the catalog's to say: leave it out and it is set, in the transaction that gives the
        version. Given, it must be the newest record of the model. Report what is returned, not what was given: on a
        retry it is the record that was committed first. When the server is lost on the way, it is asked again.

        Args:
            record: what to commit.
            attempt: the attempt that made it; it ends with this.
            tell: the systems that are to be told of the version; see `undelivered`.

        Raises:
            ConflictError: the run already has a version that says something else, a later attempt of it has begun,
                `previous` is not the newest record, or the model is new and its name is too like another's.
            RecordError: the record has no exact form.
            CatalogError: the catalog cannot be written; nothing was stored.
        """
        return self._insist(lambda: self._append(record, attempt, tell))

    def _append(self, record: LineageRecord, attempt: Attempt | None, tell: Sequence[str]) -> Entry:
        with self._reading() as connection:
            head = reader.head(connection, check_model_name(record.model.name))
        drafted = commit.draft(record, head)
        key = self._log_key()
        with self._writing() as connection:
            told = (*tell, *self._mirrors)
            return commit.append(connection, record, drafted, key, attempt=attempt, tell=told)

    def append_all(self, records: Sequence[LineageRecord], *, tell: Sequence[str] = ()) -> Sequence[Entry]:
        """Commit records in their order, all of them or none: for those who bring many at once.

        Everything else waits meanwhile: give it fifty at a time.

        Args:
            records: what to commit, as `append` takes it.
            tell: the systems that are to be told of the versions.

        Raises:
            ConflictError: see `append`; nothing was stored.
            RecordError: a record has no exact form.
            CatalogError: the catalog cannot be written; nothing was stored.
        """
        return self._insist(lambda: self._append_all(records, tell))

    def _append_all(self, records: Sequence[LineageRecord], tell: Sequence[str]) -> Sequence[Entry]:
        with self._reading() as connection:
            names = {check_model_name(record.model.name) for record in records}
            heads = {name: reader.head(connection, name) for name in names}
        drafts = []
        for record in records:
            drafts.append(commit.draft(record, heads[record.model.name]))
            heads[record.model.name] = Digest.of(drafts[-1].body)
        key = self._log_key()
        with self._writing() as connection:
            told = (*tell, *self._mirrors)
            pairs = zip(records, drafts, strict=True)
            return [commit.append(connection, record, drafted, key, tell=told) for record, drafted in pairs]

    def decide(self, decision: Decision) -> int:
        """Commit a decision; return its place in the log.

        Raises:
            ConflictError: the alias names another version than `decision.previous` by now, or an approval that was
                counted counts no more.
            NotFoundError: there is no such version, or its record is another one.
            CatalogError: the policy asks for more approvals and it is no override, or the catalog cannot be written;
                nothing was stored.
        """
        key = self._log_key()
        with self._once() as connection:
            decision_checks.check(connection, decision)
            return self._write_told(connection, DECISION, encode_decision(decision), key)

    def approve(self, signed: SignedApproval) -> int:
        """Commit an approval; return its place in the log.

        Raises:
            NotFoundError: the log does not know the approver's key, or there is no such version with such a record.
            ConflictError: the very approval is in the log already.
            CatalogError: the key may not approve, the approver trained the version, or the time is not now; the
                catalog cannot be written. Nothing was stored.
            RecordError: the bytes are no approval.
        """
        key = self._log_key()
        with self._once() as connection:
            decision_checks.check_approval(connection, signed)
            return self._write_told(connection, APPROVAL, encode_envelope(signed), key)

    def _write_told(self, connection: sa.Connection, kind: str, body: bytes, key: LogKey | None) -> int:
        seq = write_entry(connection, kind, body, key).seq
        attempts.post(connection, seq, self._mirrors)
        return seq

    def attach(self, kind: str, body: bytes, *, about: Sequence[Digest]) -> int:
        """Commit an analysis of versions; return its place in the log.

        Args:
            kind: `reproduction` or `attribution`.
            body: its exact bytes.
            about: the records that it is about.

        Raises:
            NotFoundError: the log has no such record.
            CatalogError: the kind is none of these, or the catalog cannot be written; nothing was stored.
        """
        if kind not in ANALYSES:
            raise CatalogError(f"{kind!r} is no kind of analysis", fix=f"use one of: {', '.join(ANALYSES)}")
        key = self._log_key()
        with self._once() as connection:
            decision_checks.check_records(connection, about)
            return write_entry(connection, kind, body, key).seq

    def introduce_key(self, event: KeyEvent) -> int:
        """Say in the log whose key for approvals a new one is; return the entry's place.

        Args:
            event: what `ApprovalKey.introduction` returned.

        Raises:
            ConflictError: the log knows the key already.
            CatalogError: the event does not prove that whoever made it holds the key, or the catalog cannot be
                written; nothing was stored.
            RecordError: the owner has no name.
        """
        signer = self._log_key()
        with self._once() as connection:
            decision_checks.check_introduction(connection, event)
            return write_entry(connection, KEY, encode_key_event(event), signer).seq

    def revoke_key(self, key: str, reason: str) -> int:
        """Say in the log that a key signs nothing any more; return the entry's place.

        What it signed before stays valid, but approvals of a revoked key count for no later promotion. A revoked key
        of the log refuses to sign: move its file away, and the next entry introduces a new one.

        Args:
            key: the key's id, whole.
            reason: why, for those who come later.

        Raises:
            CatalogError: there is no key to sign this with, or it is revoked itself.
        """
        signer = self._log_key()
        with self._once() as connection:
            purpose = decision_checks.purpose_of(connection, key)
            event = KeyEvent(change=KeyChange.REVOKED, key=key, purpose=purpose, reason=reason)
            return write_entry(connection, KEY, encode_key_event(event), signer).seq

    def _log_key(self) -> LogKey | None:
        return LogKey(self._keys / LOG_KEY) if self._keys is not None else None

    def rebuild(self) -> int:
        """Derive every index from the log again, in one transaction; return how many versions there are.

        Raises:
            CatalogError: an entry's bytes do not match its digest, or cannot be read.
        """
        with self._writing() as connection:
            migrations.renew_indexes(connection, self._database)
            return index_rebuild.index_again(connection)

    # Reading

    def get(self, model: str, version: int) -> Entry:
        """Return one version.

        Raises:
            NotFoundError: the catalog has no such version.
        """
        with self._reading() as connection:
            entry = reader.get(connection, model, version)
        if entry is None:
            raise NotFoundError(f"the catalog has no {model}@{version}", where=self.url)
        return entry

    def by_digest(self, prefix: str) -> Entry:
        """Return the record whose digest begins with `prefix`, 6 hex characters or more.

        Raises:
            NotFoundError: there is none, or more than one.
        """
        with self._reading() as connection:
            found = reader.by_digest(connection, reader.check_prefix(prefix))
        if len(found) == 1:
            return found[0]
        what = f"several records begin with {prefix}" if found else f"no record begins with {prefix}"
        shown = ", ".join(f"{entry.ref} ({entry.digest.hex[:16]})" for entry in found)
        raise NotFoundError(what, where=self.url, fix=f"say which: {shown}" if found else "")

    def by_run_key(self, run_key: str) -> Entry | None:
        """Return the version that a run has, if it has one."""
        with self._reading() as connection:
            return reader.by_run_key(connection, run_key)

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
            return reader.entries(connection, model, limit=limit, before=before)

    def models(self) -> Sequence[ModelSummary]:
        """Return a line about every model, by name."""
        with self._reading() as connection:
            return reader.models(connection)

    def at(self, seqs: Sequence[int]) -> Sequence[Entry]:
        """Return the versions at these places in the log, in its order; places of anything else are left out."""
        with self._reading() as connection:
            return reader.at(connection, sorted(seqs))

    def walk(self, kind: str | None = None, *, after: int = 0, until: int | None = None) -> Iterator[LogEntry]:
        """Yield the entries of the log in order, as they stand there: nothing of them is checked.

        Args:
            kind: `record` or `key`; all by default.
            after: only those behind this place.
            until: only those up to this place.
        """
        signed = self.schema_version >= migrations.SIGNED
        with self._reading() as connection:
            yield from reader.walk(connection, signed=signed, kind=kind, after=after, until=until)

    def versions(self) -> Mapping[int, tuple[str, int]]:
        """Return what the index says: the model and version of each entry, by its place in the log."""
        with self._reading() as connection:
            return reader.versions(connection)

    def digests(self, model: str) -> Mapping[str, int]:
        """Return the number of each of a model's versions by its record's digest (hex); no record is read for that."""
        with self._reading() as connection:
            return reader.digests(connection, model)

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
