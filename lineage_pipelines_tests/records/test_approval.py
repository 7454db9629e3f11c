"""Approvals, key events and decisions as bytes: one form each, and what was written before reads as it was."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope

from lineage_pipelines.catalog.transparency.signing import ApprovalKey
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.decisions.approval import (
    APPROVAL_TYPE,
    Approval,
    SignedApproval,
    decode_approval,
    decode_envelope,
    encode_approval,
    encode_envelope,
    policy_digest,
    same_person,
    trainers,
)
from lineage_pipelines.records.decisions.decision import decode_decision, encode_decision
from lineage_pipelines.records.decisions.key_event import check_owner, decode_key_event, encode_key_event
from lineage_pipelines.records.values.canonical import Json, canonical_bytes
from lineage_pipelines_tests.samples import digest, make_record

GIVEN = datetime(2013, 6, 30, 12, 0, tzinfo=UTC)
APPROVAL = Approval(
    record=digest("a record"),
    model="flight_delay",
    version=4,
    alias="production",
    policy=digest("a policy"),
    approver="ann@example.org",
    reason="read the slices",
    nonce="0" * 32,
    given=GIVEN,
)
SIGNED = SignedApproval(payload=encode_approval(APPROVAL), key="5f" * 32, signature=b"\1" * 64)

# As the release before approvals wrote them.
OLD_DECISION = (
    b'{"action":"promote","alias":"production","by":"ada","model":"flight_delay","override":false,'
    b'"policy":{"checks":[],"clean":false,"complete":true,"no_worse":{"roc_auc":0.01}},"reason":"it is better",'
    b'"record":"sha256:' + b"ab" * 32 + b'","rules":[{"detail":"at least 0.7","name":"check min_roc_auc",'
    b'"passed":true}],"version":1}'
)
OLD_KEY = b'{"change":"new","key":"' + b"5f" * 32 + b'","public":"-----BEGIN PUBLIC KEY-----","purpose":"log"}'


def test_what_was_written_before_there_were_approvals_reads_as_it_was() -> None:
    assert encode_decision(decode_decision(OLD_DECISION)) == OLD_DECISION
    assert encode_key_event(decode_key_event(OLD_KEY)) == OLD_KEY
    assert decode_decision(OLD_DECISION).approvals is None
    assert decode_key_event(OLD_KEY).owner is None


def test_an_approval_reads_as_it_was_signed() -> None:
    assert decode_approval(encode_approval(APPROVAL)) == APPROVAL
    assert decode_envelope(encode_envelope(SIGNED)) == SIGNED
    assert SIGNED.approval == APPROVAL


def test_other_tools_can_read_and_check_the_envelope(tmp_path: Path) -> None:
    key = ApprovalKey(tmp_path / "ann.pem", create=True)
    signed = key.approve(APPROVAL)
    envelope = Envelope.from_dict(json.loads(encode_envelope(signed)))
    assert (envelope.payload, envelope.payload_type) == (signed.payload, APPROVAL_TYPE)
    (signature,) = envelope.signatures.values()
    assert signature.keyid == key.keyid
    private = key._private
    assert isinstance(private, Ed25519PrivateKey)
    private.public_key().verify(bytes.fromhex(signature.signature), envelope.pae())  # raises when it is not


def _envelope(**changed: Any) -> bytes:
    return canonical_bytes({**json.loads(encode_envelope(SIGNED)), **changed})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        _envelope(signatures=[]),
        _envelope(signatures=[{"keyid": "5f" * 32, "sig": "AQ=="}] * 2),
        _envelope(signatures=[{"keyid": 5, "sig": "AQ=="}]),
        _envelope(signatures={"keyid": "x", "sig": "AQ=="}),
        _envelope(payload="not base64"),
        _envelope(payload=5),
        _envelope(payloadType="application/vnd.in-toto+json"),
        _envelope(more="than there is"),
        encode_envelope(SIGNED) + b"\n",
        encode_envelope(SIGNED).replace(b"==", b"=="[:1]),
    ],
)
def test_what_is_not_the_one_form_of_an_envelope_is_none(body: bytes) -> None:
    with pytest.raises(RecordError):
        decode_envelope(body)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with pytest.raises(RecordError):
        decode_envelope(body)
    with pytest.raises(RecordError):
        SignedApproval(payload=body, key="", signature=b"").approval  # noqa: B018


@given(st.binary(max_size=300), st.text(max_size=70), st.binary(max_size=80))
def test_every_envelope_has_one_form(payload: bytes, key: str, signature: bytes) -> None:
    signed = SignedApproval(payload=payload, key=key, signature=signature)
    try:
        body = encode_envelope(signed)
    except RecordError:  # a lone surrogate has no bytes
        return
    assert decode_envelope(body) == signed
    assert base64.b64decode(json.loads(body)["payload"]) == payload


def test_a_policy_has_one_digest_whichever_way_it_comes() -> None:
    policy: dict[str, Json] = {"checks": [], "no_worse": {"roc_auc": 0.0, "brier": 0.01}, "approvals": 2}
    decision = decode_decision(OLD_DECISION)
    changed = decode_decision(encode_decision(type(decision)(**{**_fields(decision), "policy": policy})))
    assert policy_digest(changed.policy) == policy_digest(policy)
    assert policy_digest({**policy, "approvals": 1}) != policy_digest(policy)


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ann@example.org", "ann@example.org", True),
        ("Ann@Example.org", "ann@example.org", True),
        ("ann+2@example.org", "ann@example.org", True),
        ("ann@example.org", "user:ann", True),
        ("ann@example.org", "ann", True),
        ("\uff41nn", "ann", True),
        ("ann@example.org", "ann@example.net", False),
        ("ann@example.org", "bob@example.org", False),
        ("ann@example.org", "schedule:ann", False),
        ("ann", "", False),
    ],
)
def test_who_may_be_one_person_counts_as_one(one: str, other: str, same: bool) -> None:
    assert same_person(one, other) is same
    assert same_person(other, one) is same


def test_who_ran_the_training_and_who_launched_it_are_its_trainers() -> None:
    assert trainers(make_record()) == ("ada", "user:ada")


@pytest.mark.parametrize("owner", ["", " ", " ann", "ann\n", "a\u202enn", "a" * 201, "ann\0"])
def test_what_cannot_be_seen_is_no_owner(owner: str) -> None:
    with pytest.raises(RecordError, match="not an owner"):
        check_owner(owner)
    assert check_owner("ann@example.org") == "ann@example.org"
