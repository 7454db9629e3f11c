"""Verify: the claims that were checked, and their verdicts."""

from collections.abc import Mapping, Sequence

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.finding import Finding, FindingStatus
from lineage_pipelines.reports.document import Document, Table

_VERDICTS: Mapping[FindingStatus, str] = {
    FindingStatus.OK: "PASS",
    FindingStatus.FAIL: "FAIL",
    FindingStatus.NOT_CHECKED: "NOT CHECKED",
}


def verify_document(claims: Sequence[Finding]) -> Document:
    """List the claims and their verdicts."""
    rows = [[str(claim.kind), _VERDICTS[claim.status], claim.detail] for claim in claims]
    return Document([Table(["claim", "verdict", "detail"], rows)])


def verify_json(claims: Sequence[Finding]) -> Json:
    """Return the claims and their verdicts."""
    return [
        {
            "claim": str(claim.kind),
            "verdict": _VERDICTS[claim.status],
            "detail": claim.detail,
            "wrong": [cause.detail for cause in claim.causes],
            "entries": list(claim.places),
        }
        for claim in claims
    ]
