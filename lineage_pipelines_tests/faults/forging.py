"""What somebody who holds a catalog's file and the key that signs it can make of the log: every way to change it.

A forgery is the log as it reads afterwards. The index is rebuilt to agree with it, as a careful forger would.
"""

import contextlib
import dataclasses
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.errors import LineageError
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.faults.owner import unguarded

Log = Sequence[LogEntry]
Index = dict[int, tuple[str, int]]
EDITED = "edited"
_Text = TypeVar("_Text", str, bytes)
COLUMNS = ("kind", "digest", "body", "recorded", "keyid", "signature")
_VERSION = "model, version, seq, digest, run_key"
_HEX = re.compile(rb"[0-9a-f]{64}")
_MODEL = re.compile(rb'"model":\{[^{}]*?"name":"([a-z_]+)"')


@dataclass(frozen=True)
class Forgery:
    """A log that was changed, from one place on."""

    what: str
    at: int
    """The first place that is not what it was."""
    rest: tuple[LogEntry, ...]
    """The entries from that place on."""

    def index(self, log: Log, counts: Mapping[str, int]) -> Index:
        """Return the index of the entries from that place on: model and version by place.

        Args:
            log: the honest one.
            counts: how many versions of each model come before.
        """
        rest = log[self.at - 1 :] if self.what == EDITED else self.rest  # who edits an entry leaves the index as it is
        return index_of(rest, counts)

    def touched(self, log: Log) -> set[int]:
        """Return the places that may be named: that are not what they were, or that what was there led to.

        These are entries that refer to one that is gone, and records that follow another one than before.
        """
        now = {entry.seq: entry for entry in self.rest}
        behind = log[self.at - 1 :]
        places = {entry.seq for entry in behind if now.get(entry.seq) != entry}
        places |= {entry.seq for entry in self.rest if entry.seq > len(log)}
        gone = [entry for entry in behind if entry.seq in places]
        if any(entry.kind == "key" for entry in gone):  # nothing that it has signed can be checked
            return set(range(self.at, len(log) + 2))
        left = [entry for entry in self.rest if entry.seq not in places]
        digests = {entry.digest.encode() for entry in gone}
        refer = {entry.seq for entry in left if not digests.isdisjoint(_HEX.findall(entry.body))}
        return places | refer | self._follow(places, {model_of(entry) for entry in gone})

    def _follow(self, places: set[int], models: set[str | None]) -> set[int]:
        """Places of the next record of each changed model, and of decisions about a model whose versions are others."""
        waiting, found = set[str | None](), set()
        for entry in self.rest:
            model = model_of(entry)
            if entry.seq in places:
                waiting.add(model)
            elif model in waiting:
                waiting.remove(model)
                found.add(entry.seq)
            elif entry.kind == "decision" and any(f'"model":"{name}"'.encode() in entry.body for name in models):
                found.add(entry.seq)
        return found


class Forger(NamedTuple):
    """What a forger has: the log, its key, and chance."""

    log: Log
    """As long as the checkpoint that was kept elsewhere knows it."""
    keys: Mapping[str, LogKey]
    """Every key that has signed it, by its id."""
    chance: random.Random

    def forgeries(self, at: int) -> Iterator[Forgery]:
        """Yield one change of every kind at a place, from 1."""
        for what, make in _KINDS.items():
            rest = make(self, at)
            if rest is not None:
                yield Forgery(what, at, tuple(rest))

    def other(self, at: int) -> LogEntry:
        """Return an entry from elsewhere in the log."""
        return self.chance.choice([*self.log[: at - 1][-200:], *self.log[at : at + 200]])


def _edit(forger: Forger, at: int) -> Log:
    entry = forger.log[at - 1]
    column = forger.chance.choice(COLUMNS)
    value = getattr(entry, column)
    changed: dict[str, str | bytes] = {column: _change(value, forger.chance)}
    return [replace(entry, **changed), *forger.log[at:]]  # type: ignore[arg-type]  # each column has its own type


def _change(value: _Text, chance: random.Random) -> _Text:
    """Return a text with another character, or bytes with one bit flipped."""
    place = chance.randrange(len(value))
    if isinstance(value, bytes):
        flipped = bytes([value[place] ^ 1 << chance.randrange(8)])
        return value[:place] + flipped + value[place + 1 :]
    other = chance.choice([c for c in "0123456789abcdef" if c != value[place]])
    return value[:place] + other + value[place + 1 :]


def _delete(forger: Forger, at: int) -> Log | None:
    return forger.log[at:] if at < len(forger.log) else None  # the last one deleted is a log cut short


def _delete_and_close(forger: Forger, at: int) -> Log:
    return numbered(forger.log[at:], at)


def _swap(forger: Forger, at: int) -> Log | None:
    if at == len(forger.log):
        return None
    rest = list(forger.log[at - 1 :])
    other = forger.chance.randrange(1, len(rest))
    rest[0], rest[other] = rest[other], rest[0]
    return numbered(rest, at)


def _insert_again(forger: Forger, at: int) -> Log:
    return numbered([forger.other(at), *forger.log[at - 1 :]], at)


def _insert_new(forger: Forger, at: int) -> Log:
    """A record that nobody trained, signed with the right key."""
    found = next(entry for entry in (*forger.log[at - 1 :], *forger.log[: at - 1][::-1]) if entry.kind == "record")
    forged = signed(found, found.body.replace(b'"seed":7', b'"seed":8'), forger.keys)
    return numbered([forged, *forger.log[at - 1 :]], at)


def _cut(_: Forger, __: int) -> Log:
    return []


def _recompute(forger: Forger, at: int) -> Log | None:
    """Change an entry, then everything behind it that refers to it, and sign all of that again with the log's key."""
    entry = forger.log[at - 1]
    if entry.kind == "key":  # the log names itself by its first entry, and signs with what it introduces
        return [signed(entry, entry.body, forger.keys, recorded=_earlier(entry)), *_signed_again(forger, at)]
    body = entry.body.replace(b'"seed":7', b'"seed":8').replace(b'"reason":"', b'"reason":"not ')
    return [signed(entry, body, forger.keys), *_signed_again(forger, at, {entry.digest: Digest.of(body).hex})]


def _earlier(entry: LogEntry) -> str:
    return entry.recorded.replace("2", "1", 1)


def _signed_again(forger: Forger, at: int, changed: dict[str, str] | None = None) -> Iterator[LogEntry]:
    changed = dict(changed or {})
    for entry in forger.log[at:]:
        body = entry.body
        for old, new in changed.items():
            body = body.replace(old.encode(), new.encode())
        if body != entry.body:
            changed[entry.digest] = Digest.of(body).hex
        yield signed(entry, body, forger.keys)


_KINDS: dict[str, Callable[[Forger, int], Log | None]] = {
    EDITED: _edit,
    "deleted": _delete,
    "deleted, gap closed": _delete_and_close,
    "swapped": _swap,
    "inserted, a copy": _insert_again,
    "inserted, newly signed": _insert_new,
    "cut off from there": _cut,
    "rewritten and all behind it signed again": _recompute,
}


def signed(entry: LogEntry, body: bytes, keys: Mapping[str, LogKey], *, recorded: str = "") -> LogEntry:
    """Return the entry with another body, digest and signature, by the key that has signed it."""
    key = keys[entry.keyid or ""]
    return dataclasses.replace(
        entry,
        body=body,
        digest=Digest.of(body).hex,
        signature=key.sign(entry.kind, body),
        recorded=recorded or entry.recorded,
    )


def numbered(entries: Log, first: int) -> Log:
    """Return the entries with places from `first` on, without gaps."""
    return [entry if entry.seq == seq else replace(entry, seq=seq) for seq, entry in enumerate(entries, start=first)]


def model_of(entry: LogEntry) -> str | None:
    """Return the model that a record names, as a forger reads it for the index; None of anything else."""
    return _named(entry.body) if entry.kind == "record" else None


@cache
def _named(body: bytes) -> str | None:
    found = _MODEL.search(body)
    return found[1].decode() if found else None


def index_of(entries: Log, counts: Mapping[str, int] | None = None) -> Index:
    """Return model and version of each record, by its place.

    Args:
        entries: a part of a log.
        counts: how many versions of each model come before.
    """
    found: Index = {}
    numbers = Counter(counts or {})
    for entry in entries:
        model = model_of(entry)
        if model is not None:
            numbers[model] += 1
            found[entry.seq] = (model, numbers[model])
    return found


def write_into(file: Path, forgery: Forgery, log: Log) -> None:
    """Make the log in a catalog's file, and its index, what the forgery says."""
    before = index_of(log[: forgery.at - 1])
    index = before | forgery.index(log, Counter(model for model, _ in before.values()))
    with unguarded(file) as raw:
        keys = dict(raw.execute("SELECT digest, run_key FROM version"))
        raw.execute("DELETE FROM log WHERE seq >= ?", (forgery.at,))
        raw.execute("DELETE FROM usage WHERE seq >= ?", (forgery.at,))
        raw.execute("DELETE FROM version")
        for entry in forgery.rest:
            row = (entry.seq, entry.kind, entry.digest, entry.body, entry.recorded, entry.keyid, entry.signature)
            raw.execute(
                "INSERT INTO log (seq, kind, digest, body, recorded, keyid, signature) VALUES (?,?,?,?,?,?,?)", row
            )
        digests = {entry.seq: entry.digest for entry in (*log[: forgery.at - 1], *forgery.rest)}
        digests |= {entry.seq: entry.digest for entry in log if forgery.what == EDITED}
        for seq, (model, number) in index.items():
            indexed = (model, number, seq, digests[seq], keys.get(digests[seq], f"run {seq}"))
            raw.execute(
                "INSERT OR IGNORE INTO version (model, version, seq, digest, run_key) VALUES (?,?,?,?,?)", indexed
            )
    with contextlib.suppress(LineageError), Catalog(f"sqlite:///{file}") as catalog:
        catalog.rebuild()  # where the log can still be indexed: the rest of the index, too
