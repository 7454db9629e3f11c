"""Log scan: one pass over the log that checks each entry and collects what later checks need.

Of a valid record, only a hash of 32 bytes stays in memory.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lineage_pipelines.catalog.index.alias_index import INDEXED
from lineage_pipelines.catalog.index.index_comparison import IndexComparison
from lineage_pipelines.catalog.index.row_hashes import RecordRows
from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.signing import PublicKey
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.queries.verify.claims import defect
from lineage_pipelines.queries.verify.entry_reader import EntryReading
from lineage_pipelines.queries.verify.log_tree import EntryNames, LogTree, Versions, version_name
from lineage_pipelines.records.decisions.attribution import decode_attribution
from lineage_pipelines.records.decisions.decision import Decision, decode_decision
from lineage_pipelines.records.decisions.key_event import KeyChange, KeyEvent, KeyPurpose, decode_key_event
from lineage_pipelines.records.decisions.policy_change import PolicyChange, decode_policy_change
from lineage_pipelines.records.decisions.reproduction import decode_reproduction
from lineage_pipelines.records.decisions.tombstone import decode_tombstone
from lineage_pipelines.records.statement.lineage_record import ModelIdentity
from lineage_pipelines.records.values.codec import format_time, parse_time
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.finding import Finding, FindingKind


@dataclass
class Signers:
    """The keys of a log up to some entry."""

    events: list[tuple[int, KeyEvent]] = field(default_factory=list)
    """Every key event with its place, in order."""
    _keys: dict[str, PublicKey] = field(default_factory=dict)
    _purposes: dict[str, KeyPurpose] = field(default_factory=dict)
    _revoked: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.of_log)

    @property
    def of_log(self) -> Sequence[PublicKey]:
        """The keys that sign entries and checkpoints, including revoked ones."""
        return [key for keyid, key in self._keys.items() if self._purposes[keyid] is KeyPurpose.LOG]

    def learn(self, entry: LogEntry) -> KeyEvent:
        """Add a key event; a new key may sign the very entry that introduces it.

        Raises:
            RecordError: the entry is not a valid key event.
            CatalogError: the key is invalid, or its id is not the one in the event.
        """
        event = decode_key_event(entry.body)
        if event.change is KeyChange.NEW:
            key = PublicKey(event.public or "")
            if key.keyid != event.key:
                raise CatalogError("the key does not have the id that its event states")
            self._keys[event.key] = key
            self._purposes.setdefault(event.key, event.purpose)
        self.events.append((entry.seq, event))
        return event

    def revoke(self, event: KeyEvent) -> None:
        """Stop accepting a key if the event revokes it."""
        if event.change is KeyChange.REVOKED:
            self._revoked.add(event.key)

    def flaw(self, entry: LogEntry, reading: EntryReading) -> str | None:
        """Return what is wrong with an entry's signature, or None. Entries before the first key need none.

        Args:
            entry: the entry.
            reading: what was read of it: whether the signature is that of the key that it names, if known.
        """
        if entry.keyid is None or entry.signature is None:
            return "has no signature, though entries before it have" if self._keys else None
        if entry.keyid in self._revoked:
            return "was signed by a key that had been revoked"
        key = self._keys.get(entry.keyid)
        if key is None:
            return "was signed by a key that the log does not know"
        if self._purposes[entry.keyid] is not KeyPurpose.LOG:
            return f"was signed by a key that is for {self._purposes[entry.keyid]}s"
        signed = reading.signed
        if not (key.signed(entry.kind, entry.body, entry.signature) if signed is None else signed):
            return "has a signature that does not match its bytes"
        return None


_OTHERS: Mapping[str, Callable[[bytes], object]] = {
    "reproduction": decode_reproduction,
    "attribution": decode_attribution,
    "tombstone": decode_tombstone,
}
"""The decoder of each kind of entry that is read for nothing else here."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_SKEW = timedelta(minutes=1)
"""How far the clocks of writers may differ without a warning."""
_MANY_MISSING = 10_000


class WholeLog:
    """Every entry is checked."""

    def includes(self, seq: int) -> bool:  # noqa: ARG002  # the interface of `SelectedEntries`
        """Return whether to check the entry at a place."""
        return True

    def add_record(self, record: Digest) -> None:
        """Add a record that was checked."""

    def concerns(self, record: Digest | None) -> bool:  # noqa: ARG002
        """Return whether to check a decision or approval about a record."""
        return True

    def filter(self, wrong: Iterable[Finding], about: frozenset[int]) -> list[Finding]:  # noqa: ARG002
        """Return what is wrong with the decisions or approvals at some places."""
        return list(wrong)

    def expected(self, indexed: Versions) -> Iterable[int]:
        """Return the places that the log must have."""
        return indexed


class SelectedEntries:
    """Only some versions are checked; every other entry contributes its hash and its key event alone.

    Args:
        places: the places of the versions.
    """

    def __init__(self, places: frozenset[int]) -> None:
        self._places = places
        self._records: set[Digest] = set()

    def includes(self, seq: int) -> bool:
        """Return whether to check the entry at a place."""
        return seq in self._places

    def add_record(self, record: Digest) -> None:
        """Add a record that was checked."""
        self._records.add(record)

    def concerns(self, record: Digest | None) -> bool:
        """Return whether to check a decision or approval about a record."""
        return record in self._records

    def filter(self, wrong: Iterable[Finding], about: frozenset[int]) -> list[Finding]:
        """Return what is wrong with the decisions or approvals at some places."""
        return [one for one in wrong if about.intersection(one.places)]

    def expected(self, indexed: Versions) -> Iterable[int]:  # noqa: ARG002
        """Return the places that the log must have."""
        return self._places


class ByteCheck:
    """Whether entries have the bytes that were recorded, can be decoded, and have plausible times.

    Args:
        names: names of entries.
    """

    def __init__(self, names: EntryNames) -> None:
        self.checked = 0
        self.wrong: list[Finding] = []
        self.backwards: list[int] = []
        """Entries that claim to be committed before the one before them."""
        self.ahead: list[int] = []
        """Entries that claim to be committed in the future."""
        self._names = names
        self._latest = ""
        self._now = format_time(datetime.now(UTC) + _SKEW)

    def check(self, entry: LogEntry, sha256: str) -> None:
        """Check the bytes, whose SHA-256 is given, and the time of the next entry."""
        self.checked += 1
        if sha256 != entry.digest:
            self.report(entry, "its bytes are not those that were recorded")
        if not _TIME.fullmatch(entry.recorded):
            self.report(entry, "its time of commit is not a time")
        # Times of this form compare as text.
        if self._latest and entry.recorded < self._latest and self._apart(entry.recorded) > _SKEW:
            self.backwards.append(entry.seq)
        if entry.recorded > self._now:
            self.ahead.append(entry.seq)
        self._latest = entry.recorded

    def _apart(self, recorded: str) -> timedelta:
        try:
            return parse_time(self._latest) - parse_time(recorded)
        except RecordError:
            return timedelta()  # reported already

    def report(self, entry: LogEntry, words: str) -> None:
        """Add an entry that is wrong."""
        self.wrong.append(
            defect(FindingKind.ENTRIES, f"{self._names.name(entry.seq, entry.kind)}: {words}", (entry.seq,))
        )


class SignatureCheck:
    """Whether entries are signed by keys of the log that were valid at their place.

    Args:
        names: names of entries.
        resting: up to this place signatures rest on an earlier verification.
    """

    def __init__(self, names: EntryNames, resting: int = 0) -> None:
        self.resting = resting
        self.unsigned = 0
        self.wrong: list[Finding] = []
        self.signers = Signers()
        self._names = names

    def check(self, entry: LogEntry, reading: EntryReading) -> None:
        """Check the signature of an entry; see `Signers.flaw`."""
        self.unsigned += entry.keyid is None or entry.signature is None
        words = self.signers.flaw(entry, reading)
        if words:
            self.wrong.append(
                defect(FindingKind.SIGNATURES, f"{self._names.name(entry.seq, entry.kind)} {words}", (entry.seq,))
            )


class OrderCheck:
    """Whether the log has no gaps, and the versions of each model follow one another as the index has them.

    Args:
        names: names of entries, with the index as it was before the scan.
    """

    def __init__(self, names: EntryNames) -> None:
        self.wrong: list[Finding] = []
        self.models: dict[str, _Newest] = {}
        self.last = 0
        """The place of the last entry."""
        self.unindexed: dict[int, tuple[str, int]] = {}
        """Versions after the last one in the index: committed during the scan, and indexed by now."""
        self._names = names
        self._indexed = names.indexed
        self._last_indexed = max(self._indexed, default=0)
        self._missing: list[range] = []

    def place(self, entry: LogEntry) -> None:
        """Compare the place of the next entry with the one before."""
        expected = self.last + 1
        if entry.seq > expected:
            gone = range(expected, entry.seq)
            names = f"entry {expected} is" if len(gone) == 1 else f"entries {expected} to {gone[-1]} are"
            words = f"{names} missing before {self._names.name(entry.seq, entry.kind)}"
            self.wrong.append(defect(FindingKind.ORDER, words, gone[:1] if len(gone) > _MANY_MISSING else gone))
            self._missing.append(gone)
        elif entry.seq < expected:  # only below 1: the entries come in order
            self.wrong.append(
                defect(
                    FindingKind.ORDER, f"entry {entry.seq} is out of place: the log begins with entry 1", (entry.seq,)
                )
            )
            return
        self.last = entry.seq

    def check_record(self, entry: LogEntry, identity: ModelIdentity, digest: Digest) -> None:
        """Check that a record follows the one before it of its model, and is the version that the index has."""
        before, indexed = self.models.get(identity.name), self._indexed.get(entry.seq)
        number = before.version + 1 if before else 1
        if indexed and indexed[0] == identity.name and len(self._missing) > (before.gaps if before else 0):
            number = max(number, indexed[1])  # the missing entries are reported already
        if (identity.previous.hex if identity.previous else None) != (before.digest if before else None):
            self._report(entry, f"does not follow the record of {identity.name} before it")
        self.models[identity.name] = _Newest(number, digest.hex, len(self._missing))
        if indexed is None and entry.seq > self._last_indexed:
            self.unindexed[entry.seq] = (identity.name, number)
        elif indexed != (identity.name, number):
            self._report(entry, f"is {identity.name}@{number}; the index says {version_name(indexed)}")

    def check_other(self, entry: LogEntry) -> None:
        """Check that the index has no version at the place of an entry of another kind than `record`."""
        if entry.seq in self._indexed:
            self._report(entry, f"is not a record; the index says {version_name(self._indexed[entry.seq])}")

    def assume(self, entry: LogEntry) -> None:
        """Take the version of an entry from the index, as its record is not read: the next one has to follow it."""
        indexed = self._indexed.get(entry.seq)
        if indexed is not None:
            self.models[indexed[0]] = _Newest(indexed[1], entry.digest, len(self._missing))

    def _report(self, entry: LogEntry, words: str) -> None:
        self.wrong.append(defect(FindingKind.ORDER, f"{self._names.name(entry.seq, entry.kind)} {words}", (entry.seq,)))

    def has(self, seq: int) -> bool:
        """Return whether the log has an entry at a place."""
        before = bisect_right(self._missing, seq, key=lambda gone: gone.start)
        return 0 < seq <= self.last and not (before and seq in self._missing[before - 1])

    def compare_index(self, indexed_now: Versions, expected: Iterable[int]) -> None:
        """Compare versions committed during the scan with the index after it, and find places that the log lacks."""
        for seq, version in self.unindexed.items():
            if indexed_now.get(seq) != version:
                says = version_name(indexed_now.get(seq))
                self.wrong.append(
                    defect(
                        FindingKind.ORDER,
                        f"entry {seq} (record) is {version_name(version)}; the index says {says}",
                        (seq,),
                    )
                )
        for seq in sorted(expected):
            if not self.has(seq):
                self.wrong.append(
                    defect(FindingKind.ORDER, f"the index names entry {seq}, which the log does not have", (seq,))
                )


class _Newest(NamedTuple):
    """The newest version of a model so far."""

    version: int
    digest: str
    """The record that the next one has to follow."""
    gaps: int
    """How many gaps the log had up to there."""


class LogScan:
    """One pass over the log, entry by entry.

    Args:
        indexed: the versions that the index has before the pass.
        selection: the entries to check.
        sizes: the sizes at which the root of the tree is needed.
        resting: up to this place signatures rest on an earlier verification.
        index: the comparison of the index that every entry is added to; None to compare none.
    """

    def __init__(
        self,
        indexed: Versions,
        selection: WholeLog | SelectedEntries,
        *,
        sizes: frozenset[int] = frozenset(),
        resting: int = 0,
        index: IndexComparison | None = None,
    ) -> None:
        names = EntryNames(indexed)
        self._names = names
        self.indexed = indexed
        self.selection = selection
        self.tree = LogTree(names, sizes)
        self.bytes = ByteCheck(names)
        self.signatures = SignatureCheck(names, resting)
        self.order = OrderCheck(names)
        self.decisions: list[tuple[int, Decision]] = []
        """Place and decision, in order."""
        self.approvals: list[LogEntry] = []
        self.policies: list[tuple[int, PolicyChange]] = []
        """Place and policy, in order."""
        self._index = index

    def see(self, entry: LogEntry, reading: EntryReading) -> None:
        """Check the next entry, of which was read what follows from it alone, and collect what is in it."""
        self.order.place(entry)
        self.tree.add(entry, reading.leaf)
        selected = self.selection.includes(entry.seq)
        if selected:
            self.bytes.check(entry, reading.sha256)
        event = self._learn(entry) if entry.kind == "key" else None
        if selected:
            self.signatures.check(entry, reading)
        if event is not None:
            self.signatures.signers.revoke(event)  # from the next entry on: a key may revoke itself
        if selected and entry.kind != "record":
            self.order.check_other(entry)
        self._read(entry, reading, selected=selected)

    def _learn(self, entry: LogEntry) -> KeyEvent | None:
        try:
            return self.signatures.signers.learn(entry)
        except (RecordError, CatalogError) as error:
            self.bytes.report(entry, error.what)
            return None

    def _read(self, entry: LogEntry, reading: EntryReading, *, selected: bool) -> None:
        try:
            if entry.kind == "record" and selected:
                self._check_record(entry, reading)
            elif entry.kind == "record" or (entry.kind != "decision" and entry.seq in self.indexed):
                self.order.assume(entry)
            elif entry.kind in INDEXED:
                self._collect(entry)
            elif selected and (decode_other := _OTHERS.get(entry.kind)):
                decode_other(entry.body)
        except RecordError as error:
            self.bytes.report(entry, error.what)
            if entry.kind == "record":  # reported once: the records after it follow its digest
                self.order.assume(entry)

    def _collect(self, entry: LogEntry) -> None:
        if entry.kind == "decision":
            self.decisions.append((entry.seq, decode_decision(entry.body)))
        elif entry.kind == "policy":
            self.policies.append((entry.seq, decode_policy_change(entry.body)))
        else:
            self.approvals.append(entry)
        self._compare(entry)

    def _check_record(self, entry: LogEntry, reading: EntryReading) -> None:
        if reading.identity is None:
            raise RecordError(reading.problem)
        self._compare(entry, reading.rows)
        digest = Digest("sha256", reading.sha256)
        self.selection.add_record(digest)
        self.order.check_record(entry, reading.identity, digest)

    def _compare(self, entry: LogEntry, rows: RecordRows | None = None) -> None:
        if self._index is not None:
            self._index.add(entry, rows)

    def name(self, seq: int) -> str:
        """Return the name of the entry at a place."""
        return self._names.name(seq, "record" if seq in self.indexed else "no version")

    @property
    def is_whole(self) -> bool:
        """Whether every entry is there, has its bytes and its place: what is derived from them can be compared."""
        return not self.bytes.wrong and not self.order.wrong

    def finish(self, read_index: Callable[[], Versions]) -> None:
        """Compare with the index; it is read again only if versions were committed during the pass."""
        indexed = self.indexed
        self.order.compare_index(read_index() if self.order.unindexed else indexed, self.selection.expected(indexed))
