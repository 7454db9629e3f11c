"""Verify: the claims that were checked, and their verdicts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Document, Listing, Paragraph, Table

if TYPE_CHECKING:
    from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor

_VERDICTS: Mapping[FindingStatus, str] = {
    FindingStatus.OK: "PASS",
    FindingStatus.FAIL: "FAIL",
    FindingStatus.NOT_CHECKED: "NOT CHECKED",
}


_COMPARED = (FindingKind.CHECKPOINT, FindingKind.INCLUSION)
_ORDER = (FindingStatus.FAIL, FindingStatus.NOT_CHECKED, FindingStatus.OK)


def verify_document(claims: Sequence[Finding], *, full: bool = False, checkpoint: "Anchor | None" = None) -> Document:
    """List the claims and their verdicts, what failed first, and last what an outsider may conclude.

    Args:
        claims: the claims.
        full: whether to list every single failure behind a claim that failed.
        checkpoint: the checkpoint from outside the catalog that the log was compared with; None without one.
    """
    ranked = sorted(claims, key=lambda claim: _ORDER.index(claim.status))
    rows = [[str(claim.kind), _VERDICTS[claim.status], claim.detail] for claim in ranked]
    causes = [
        Listing(f"{claim.kind}: {count(len(claim.causes), 'failure')}", [cause.detail for cause in claim.causes])
        for claim in ranked
        if full and claim.causes
    ]
    conclusion = Paragraph(f"\n  {_conclusion(claims, checkpoint)}")
    return Document([Table(["claim", "verdict", "detail"], rows), *causes, conclusion])


def _conclusion(claims: Sequence[Finding], checkpoint: "Anchor | None") -> str:
    """Say what somebody may conclude who trusts neither the catalog nor its keys."""
    if any(claim.failed for claim in claims):
        return "For an outsider: rely on nothing here until every claim that failed is explained."
    compared = next((claim for claim in claims if claim.kind in _COMPARED), None)
    if checkpoint is None or compared is None or compared.status is not FindingStatus.OK:
        return (
            "For an outsider: anyone who holds the catalog and its key could have rewritten it; a committed checkpoint "
            "(lineage checkpoint) rules that out."
        )
    entries = f"{checkpoint.point.size:,} entries" if checkpoint.point.size > 1 else "entry"
    if checkpoint.revision:
        genuine = f"since {checkpoint.day}, if commit {checkpoint.revision[:8]} is genuine"
    else:
        genuine = f"since {checkpoint.name} was written, if that file is genuine"
    return f"For an outsider: nothing in the first {entries} was changed {genuine}."


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
