"""One pass over the log: what of each entry can be checked where it stands, and what is needed to check the rest.

Memory does not grow with the records: of an entry that is in order, 32 bytes stay.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.checkpoint_note import log_name
from lineage_pipelines.catalog.transparency.merkle import TreeHead
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.queries.verify.claims import Wrong
from lineage_pipelines.queries.verify.key_validity import Signers
from lineage_pipelines.records.decisions.attribution import decode_attribution
from lineage_pipelines.records.decisions.decision import Decision, decode_decision
from lineage_pipelines.records.decisions.key_event import KeyEvent
from lineage_pipelines.records.decisions.reproduction import decode_reproduction
from lineage_pipelines.records.statement.lineage_record import decode_identity
from lineage_pipelines.records.values.codec import format_time, parse_time
from lineage_pipelines.records.values.digest import Digest

_ANALYSES: Mapping[str, Callable[[bytes], object]] = {
    "reproduction": decode_reproduction,
    "attribution": decode_attribution,
}
"""What reads each kind of analysis."""

Versions = Mapping[int, tuple[str, int]]
"""Model and version of each entry that is one, by its place, as the index has them."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_SKEW = timedelta(minutes=1)
"""How far clocks of writers may be apart before it is worth a word."""
_HASH = 32


class Files(Protocol):
    """Collects the files that records name."""

    def see(self, seq: int, body: bytes) -> None:
        """Take what one record names.

        Raises:
            RecordError: it cannot be read.
        """


@dataclass(kw_only=True)
class Walk:
    """What one pass over the log has found."""

    indexed: Versions
    sizes: frozenset[int] = frozenset()
    """Sizes at which the root of the tree is wanted."""
    only: frozenset[int] | None = None
    """The places to be checked; None for all. Of the others only their hash is taken."""
    files: Files | None = None
    tree: TreeHead = field(default_factory=TreeHead)
    roots: dict[int, bytes] = field(default_factory=lambda: {0: TreeHead().root()})
    """The root over the first entries, for each of `sizes`."""
    leaves: bytearray = field(default_factory=bytearray)
    """The leaf hashes, one after the other."""
    origin: str = ""
    altered: list[Wrong] = field(default_factory=list)
    signatures: list[Wrong] = field(default_factory=list)
    misplaced: list[Wrong] = field(default_factory=list)
    backwards: list[int] = field(default_factory=list)
    """Entries that say they were committed before the one before them."""
    ahead: list[int] = field(default_factory=list)
    """Entries that say they were committed in the future."""
    unsigned: int = 0
    checked: int = 0
    signers: Signers = field(default_factory=Signers)
    models: dict[str, "_Model"] = field(default_factory=dict)
    decisions: list[tuple[int, Decision]] = field(default_factory=list)
    approvals: list[LogEntry] = field(default_factory=list)
    chosen: set[Digest] = field(default_factory=set)
    """The records at the places of `only`."""
    late: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Versions behind the last one that the index had when it was read: perhaps it has them by now."""
    last: int = 0
    """The place of the last entry."""
    missing: list[range] = field(default_factory=list)
    """Places that no entry has."""
    _newest: int = 0
    _gaps: int = 0
    _latest: str = ""
    _now: str = field(default_factory=lambda: format_time(datetime.now(UTC) + _SKEW))
    _moved: dict[int, int] = field(default_factory=dict)
    _kinds: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._newest = max(self.indexed, default=0)

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return self.tree.size

    def see(self, entry: LogEntry) -> None:
        """Look at one entry, the next in order."""
        self._place(entry)
        self._grow(entry)
        chosen = self.only is None or entry.seq in self.only
        if chosen:
            self.checked += 1
            self._check_bytes(entry)
            self._check_time(entry)
        self._read(entry, chosen=chosen)

    def _read(self, entry: LogEntry, *, chosen: bool) -> None:
        event = self._learn(entry) if entry.kind == "key" else None
        if chosen:
            self._check_signature(entry)
        if event is not None:
            self.signers.revoke(event)  # from the next entry on: a key may revoke itself
        if entry.kind != "record" and chosen and entry.seq in self.indexed:
            self._misplace(entry, f"is no record; the index says {say(self.indexed[entry.seq])}")
        if entry.kind == "record":
            self._read_record(entry, chosen=chosen)
        elif entry.kind == "decision":
            self._keep_decision(entry)
        elif (said := self.indexed.get(entry.seq)) is not None:
            self._pass_over(entry, said)
        else:
            self._keep_other(entry, chosen=chosen)

    def name(self, seq: int, kind: str) -> str:
        """Return what to call an entry."""
        said = self.indexed.get(seq) if kind == "record" else None
        return f"entry {seq} ({kind}, {said[0]}@{said[1]})" if said else f"entry {seq} ({kind})"

    def name_at(self, position: int) -> str:
        """Return what to call the entry that stands at a place in the tree, from 1."""
        seq = self.seq_at(position)
        return self.name(seq, self._kinds.get(seq, "record"))

    def seq_at(self, position: int) -> int:
        """Return what the entry at a place in the tree says its own place is."""
        return self._moved.get(position, position)

    def leaf(self, position: int) -> bytes:
        """Return the leaf hash at a place in the tree, from 1."""
        return bytes(self.leaves[(position - 1) * _HASH : position * _HASH])

    # The place in the log

    def _place(self, entry: LogEntry) -> None:
        expected = self.last + 1
        if entry.seq > expected:
            gone = range(expected, entry.seq)
            names = f"entry {expected} is" if len(gone) == 1 else f"entries {expected} to {gone[-1]} are"
            told = f"{names} missing before {self.name(entry.seq, entry.kind)}"
            self.misplaced.append(Wrong(told, gone[:1] if len(gone) > _MANY else gone))
            self.missing.append(gone)
            self._gaps += 1
        elif entry.seq < expected:  # only below 1: the entries come in order
            self.misplaced.append(Wrong(f"entry {entry.seq} has no place in a log that begins with 1", (entry.seq,)))
            return
        self.last = entry.seq

    def _grow(self, entry: LogEntry) -> None:
        leaf = entry.leaf()
        self.origin = self.origin or log_name(leaf)
        self.tree.add(leaf)
        self.leaves += leaf
        if self.tree.size in self.sizes:
            self.roots[self.tree.size] = self.tree.root()
        if self.tree.size != entry.seq:
            self._moved[self.tree.size] = entry.seq
        if entry.kind != "record":
            self._kinds[entry.seq] = entry.kind

    # The entry itself

    def _check_bytes(self, entry: LogEntry) -> None:
        if Digest.of(entry.body).hex != entry.digest:
            self._alter(entry, "its bytes are not those that were recorded")
        if not _TIME.fullmatch(entry.recorded):
            self._alter(entry, "its time of commit is none")

    def _check_time(self, entry: LogEntry) -> None:
        # Written in one form, times compare as text.
        if self._latest and entry.recorded < self._latest and self._apart(entry.recorded) > _SKEW:
            self.backwards.append(entry.seq)
        if entry.recorded > self._now:
            self.ahead.append(entry.seq)
        self._latest = entry.recorded

    def _apart(self, recorded: str) -> timedelta:
        try:
            return parse_time(self._latest) - parse_time(recorded)
        except RecordError:
            return timedelta()  # told as altered

    def _alter(self, entry: LogEntry, words: str) -> None:
        self.altered.append(Wrong(f"{self.name(entry.seq, entry.kind)}: {words}", (entry.seq,)))

    # Keys and signatures

    def _learn(self, entry: LogEntry) -> KeyEvent | None:
        try:
            return self.signers.learn(entry)
        except (RecordError, CatalogError) as error:
            self._alter(entry, error.what)
            return None

    def _check_signature(self, entry: LogEntry) -> None:
        self.unsigned += entry.keyid is None or entry.signature is None
        words = self.signers.flaw(entry)
        if words:
            self.signatures.append(Wrong(f"{self.name(entry.seq, entry.kind)} {words}", (entry.seq,)))

    # What the entry says

    def _keep_decision(self, entry: LogEntry) -> None:
        try:
            self.decisions.append((entry.seq, decode_decision(entry.body)))
        except RecordError as error:
            self._alter(entry, error.what)

    def _keep_other(self, entry: LogEntry, *, chosen: bool) -> None:
        if entry.kind == "approval":
            self.approvals.append(entry)
        elif chosen and (decode := _ANALYSES.get(entry.kind)):
            try:
                decode(entry.body)
            except RecordError as error:
                self._alter(entry, error.what)

    def _read_record(self, entry: LogEntry, *, chosen: bool) -> None:
        said = self.indexed.get(entry.seq)
        if chosen:
            self._check_record(entry, said)
        elif said is not None:
            self.models[said[0]] = _Model(said[1], entry.digest, self._gaps)

    def _check_record(self, entry: LogEntry, said: tuple[str, int] | None) -> None:
        try:
            identity, _ = decode_identity(entry.body)
            if self.files is not None:
                self.files.see(entry.seq, entry.body)
        except RecordError as error:
            self._alter(entry, error.what)
            self._pass_over(entry, said)
            return
        before = self.models.get(identity.name)
        digest = Digest.of(entry.body)
        if self.only is not None:
            self.chosen.add(digest)
        number = before.version + 1 if before else 1
        if said and said[0] == identity.name and self._gaps > (before.gaps if before else 0):
            number = max(number, said[1])  # what is missing has been told
        if (identity.previous.hex if identity.previous else None) != (before.digest if before else None):
            self._misplace(entry, f"does not follow the record of {identity.name} before it")
        self.models[identity.name] = _Model(number, digest.hex, self._gaps)
        if said is None and entry.seq > self._newest:
            self.late[entry.seq] = (identity.name, number)
        elif said != (identity.name, number):
            self._misplace(entry, f"is {identity.name}@{number}; the index says {say(said)}")

    def _pass_over(self, entry: LogEntry, said: tuple[str, int] | None) -> None:
        # What cannot be read is told once: those after it follow what the index and the entry's digest say.
        if said is not None:
            self.models[said[0]] = _Model(said[1], entry.digest, self._gaps)

    def _misplace(self, entry: LogEntry, words: str) -> None:
        self.misplaced.append(Wrong(f"{self.name(entry.seq, entry.kind)} {words}", (entry.seq,)))

    def is_there(self, seq: int) -> bool:
        """Say whether the log has an entry of that place."""
        before = bisect_right(self.missing, seq, key=lambda gone: gone.start)
        return 0 < seq <= self.last and not (before and seq in self.missing[before - 1])

    def settle(self, indexed: Versions) -> None:
        """Compare with the index as it is after the walk what was committed meanwhile, and what it names is there."""
        for seq, version in self.late.items():
            if indexed.get(seq) != version:
                words = f"entry {seq} (record) is {say(version)}; the index says {say(indexed.get(seq))}"
                self.misplaced.append(Wrong(words, (seq,)))
        wanted = self.indexed if self.only is None else self.only
        for seq in sorted(wanted):
            if not self.is_there(seq):
                self.misplaced.append(Wrong(f"the index names entry {seq}, which the log does not have", (seq,)))


def say(said: tuple[str, int] | None) -> str:
    """Return what the index says of an entry."""
    return f"{said[0]}@{said[1]}" if said else "no version"


class _Model(NamedTuple):
    """What is known of a model so far."""

    version: int
    digest: str
    """The record that the next one has to follow."""
    gaps: int
    """How many gaps the log had up to there."""


_MANY = 10_000
