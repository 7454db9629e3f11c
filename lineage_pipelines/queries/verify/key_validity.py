"""Key validity: whether the signature of an entry is valid by the key events before it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.signing import PublicKey
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records.decisions.key_event import KeyChange, KeyEvent, KeyPurpose, decode_key_event


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

    def flaw(self, entry: LogEntry) -> str | None:
        """Return what is wrong with an entry's signature, or None. Entries before the first key need none."""
        if entry.keyid is None or entry.signature is None:
            return "has no signature, though entries before it have" if self._keys else None
        if entry.keyid in self._revoked:
            return "was signed by a key that had been revoked"
        key = self._keys.get(entry.keyid)
        if key is None:
            return "was signed by a key that the log does not know"
        if self._purposes[entry.keyid] is not KeyPurpose.LOG:
            return f"was signed by a key that is for {self._purposes[entry.keyid]}s"
        if not key.signed(entry.kind, entry.body, entry.signature):
            return "has a signature that does not match its bytes"
        return None
