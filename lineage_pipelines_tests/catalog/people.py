"""People with keys of their own, and what one who can write to the catalog could put there by hand."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.registry.registry import write_entry
from lineage_pipelines.catalog.transparency.signing import ApprovalKey
from lineage_pipelines.queries.registry.promotion_policy import parse_policy
from lineage_pipelines.records.decisions.approval import Approval, SignedApproval, policy_digest
from lineage_pipelines.records.values.canonical import Json


def plain_policy(**rules: Any) -> dict[str, Json]:
    """Return a policy as a decision keeps it."""
    return parse_policy(rules, where="a test").plain()


@dataclass(frozen=True)
class Person:
    """Somebody who has a key."""

    owner: str
    key: ApprovalKey

    def statement(self, entry: Entry, policy: Mapping[str, Json], **said: Any) -> Approval:
        """Return what this person would sign; `said` is said otherwise."""
        plain = {
            "record": entry.digest,
            "model": entry.model,
            "version": entry.version,
            "alias": "production",
            "policy": policy_digest(policy),
            "approver": self.owner,
            "reason": "read it",
            "nonce": secrets.token_hex(16),
            "given": datetime.now(UTC),
        }
        return Approval(**{**plain, **said})

    def sign(self, entry: Entry, policy: Mapping[str, Json], **said: Any) -> SignedApproval:
        """Return a signed approval."""
        return self.key.approve(self.statement(entry, policy, **said))

    def approve(self, catalog: Catalog, entry: Entry, policy: Mapping[str, Json], **said: Any) -> int:
        """Approve a version; return the entry."""
        return catalog.registry.approve(self.sign(entry, policy, **said))


def introduce(catalog: Catalog, folder: Path, owner: str) -> Person:
    """Make a key for somebody and introduce it."""
    key = ApprovalKey(folder / f"{secrets.token_hex(4)}.pem", create=True)
    catalog.registry.introduce_key(key.introduction(owner))
    return Person(owner, key)


def forge(catalog: Catalog, kind: str, body: bytes) -> int:
    """Write an entry past every check, as one can who has the log's key; return its place."""
    with catalog.connection.writing() as connection:
        return write_entry(connection, kind, body, catalog.log.signing_key()).seq


def size(catalog: Catalog) -> int:
    """Return how many entries the log has."""
    return sum(1 for _ in catalog.log.walk())
