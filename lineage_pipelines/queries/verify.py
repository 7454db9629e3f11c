"""Can the catalog be trusted? Everything is walked and compared; each comparison has a verdict, and none is silent.

A check that could not be made is NOT CHECKED, which is not a pass. What is wrong is named by its place in the log.
"""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from lineage_pipelines.artifacts import ArtifactStore
from lineage_pipelines.catalog import Catalog, Checkpoint, LogEntry, PublicKey, TreeHead, log_name, read_note, signed_by
from lineage_pipelines.errors import ArtifactError, CatalogError, RecordError
from lineage_pipelines.queries.recheck import recheck_decisions
from lineage_pipelines.records import (
    Decision,
    Digest,
    KeyChange,
    KeyEvent,
    decode_decision,
    decode_identity,
    decode_key_event,
)

ANCHOR = "lineage.checkpoint"
"""The checkpoint that a project commits to Git, unless it keeps another one."""
_SHOWN = 5
_TIMEOUT = 20


class Verdict(StrEnum):
    """What a check has come to."""

    PASS = "PASS"  # noqa: S105  # no password
    FAIL = "FAIL"
    NOT_CHECKED = "NOT CHECKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedClaim:
    """One claim that the catalog makes, and whether it holds."""

    claim: str
    verdict: Verdict
    detail: str


@dataclass(kw_only=True)
class _Walk:
    """What one pass over the log has found."""

    anchor: Checkpoint | None
    tree: TreeHead = field(default_factory=TreeHead)
    origin: str = ""
    anchored_root: bytes | None = None
    """The root over the entries that the anchor covers."""
    altered: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    unsigned: int = 0
    misplaced: list[str] = field(default_factory=list)
    keys: dict[str, PublicKey] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    next_version: dict[str, int] = field(default_factory=dict)
    newest: dict[str, Digest] = field(default_factory=dict)
    """The record that the next one of a model has to follow."""
    decisions: list[tuple[int, Decision]] = field(default_factory=list)
    files: dict[Digest, str] = field(default_factory=dict)
    """Model files, with the version that names each."""
    entries: int = 0

    def see(self, entry: LogEntry, indexed: Mapping[int, tuple[str, int]]) -> None:
        """Look at one entry, the next in order."""
        self.entries += 1
        name = f"entry {entry.seq} ({entry.kind})"
        if entry.seq != self.entries:
            self.misplaced.append(f"{name} stands where entry {self.entries} should")
        self._grow(entry)
        whole = Digest.of(entry.body).hex == entry.digest
        if not whole:
            self.altered.append(f"{name}: its bytes are not those that were recorded")
        self._check_signature(entry, name)
        if entry.kind == "record":
            self._check_version(entry, name, indexed.get(entry.seq))
        elif entry.kind == "decision":
            self._keep_decision(entry, name)

    def _grow(self, entry: LogEntry) -> None:
        leaf = entry.leaf()
        self.origin = self.origin or log_name(leaf)
        self.tree.add(leaf)
        if self.anchor is not None and self.tree.size == self.anchor.size:
            self.anchored_root = self.tree.root()

    def _check_signature(self, entry: LogEntry, name: str) -> None:
        event = self._key_event(entry, name) if entry.kind == "key" else None
        if event is not None and event.change is KeyChange.NEW:
            self._learn(event, name)
        if entry.keyid is None or entry.signature is None:
            if self.keys:
                self.signatures.append(f"{name} has no signature, though entries before it have")
            self.unsigned += 1
        elif entry.keyid in self.revoked:
            self.signatures.append(f"{name} was signed by a key that had been revoked")
        elif entry.keyid not in self.keys:
            self.signatures.append(f"{name} was signed by a key that the log does not know")
        elif not self.keys[entry.keyid].signed(entry.kind, entry.body, entry.signature):
            self.signatures.append(f"{name}: the signature is not of these bytes")
        if event is not None and event.change is KeyChange.REVOKED:
            self.revoked.add(event.key)  # from the next entry on: a key may revoke itself

    def _key_event(self, entry: LogEntry, name: str) -> KeyEvent | None:
        try:
            return decode_key_event(entry.body)
        except RecordError as error:
            self.altered.append(f"{name}: {error.what}")
            return None

    def _learn(self, event: KeyEvent, name: str) -> None:
        try:
            key = PublicKey(event.public or "")
        except CatalogError as error:
            self.altered.append(f"{name}: {error.what}")
            return
        if key.keyid != event.key:
            self.altered.append(f"{name}: the key has another id than it says")
        else:
            self.keys[event.key] = key

    def _keep_decision(self, entry: LogEntry, name: str) -> None:
        try:
            self.decisions.append((entry.seq, decode_decision(entry.body)))
        except RecordError as error:
            self.altered.append(f"{name}: {error.what}")

    def _check_version(self, entry: LogEntry, name: str, indexed: tuple[str, int] | None) -> None:
        try:
            identity, artifact = decode_identity(entry.body)
        except RecordError as error:
            self.altered.append(f"{name}: {error.what}")
            return
        model = identity.name
        number = self.next_version.get(model, 1)
        self.next_version[model] = number + 1
        if identity.previous != self.newest.get(model):
            self.misplaced.append(f"{name} does not follow the record of {model} before it")
        self.newest[model] = Digest.of(entry.body)
        if indexed != (model, number):
            said = f"{indexed[0]}@{indexed[1]}" if indexed else "no version"
            self.misplaced.append(f"{name} is {model}@{number}; the index says {said}")
        self.files.setdefault(artifact.digest, f"{model}@{number}")


def verify_catalog(
    catalog: Catalog,
    *,
    anchor: str | None = None,
    anchor_name: str = "",
    artifacts: ArtifactStore | None = None,
    progress: Callable[[str, int], None] = lambda *_: None,
) -> tuple[CheckedClaim, ...]:
    """Check everything that the catalog claims.

    Args:
        catalog: the catalog.
        anchor: a checkpoint that was kept elsewhere, as text.
        anchor_name: where it was kept.
        artifacts: the store that the model files are in; None to leave them out.
        progress: called with what is looked at and how many of it so far.

    Raises:
        CatalogError: the catalog cannot be read, or the anchor is no checkpoint.
    """
    point = read_note(anchor, where=anchor_name) if anchor is not None else None
    walk = _Walk(anchor=point)
    indexed = catalog.versions()
    for entry in catalog.walk():
        walk.see(entry, indexed)
        progress("entries", walk.entries)
    stray = sorted(set(indexed) - set(range(1, walk.entries + 1)))
    walk.misplaced.extend(f"the index names entry {seq}, which the log does not have" for seq in stray)
    return (
        _claim("entries", walk.altered, f"{walk.entries:,} entries are the bytes that were recorded"),
        _signatures(walk),
        _claim("order", walk.misplaced, f"no gaps in the log; versions of {len(walk.next_version)} models contiguous"),
        _decisions(walk, catalog),
        _anchored(walk, anchor, anchor_name),
        _artifacts(walk, artifacts, progress),
    )


def committed_anchor(project_dir: Path, file: str = ANCHOR) -> str | None:
    """Return the checkpoint that the project's last commit holds, or None."""
    command = ["git", "-C", str(project_dir), "show", f"HEAD:./{file}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _claim(name: str, wrong: list[str], right: str) -> CheckedClaim:
    if not wrong:
        return CheckedClaim(claim=name, verdict=Verdict.PASS, detail=right)
    more = f"; and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
    return CheckedClaim(claim=name, verdict=Verdict.FAIL, detail="; ".join(wrong[:_SHOWN]) + more)


def _signatures(walk: _Walk) -> CheckedClaim:
    signed = walk.entries - walk.unsigned
    if walk.signatures or signed == walk.entries:
        count = len(walk.keys)
        return _claim("signatures", walk.signatures, f"{signed:,} entries signed by {count} keys of this log")
    detail = f"{walk.unsigned:,} entries have no signature: they were committed before this log had a key"
    return CheckedClaim(claim="signatures", verdict=Verdict.NOT_CHECKED, detail=detail)


def _decisions(walk: _Walk, catalog: Catalog) -> CheckedClaim:
    wrong = list(recheck_decisions(catalog, walk.decisions))
    return _claim("decisions", wrong, f"{len(walk.decisions):,} decisions follow from what they were made on")


def _anchored(walk: _Walk, anchor: str | None, name: str) -> CheckedClaim:
    if walk.anchor is None or anchor is None:
        detail = "no checkpoint kept elsewhere was given; who holds the file and the key could have rewritten it all"
        return CheckedClaim(claim="checkpoint", verdict=Verdict.NOT_CHECKED, detail=detail)
    wrong = []
    size = f"{walk.anchor.size:,} entries"
    if walk.anchor.origin != walk.origin:
        wrong.append(f"{name} is of another log, or the first entry was rewritten")
    elif walk.entries < walk.anchor.size:
        wrong.append(f"entries {walk.entries + 1:,} to {walk.anchor.size:,} are gone: {name} knows {size}")
    elif walk.anchored_root != walk.anchor.root:
        wrong.append(f"the first {size} are not what {name} says they were")
    if signed_by(anchor, walk.keys.values(), where=name) is None:
        wrong.append(f"{name} is not signed by a key of this log")
    return _claim("checkpoint", wrong, f"the log begins with the {size} that {name} knows")


def _artifacts(walk: _Walk, store: ArtifactStore | None, progress: Callable[[str, int], None]) -> CheckedClaim:
    if store is None:
        return CheckedClaim(claim="artifacts", verdict=Verdict.NOT_CHECKED, detail="no artifact store was given")
    wrong = []
    for number, (digest, ref) in enumerate(walk.files.items(), start=1):
        progress("model files", number)
        try:
            store.read(digest)
        except ArtifactError as error:
            wrong.append(f"{ref}: {error.what}")
    return _claim("artifacts", wrong, f"{len(walk.files):,} model files are in the store and unaltered")
