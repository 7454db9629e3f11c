"""Signing: DSSE envelopes (its PAE, specification 1.0.2) with Ed25519 keys that live in files.

A signature covers bytes and their payload type. The log's key signs entries, a person's key signs approvals, and
neither class can sign the other's payloads. A signature proves that the key's holder had these bytes, not when.
"""

import hashlib
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.errors import CatalogError
from lineage_pipelines.records.decisions.approval import (
    APPROVAL_TYPE,
    Approval,
    SignedApproval,
    encode_approval,
)
from lineage_pipelines.records.decisions.key_event import KeyChange, KeyEvent, KeyPurpose, possession_bytes
from lineage_pipelines.system.atomic_file import replace_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PAYLOAD_TYPES = {
    "record": "application/vnd.in-toto+json",
    "decision": "application/vnd.lineage-pipelines.decision+json",
    "key": "application/vnd.lineage-pipelines.key+json",
    "approval": "application/vnd.lineage-pipelines.approval-envelope+json",
    "policy": "application/vnd.lineage-pipelines.policy+json",
    "reproduction": "application/vnd.lineage-pipelines.reproduction+json",
    "attribution": "application/vnd.lineage-pipelines.attribution+json",
    "tombstone": "application/vnd.lineage-pipelines.tombstone+json",
}
"""The DSSE payload type of each kind of entry. That of a signed statement within an approval is `APPROVAL_TYPE`."""

_POSSESSION_TYPE = "application/vnd.lineage-pipelines.key-possession+json"
_PRIVATE = 0o600
_MAX_BYTES = 1 << 16
"""The part of a key file that is read; no valid one is longer."""
_SIGNING, _APPROVAL = "signing", "approval"
_NEW_SIGNING = "restore the file from a copy, or move it away for a new key: the entries that it signed stay valid"
_NAME_ANOTHER = "name another file: --output FILE"
_NEW_APPROVAL = 'make a key of your own: lineage key new --owner "you@example.org"'


def key_id(raw: bytes) -> str:
    """Return the id of a public key: the SHA-256 of its 32 bytes, in hex."""
    return hashlib.sha256(raw).hexdigest()


def _encoded(payload_type: str, payload: bytes) -> bytes:
    from securesystemslib.dsse import Envelope

    pae: bytes = Envelope(payload, payload_type, {}).pae()
    return pae


class _Key:
    """A private key with its id and public key."""

    def __init__(self, path: Path, private: "Ed25519PrivateKey") -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self.path = path
        self._private = private
        public = private.public_key()
        self.keyid = key_id(public.public_bytes_raw())
        self.public = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class LogKey(_Key):
    """The private key of the log, opened for signing.

    Args:
        path: the key file, PKCS #8 in PEM.
        create: whether to create a missing key.

    Raises:
        CatalogError: the file cannot be read or made, is no Ed25519 key, or can be read by others.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        super().__init__(path, _make(path) if create and not path.exists() else _read(path))

    def sign(self, kind: str, body: bytes) -> bytes:
        """Return the signature (64 bytes) over an entry."""
        return self.sign_raw(_encoded(PAYLOAD_TYPES[kind], body))

    def sign_raw(self, message: bytes) -> bytes:
        """Return the signature (64 bytes) over a message as it is, for signed notes."""
        return self._private.sign(message)


class ApprovalKey(_Key):
    """A person's private key, opened for approving.

    Args:
        path: the key file, PKCS #8 in PEM.
        passphrase: called for the passphrase of an encrypted file.
        create: create the key, encrypted if `passphrase` is set.

    Raises:
        CatalogError: the file cannot be read or made, is no Ed25519 key, can be read by others, or is there already
            when it is to be made; the passphrase is wrong.
    """

    def __init__(self, path: Path, *, passphrase: Callable[[], str] | None = None, create: bool = False) -> None:
        super().__init__(path, _make_own(path, passphrase) if create else _read(path, _APPROVAL, passphrase))

    def approve(self, approval: Approval) -> SignedApproval:
        """Sign an approval."""
        payload = encode_approval(approval)
        signature = self._private.sign(_encoded(APPROVAL_TYPE, payload))
        return SignedApproval(payload=payload, key=self.keyid, signature=signature)

    def introduction(self, owner: str) -> KeyEvent:
        """Return the event that introduces this key as `owner`'s, with a proof of possession."""
        event = KeyEvent(
            change=KeyChange.NEW, key=self.keyid, purpose=KeyPurpose.APPROVAL, public=self.public, owner=owner
        )
        proof = self._private.sign(_encoded(_POSSESSION_TYPE, possession_bytes(event)))
        return replace(event, proof=proof.hex())


class PublicKey:
    """A key to check signatures with.

    Raises:
        CatalogError: the PEM is no Ed25519 public key.
    """

    def __init__(self, pem: str) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CatalogError("a public key is not PEM", where=pem[:40]) from error
        if not isinstance(key, Ed25519PublicKey):
            raise CatalogError("a public key is not Ed25519", where=pem[:40])
        self._key = key
        self.raw = key.public_bytes_raw()
        self.keyid = key_id(self.raw)

    def signed(self, kind: str, body: bytes, signature: bytes) -> bool:
        """Return whether an entry carries this key's signature."""
        return kind in PAYLOAD_TYPES and self.signed_raw(_encoded(PAYLOAD_TYPES[kind], body), signature)

    def approved(self, signed: SignedApproval) -> bool:
        """Return whether a statement carries this key's signature."""
        return self.signed_raw(_encoded(APPROVAL_TYPE, signed.payload), signed.signature)

    def introduced(self, event: KeyEvent) -> bool:
        """Return whether an event that introduces this key for approvals proves its possession."""
        try:
            proof = bytes.fromhex(event.proof or "")
        except ValueError:
            return False
        return event.key == self.keyid and self.signed_raw(_encoded(_POSSESSION_TYPE, possession_bytes(event)), proof)

    def signed_raw(self, message: bytes, signature: bytes) -> bool:
        """Return whether a message carries this key's signature."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _read(path: Path, which: str = _SIGNING, passphrase: Callable[[], str] | None = None) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read_private(path, which)
    word = passphrase() if passphrase is not None and b"ENCRYPTED" in data else None
    try:
        key = load_pem_private_key(data, password=word.encode() if word is not None else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, which) if word is None else _wrong_passphrase(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, which)
    return key


def _read_private(path: Path, which: str) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise _no_key(path, which)
        if stat.S_IMODE(mode) & 0o077:
            raise CatalogError(f"others can read the {which} key", where=str(path), fix=f"chmod 600 {path}")
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        fix = _NEW_APPROVAL if which == _APPROVAL else _NEW_SIGNING
        raise CatalogError(f"the {which} key cannot be read: {error.strerror}", where=str(path), fix=fix) from error


def _no_key(path: Path, which: str) -> CatalogError:
    if which == _APPROVAL:
        return CatalogError("the approval key is no Ed25519 key in PEM", where=str(path), fix=_NEW_APPROVAL)
    what = "the signing key is no Ed25519 key in PEM without a passphrase"
    return CatalogError(what, where=str(path), fix=_NEW_SIGNING)


def _wrong_passphrase(path: Path) -> CatalogError:
    return CatalogError(
        "the passphrase of the approval key is wrong, or the file is damaged",
        where=str(path),
        fix="type it again, or set LINEAGE_APPROVAL_PASSPHRASE to it",
    )


def _make(path: Path) -> "Ed25519PrivateKey":
    """Make a key. Of two processes that make one at once, one writes it and both use that."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    fix = "make its folder writable, or name another one: keys in [tool.lineage]"
    return key if _store(path, key, None, f"no {_SIGNING} key can be made", fix) else _read(path)


def _make_own(path: Path, passphrase: Callable[[], str] | None) -> "Ed25519PrivateKey":
    """Make a person's key; one that is there already is never replaced."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    word = passphrase() if passphrase is not None else None
    if not _store(path, key, word, f"no {_APPROVAL} key can be made", _NAME_ANOTHER):
        fix = "use it as it is (--existing introduces it to another catalog), or name another file: --output FILE"
        if not path.is_file():
            raise CatalogError("the path exists, but is not a key file", where=str(path), fix=_NAME_ANOTHER)
        raise CatalogError("there is a key already", where=str(path), fix=fix)
    return key


def _store(path: Path, key: "Ed25519PrivateKey", passphrase: str | None, what: str, fix: str) -> bool:
    """Write a key file that only its owner can read; return whether it was new."""
    from cryptography.hazmat.primitives import serialization as form

    cipher = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, cipher)
    try:
        replace_file(path, pem, mode=_PRIVATE, durable=True, overwrite=False, folder_mode=0o700)
    except FileExistsError:
        return False
    except OSError as error:
        raise CatalogError(f"{what}: {error.strerror}", where=str(path), fix=fix) from error
    return True
