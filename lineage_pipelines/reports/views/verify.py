"""Verify: the claims that were checked, and their verdicts."""

from collections.abc import Mapping, Sequence

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.finding import Finding, FindingStatus
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Document, Listing, Table

_VERDICTS: Mapping[FindingStatus, str] = {
    FindingStatus.OK: "PASS",
    FindingStatus.FAIL: "FAIL",
    FindingStatus.NOT_CHECKED: "NOT CHECKED",
}


_ORDER = (FindingStatus.FAIL, FindingStatus.NOT_CHECKED, FindingStatus.OK)


def verify_document(claims: Sequence[Finding], *, full: bool = False) -> Document:
    """List the claims and their verdicts, what failed first.

    Args:
        claims: the claims.
        full: whether to list every single failure behind a claim that failed.
    """
    ranked = sorted(claims, key=lambda claim: _ORDER.index(claim.status))
    rows = [[str(claim.kind), _VERDICTS[claim.status], claim.detail] for claim in ranked]
    causes = [
        Listing(f"{claim.kind}: {count(len(claim.causes), 'failure')}", [cause.detail for cause in claim.causes])
        for claim in ranked
        if full and claim.causes
    ]
    return Document([Table(["claim", "verdict", "detail"], rows), *causes])


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
