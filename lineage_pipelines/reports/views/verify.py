"""Verify: the claims that were checked, and their verdicts."""

from typing import TYPE_CHECKING

from lineage_pipelines.reports.document import Document, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lineage_pipelines.queries.verify.claims import CheckedClaim
from lineage_pipelines.records.values.canonical import Json

if TYPE_CHECKING:
    from lineage_pipelines.queries.verify.claims import CheckedClaim


def verify_document(claims: "Sequence[CheckedClaim]") -> Document:
    """List what was checked and what it has come to."""
    return Document([Table(["claim", "verdict", "detail"], [[c.claim, str(c.verdict), c.detail] for c in claims])])


def verify_json(claims: "Sequence[CheckedClaim]") -> Json:
    """Return the claims and their verdicts."""
    return [
        {
            "claim": claim.claim,
            "verdict": str(claim.verdict),
            "detail": claim.detail,
            "wrong": list(claim.wrong),
            "entries": list(claim.entries),
        }
        for claim in claims
    ]
