"""Signatures over entries: DSSE envelopes (its PAE, specification 1.0.2) with Ed25519 keys that live in files.

A signature covers the entry's bytes and what kind of entry they are. Who holds the key file can sign; it proves that
an entry was committed by this key and not altered since, and nothing about the time.
"""

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.errors import CatalogError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PAYLOAD_TYPES = {
    "record": "application/vnd.in-toto+json",
    "decision": "application/vnd.lineage-pipelines.decision+json",
    "key": "application/vnd.lineage-pipelines.key+json",
}
"""The DSSE payload type of each kind of entry."""

_PRIVATE = 0o600


def key_id(raw: bytes) -> str:
    """Return what names a public key: the SHA-256 of its 32 bytes, in hex."""
    return hashlib.sha256(raw).hexdigest()


def _signed_bytes(kind: str, body: bytes) -> bytes:
    from securesystemslib.dsse import Envelope

    pae: bytes = Envelope(body, PAYLOAD_TYPES[kind], {}).pae()
    return pae


class LogKey:
    """A private key, opened for signing.

    Args:
        path: the key file, PKCS #8 in PEM.
        create: whether to make a key when there is none.

    Raises:
        CatalogError: the file cannot be read or made, is no Ed25519 key, or can be read by others.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self.path = path
        self._private = _make(path) if create and not path.exists() else _read(path)
        public = self._private.public_key()
        self.keyid = key_id(public.public_bytes_raw())
        self.public = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, kind: str, body: bytes) -> bytes:
        """Return the signature (64 bytes) over an entry."""
        return self.sign_raw(_signed_bytes(kind, body))

    def sign_raw(self, message: bytes) -> bytes:
        """Return the signature (64 bytes) over a message as it is, for signed notes."""
        return self._private.sign(message)


class PublicKey:
    """A key to check signatures with.

    Raises:
        CatalogError: the PEM is no Ed25519 public key.
    """

    def __init__(self, pem: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(pem.encode())
        except ValueError as error:
            raise CatalogError("a public key is not PEM", where=pem[:40]) from error
        if not isinstance(key, Ed25519PublicKey):
            raise CatalogError("a public key is not Ed25519", where=pem[:40])
        self._key = key
        self.raw = key.public_bytes_raw()
        self.keyid = key_id(self.raw)

    def signed(self, kind: str, body: bytes, signature: bytes) -> bool:
        """Return whether an entry carries this key's signature."""
        return kind in PAYLOAD_TYPES and self.signed_raw(_signed_bytes(kind, body), signature)

    def signed_raw(self, message: bytes, signature: bytes) -> bool:
        """Return whether a message carries this key's signature."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _read(path: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise CatalogError("others can read the signing key", where=str(path), fix=f"chmod 600 {path}")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CatalogError(f"the signing key cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, TypeError) as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return key


def _no_key(path: Path) -> CatalogError:
    fix = "restore the file from a copy, or move it away for a new key: the entries that it signed stay valid"
    return CatalogError("the signing key is no Ed25519 key in PEM without a passphrase", where=str(path), fix=fix)


def _make(path: Path) -> "Ed25519PrivateKey":
    """Make a key. Of two processes that make one at once, one writes it and both use that."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # unlike a rename, refuses to replace what another has written
        except FileExistsError:
            return _read(path)
        finally:
            temporary.unlink()
    except OSError as error:
        raise CatalogError(
            f"no signing key can be made: {error.strerror}",
            where=str(path),
            fix="make its folder writable, or name another one: keys in [tool.lineage]",
        ) from error
    return key
