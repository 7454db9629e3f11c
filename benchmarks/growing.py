"""Catalogs that grow as the library makes them grow, only faster; and what one more version or decision would take.

Each entry is made by what makes it in the library: drafted, signed, indexed and chained to the version before. Only
many share a transaction, and a decision is not held against every decision before it, which at 10^5 versions would
take longer than all the rest. `check` says whether `lineage verify` finds nothing wrong with the log.
"""

import contextlib
import sys
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from benchmarks.versions import MODELS, Versions
from lineage_pipelines import Catalog, LineageRecord
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog import commit
from lineage_pipelines.catalog.log.entries import APPROVAL, DECISION, Entry, LogEntry
from lineage_pipelines.catalog.registry import decision_checks as deciding
from lineage_pipelines.catalog.registry.registry import write_entry
from lineage_pipelines.catalog.transparency.signing import ApprovalKey, LogKey
from lineage_pipelines.queries.refs import resolve
from lineage_pipelines.queries.registry.approval_status import Approvals
from lineage_pipelines.queries.registry.decision_drafts import compare, counted, draft_promotion
from lineage_pipelines.queries.registry.promotion_policy import Policy, evaluate_policy, read_policy
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.decisions.approval import Approval, encode_envelope, policy_digest
from lineage_pipelines.records.decisions.decision import Action, Decision, encode_decision
from lineage_pipelines.records.decisions.key_event import decode_key_event
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.model_name import PRODUCTION

PER_DECISION = 10
"""How many versions of a model there are for one that is approved and promoted."""
_AT_ONCE, _APPROVER, _OTHERS = 500, "ann@example.org", 4
_POLICY = '[tool.lineage.promotion.production]\nchecks = ["min_roc_auc"]\napprovals = 1\n'


@dataclass(frozen=True)
class Place:
    """The folder that everything is kept in."""

    folder: Path

    @property
    def keys(self) -> Path:
        """The folder of the keys."""
        return self.folder / "keys"

    @property
    def project(self) -> Path:
        """A project with the policy in force."""
        return self.folder / "project"

    @property
    def artifacts(self) -> ArtifactStore:
        """The store of sources, lists of packages and profiles."""
        return ArtifactStore(str(self.folder / "artifacts"))

    def prepare(self) -> None:
        """Make the project."""
        self.project.mkdir(parents=True, exist_ok=True)
        (self.project / "pyproject.toml").write_text(_POLICY)


class _Deciding:
    """Who is in production, and what was approved, as the log has it so far."""

    def __init__(self, place: Place, catalog: Catalog) -> None:
        self._key = ApprovalKey(place.keys / "ann.pem", create=not (place.keys / "ann.pem").exists())
        catalog.registry.introduce_key(self._key.introduction(_APPROVER))
        self._events = [(entry.seq, decode_key_event(entry.body)) for entry in catalog.log.walk("key")]
        self._policy: Policy = read_policy(place.project, PRODUCTION)
        self._current: dict[str, Entry] = {}
        self._approved: dict[str, deque[LogEntry]] = defaultdict(lambda: deque(maxlen=_OTHERS))

    def decide(self, connection: sa.Connection, entry: Entry, key: LogKey | None, number: int) -> None:
        """Approve and promote a version."""
        seen = self._approve(connection, entry, key, number)
        current = self._current.get(entry.model)
        draft = Decision(
            action=Action.PROMOTE,
            model=entry.model,
            alias=PRODUCTION,
            version=entry.version,
            record=entry.digest,
            previous=current.digest if current else None,
            by="bo",
            reason="as good as the one before, on newer data",
            policy=self._policy.plain(),
            compared=compare(entry, current, self._policy),
        )
        now = datetime.now(UTC)
        assessed = Approvals(self._approved[entry.model], self._events).assess(draft, entry.record, at=now, seen=seen)
        rules = evaluate_policy(self._policy, entry.record, current.record if current else None, assessed)
        draft = replace(draft, approvals=counted(assessed), judged=now, seen=seen, rules=rules)
        write_entry(connection, DECISION, encode_decision(draft), key)
        self._current[entry.model] = entry

    def _approve(self, connection: sa.Connection, entry: Entry, key: LogKey | None, number: int) -> int:
        approval = Approval(
            record=entry.digest,
            model=entry.model,
            version=entry.version,
            alias=PRODUCTION,
            policy=policy_digest(self._policy.plain()),
            approver=_APPROVER,
            reason="read the slices",
            nonce=f"{number:032x}",
            given=datetime.now(UTC),
        )
        body = encode_envelope(self._key.approve(approval))
        written = write_entry(connection, APPROVAL, body, key)
        recorded = format_time(written.recorded)
        self._approved[entry.model].append(
            LogEntry(
                seq=written.seq,
                kind=APPROVAL,
                digest=written.digest.hex,
                body=body,
                recorded=recorded,
                keyid=None,
                signature=None,
            )
        )
        return written.seq


class Growing(Catalog):
    """A catalog that grows by many entries a transaction."""

    def grow(self, place: Place, size: int) -> None:
        """Commit a history of so many versions to an empty catalog."""
        versions, deciding, key = Versions(place.artifacts), _Deciding(place, self), self.log.signing_key()
        heads: dict[str, Entry] = {}
        for start in range(0, size, _AT_ONCE):
            with self.connection.writing() as connection:
                for number in range(start, min(start + _AT_ONCE, size)):
                    record = versions.record(number)
                    before = heads.get(record.model.name)
                    drafted = commit.draft(record, before.digest if before else None)
                    entry = heads[record.model.name] = commit.append(connection, record, drafted, key)
                    if (number + number // MODELS) % PER_DECISION == PER_DECISION - 1:
                        deciding.decide(connection, entry, key, number)
            print(f"  {min(start + _AT_ONCE, size):,} of {size:,} versions", end="\r", file=sys.stderr)
        print(file=sys.stderr)


class _Undone(Exception):  # noqa: N818  # nothing is wrong
    """A transaction that is to leave nothing."""


class Trying(Catalog):
    """A catalog that is asked what a commit takes, all but the last word: everything is undone."""

    def try_append(self, record: LineageRecord) -> None:
        """Append a version, and take it back before it is committed."""
        key = self.log.signing_key()
        drafted = commit.draft(record, None)
        with contextlib.suppress(_Undone), self.connection.writing() as connection:
            commit.append(connection, record, drafted, key)
            raise _Undone

    def try_promotion(self, ref: str, project: Path) -> None:
        """Draft a promotion and check it as it is checked when it is committed."""
        entry = resolve(self, ref)
        drafted = draft_promotion(
            self, entry, PRODUCTION, by="bo", reason="newer data", project_dir=project, override=True
        )
        with self.connection.writing() as connection:
            deciding.check(connection, drafted)


def check(catalog: Catalog) -> Mapping[str, str]:
    """Return what `lineage verify` finds wrong with the log, by claim; empty when nothing is."""
    return {str(claim.kind): claim.detail for claim in verify_catalog(catalog) if claim.failed}
