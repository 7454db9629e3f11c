"""Approval: one person's signed word that one record may be named by one alias under one policy, and no other.

What a person signs is the statement (`Approval`, canonical JSON); what the log keeps is its DSSE envelope in JSON, with
the payload in base64. An envelope has one signature and one form: other bytes with the same meaning are refused.
"""

import base64
import binascii
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json, canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import Value, from_json, to_json
from lineage_pipelines.records.values.digest import Digest

APPROVAL_TYPE = "application/vnd.lineage-pipelines.approval+json"
"""The payload type of an approval's envelope."""
_USER = "user:"
"""What stands before a person's name in `launched_by`, and in the name of who asks from Dagster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Value):
    """What is approved, by whom, why and until when. It is void for any other record, alias or policy."""

    record: Digest
    model: str
    version: int
    alias: str
    """As a decision has it: `production`, of a partition `production[west]`."""
    policy: Digest
    """The policy that was in force: see `policy_digest`."""
    approver: str
    """Who approves: the owner of the key."""
    reason: str
    nonce: str
    """32 hex characters that no other approval has."""
    given: datetime
    expires: datetime | None = None
    """From when on it counts no more; the policy may say so earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedApproval:
    """An approval as it was signed."""

    payload: bytes
    """The statement's exact bytes."""
    key: str
    """The id of the approver's key."""
    signature: bytes

    @property
    def approval(self) -> Approval:
        """The statement.

        Raises:
            RecordError: the bytes are not a valid approval.
        """
        return decode_approval(self.payload)


def encode_approval(approval: Approval) -> bytes:
    """Return the canonical bytes of a statement: what the approver signs.

    Raises:
        RecordError: it has no exact form.
    """
    return canonical_bytes(to_json(approval, "approval"))


def decode_approval(data: bytes) -> Approval:
    """Read a statement.

    Raises:
        RecordError: the bytes are not a valid approval.
    """
    approval: Approval = from_json(Approval, parse_bytes(data), "approval")
    return approval


def encode_envelope(signed: SignedApproval) -> bytes:
    """Return the DSSE envelope of a signed approval as canonical JSON: the body of its entry in the log."""
    signature: dict[str, Json] = {"keyid": signed.key, "sig": _base64(signed.signature)}
    return canonical_bytes(
        {"payload": _base64(signed.payload), "payloadType": APPROVAL_TYPE, "signatures": [signature]}
    )


def decode_envelope(data: bytes) -> SignedApproval:
    """Read an envelope; the signature is not checked here.

    Raises:
        RecordError: the bytes are no envelope of an approval, or not in its one form.
    """
    plain: Any = parse_bytes(data)  # whatever it is: writing it again says whether it was an envelope
    try:
        (signature,) = plain["signatures"]
        signed = SignedApproval(
            payload=base64.b64decode(plain["payload"], validate=True),
            key=str(signature["keyid"]),
            signature=base64.b64decode(signature["sig"], validate=True),
        )
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _no_envelope() from error
    if encode_envelope(signed) != data:
        raise _no_envelope()
    return signed


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _no_envelope() -> RecordError:
    return RecordError("not the envelope of an approval", fix="restore the bytes from a copy")


def policy_digest(policy: Mapping[str, Json]) -> Digest:
    """Return the digest of a policy: of its canonical JSON (RFC 8785), as a decision keeps it.

    Raises:
        RecordError: it has no exact form.
    """
    return Digest.of(canonical_bytes(to_json(policy, "policy")))


def trainers(record: LineageRecord) -> tuple[str, ...]:
    """Return who trained a version: the account that ran it, and the person who launched it."""
    launched = record.run.dagster.launched_by if record.run.dagster else ""
    names = (record.run.user or "", launched if launched.startswith(_USER) else "")
    return tuple(name for name in names if name)


def same_person(one: str, other: str) -> bool:
    """Return whether two names may be one person's: `user:ann` of a run, `ann` of an account, `ann@example.org`.

    An account has no domain, so that a name without one is compared with what stands before the @. Who is taken for
    another by this is asked to have somebody else approve; the other mistake would let people approve their own.
    """
    name, at, domain = _parts(one)
    other_name, other_at, other_domain = _parts(other)
    return name == other_name and (not at or not other_at or domain == other_domain)


def _parts(text: str) -> tuple[str, str, str]:
    plain = unicodedata.normalize("NFKC", text).casefold().strip().removeprefix(_USER)
    name, at, domain = plain.partition("@")
    return name.partition("+")[0], at, domain  # ann+tests@example.org is ann's mailbox too
