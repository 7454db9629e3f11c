"""Decision about a version: which one an alias names from now on, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lineage_pipelines.records.values.canonical import Json, canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import Value, from_json, to_json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.identity_proof import IdentityProof
from lineage_pipelines.records.values.model_name import scoped, split_scoped


class Action(StrEnum):
    """What was decided."""

    PROMOTE = "promote"
    """The alias names this version from now on."""
    ROLLBACK = "rollback"
    """The alias names an earlier version again."""
    RETIRE = "retire"
    """The alias names no version any more."""
    REJECT = "reject"
    """This version is not to be named by the alias."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Value):
    """One rule of the policy that was in force, and whether the version kept it."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedApproval(Value):
    """An approval that a promotion was made on."""

    entry: int
    """Its place in the log."""
    approver: str
    key: str
    """The id of the approver's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedVersion(Value):
    """One of the versions between which was decided, and its numbers."""

    version: int
    record: Digest
    metrics: Mapping[str, float]
    data: Digest | None = None
    """The SHA-256 of the data that they were measured on: numbers on other data say less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Value):
    """What was compared by which criterion."""

    candidates: tuple[ComparedVersion, ...]
    """The version that is promoted, then the one that the alias named before."""
    criterion: str
    """The policy in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Value):
    """One decision, with the evidence that it was made on."""

    action: Action
    model: str
    alias: str
    """`production`; of a partition with an identity `production[west]`: each identity has aliases of its own."""
    version: int | None = None
    """The version that it is about; None when an alias is retired."""
    record: Digest | None = None
    """The digest of that version's record: a decision is about this record and no other."""
    previous: Digest | None = None
    """The record that the alias named before."""
    by: str
    """Who decided."""
    known_by: IdentityProof | None = None
    """How it is known who that is; None in entries of earlier releases, and where whoever decided does not say."""
    reason: str
    policy: Mapping[str, Json]
    """The policy that was in force, whole."""
    policy_revision: str | None = None
    """The commit that the policy was read in; None without Git, and where it is not that of a commit."""
    rules: tuple[Rule, ...] = ()
    override: bool = False
    """Whether it was made against the policy."""
    approvals: tuple[CountedApproval, ...] | None = None
    """The approvals that counted; None where the policy asks for none."""
    compared: Comparison | None = None
    """The candidates, their numbers and the criterion of a promotion."""
    judged: datetime | None = None
    """When the rules were judged; given where approvals, which expire, are among them."""
    seen: int | None = None
    """The last entry of the log that was looked at for approvals and keys."""

    @property
    def alias_name(self) -> str:
        """The alias without the partition: `production`."""
        return split_scoped(self.alias)[0]

    @property
    def identity(self) -> str | None:
        """The identity of the partition whose alias it is; None for the model without."""
        return split_scoped(self.alias)[1]

    @property
    def ref(self) -> str:
        """The version that it is about, as a person writes it; without a number where an alias is retired."""
        name = scoped(self.model, self.identity)
        return f"{name}@{self.version}" if self.version is not None else name

    @property
    def moves_alias(self) -> bool:
        """Whether the alias names something else from now on: all but a rejection."""
        return self.action is not Action.REJECT


def encode_decision(decision: Decision) -> bytes:
    """Return the canonical bytes of a decision.

    Raises:
        RecordError: it has no exact form.
    """
    return canonical_bytes(to_json(decision, "decision"))


def decode_decision(data: bytes) -> Decision:
    """Read a decision.

    Raises:
        RecordError: the bytes are not a valid decision.
    """
    decision: Decision = from_json(Decision, parse_bytes(data), "decision")
    return decision
