"""Policy change: the policy of an alias that is in force from an entry of the log on, who brought it and from where."""

from collections.abc import Mapping
from dataclasses import dataclass

from lineage_pipelines.records.values.canonical import Json, canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import Value, from_json, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange(Value):
    """A policy that is in force until the next one of the same model and alias."""

    model: str
    alias: str
    """Without a partition: all partitions have the same policy."""
    policy: Mapping[str, Json]
    """The policy, whole, as a decision has it."""
    revision: str | None = None
    """The commit that the policy was read in; None without Git."""
    by: str
    """Who made the first promotion under it."""


def encode_policy_change(change: PolicyChange) -> bytes:
    """Return the canonical bytes of a change.

    Raises:
        RecordError: it has no exact form.
    """
    return canonical_bytes(to_json(change, "policy change"))


def decode_policy_change(data: bytes) -> PolicyChange:
    """Read a change.

    Raises:
        RecordError: the bytes are not a valid change of a policy.
    """
    change: PolicyChange = from_json(PolicyChange, parse_bytes(data), "policy change")
    return change
