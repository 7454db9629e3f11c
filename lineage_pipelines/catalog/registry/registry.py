"""Registry: decisions about versions, policies, approvals, analyses, and the keys of people, as entries of the log."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from lineage_pipelines.catalog.connection import CatalogConnection
from lineage_pipelines.catalog.index import alias_index
from lineage_pipelines.catalog.index.catalog_index import CatalogIndex
from lineage_pipelines.catalog.log.catalog_log import CatalogLog
from lineage_pipelines.catalog.log.entries import ANALYSES, APPROVAL, DECISION, KEY, POLICY, TOMBSTONE, LogEntry
from lineage_pipelines.catalog.log.writer import AddedEntry, add_entry
from lineage_pipelines.catalog.outbox import outbox
from lineage_pipelines.catalog.outbox.outbox import Outbox
from lineage_pipelines.catalog.registry import decision_checks
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records.decisions.approval import SignedApproval, encode_envelope
from lineage_pipelines.records.decisions.decision import Decision, encode_decision
from lineage_pipelines.records.decisions.key_event import KeyChange, KeyEvent, encode_key_event
from lineage_pipelines.records.decisions.policy_change import encode_policy_change
from lineage_pipelines.records.decisions.tombstone import Tombstone, encode_tombstone
from lineage_pipelines.records.values.digest import Digest


class Registry:
    """The registry of a catalog.

    Args:
        connection: the catalog's.
        log: its log.
        index: its index.
        outbox: its outbox, whose mirrors are sent every decision and approval.
    """

    def __init__(self, connection: CatalogConnection, log: CatalogLog, index: CatalogIndex, outbox: Outbox) -> None:
        self._connection = connection
        self._log = log
        self._index = index
        self._outbox = outbox

    # Writing

    def decide(self, decision: Decision) -> int:
        """Commit a decision; return its place in the log. If it moves an alias, Dagster is to be sent it.

        The policy of a promotion is committed before it, as an entry of its own, if it is not the one in force.

        Raises:
            ConflictError: the alias no longer names `decision.previous`, or an approval that was counted no longer
                counts.
            NotFoundError: there is no such version, or it has another record.
            CatalogError: the policy requires more approvals and the decision is not an override, or the catalog cannot
                be written; nothing was stored.
        """
        key = self._log.signing_key()
        with self._connection.writing_once() as connection:
            decision_checks.check(connection, decision)
            changed = decision_checks.policy_change(connection, decision)
            if changed is not None:
                write_entry(connection, POLICY, encode_policy_change(changed), key)
            shown = (outbox.DAGSTER,) if decision.moves_alias else ()
            return self._mirrored(connection, DECISION, encode_decision(decision), key, notify=shown)

    def approve(self, signed: SignedApproval) -> int:
        """Commit an approval; return its place in the log.

        Raises:
            NotFoundError: the log does not know the approver's key, or there is no version with such a record.
            ConflictError: the same approval is in the log already.
            CatalogError: the key may not approve, the approver trained the version, or the stated time is not now;
                the catalog cannot be written. Nothing was stored.
            RecordError: the bytes are no approval.
        """
        key = self._log.signing_key()
        with self._connection.writing_once() as connection:
            decision_checks.check_approval(connection, signed)
            return self._mirrored(connection, APPROVAL, encode_envelope(signed), key)

    def _mirrored(
        self, connection: sa.Connection, kind: str, body: bytes, key: LogKey | None, *, notify: Sequence[str] = ()
    ) -> int:
        seq = write_entry(connection, kind, body, key).seq
        outbox.post(connection, seq, (*notify, *self._outbox.mirrors))
        return seq

    def attach(self, kind: str, body: bytes, *, about: Sequence[Digest]) -> int:
        """Commit an analysis of versions; return its place in the log.

        Args:
            kind: `reproduction` or `attribution`.
            body: its exact bytes.
            about: the records that it is about.

        Raises:
            NotFoundError: the log has no such record.
            CatalogError: there is no such kind of analysis, or the catalog cannot be written; nothing was stored.
        """
        if kind not in ANALYSES:
            raise CatalogError(f"{kind!r} is not a kind of analysis", fix=f"use one of: {', '.join(ANALYSES)}")
        key = self._log.signing_key()
        with self._connection.writing_once() as connection:
            decision_checks.check_records(connection, about)
            return write_entry(connection, kind, body, key).seq

    def purge(self, tombstone: Tombstone) -> int:
        """Commit the removal of a stored file, before its bytes are removed; return the entry's place.

        Raises:
            NotFoundError: the log has no such record.
            ConflictError: the file is the model of a version that an alias names now and that the tombstone does not
                name as live.
            CatalogError: the catalog cannot be written; nothing was stored.
        """
        key = self._log.signing_key()
        with self._connection.writing_once() as connection:
            decision_checks.check_tombstone(connection, tombstone)
            return write_entry(connection, TOMBSTONE, encode_tombstone(tombstone), key).seq

    def introduce_key(self, event: KeyEvent) -> int:
        """Commit the owner of a new key for approvals; return the entry's place.

        Args:
            event: the result of `ApprovalKey.introduction`.

        Raises:
            ConflictError: the log knows the key already.
            CatalogError: the event does not prove possession of the key, or the catalog cannot be written; nothing
                was stored.
            RecordError: the owner has no name.
        """
        signer = self._log.signing_key()
        with self._connection.writing_once() as connection:
            decision_checks.check_introduction(connection, event)
            return write_entry(connection, KEY, encode_key_event(event), signer).seq

    def revoke_key(self, key: str, reason: str) -> int:
        """Commit the revocation of a key; return the entry's place.

        What the key signed before stays valid, but approvals by a revoked key count for no later promotion. A revoked
        key of the log refuses to sign: move its file away, and the next entry introduces a new one.

        Args:
            key: the whole id of the key.
            reason: why, for later readers of the log.

        Raises:
            CatalogError: there is no key to sign this with, or that key is revoked itself.
        """
        signer = self._log.signing_key()
        with self._connection.writing_once() as connection:
            purpose = decision_checks.purpose_of(connection, key)
            event = KeyEvent(change=KeyChange.REVOKED, key=key, purpose=purpose, reason=reason)
            return write_entry(connection, KEY, encode_key_event(event), signer).seq

    # Reading

    def live_with(self, file: Digest) -> Sequence[str]:
        """Return the versions with this model file that an alias names now, as a person writes them, sorted."""
        with self._connection.reading() as connection:
            return decision_checks.live_with(connection, file)

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
        """Yield the entries with the decisions about a model, or with its approvals, in order, unchecked.

        Args:
            model: the model's name.
            alias: only those about this alias.
            version: only those about this version.
            approvals: the approvals instead.
            after: only entries behind this place in the log.
            until: only entries up to this place.
        """
        with self._index.reading_decisions() as connection:
            seqs = alias_index.places(connection, APPROVAL if approvals else DECISION, model, alias, version)
        return self._log.entries_at([seq for seq in seqs if after < seq and (until is None or seq <= until)])

    def policies_of(self, model: str, alias: str | None = None) -> Iterator[LogEntry]:
        """Yield the entries with the policies of a model's aliases, or of one, in order, unchecked."""
        with self._index.reading_decisions() as connection:
            seqs = alias_index.places(connection, POLICY, model, alias)
        return self._log.entries_at(seqs)

    def approvals_near(self, model: str, version: int, *, others: int) -> Iterator[LogEntry]:
        """Yield the approvals of a version and the newest `others` of other versions, in order, unchecked."""
        with self._index.reading_decisions() as connection:
            seqs = alias_index.nearest_approvals(connection, model, version, others)
        return self._log.entries_at(seqs)


def write_entry(connection: sa.Connection, kind: str, body: bytes, key: LogKey | None) -> AddedEntry:
    """Append an entry to the log and index the decision, approval or policy in it.

    Raises:
        CatalogError: the key was revoked, or is for approvals.
    """
    added = add_entry(connection, kind, body, key)
    alias_index.add(connection, added.seq, kind, body)
    return added
