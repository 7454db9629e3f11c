"""Claims: the claims of a catalog that `lineage verify` checks, each with a finding whose causes are its defects."""

from collections.abc import Sequence

from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus

_SHOWN = 5


def defect(claim: FindingKind, detail: str, places: Sequence[int] = ()) -> Finding:
    """Return one thing that is wrong with a claim, at some places in the log."""
    return Finding(kind=claim, status=FindingStatus.FAIL, detail=detail, places=places)


def conclude(claim: FindingKind, defects: Sequence[Finding], detail: str) -> Finding:
    """Return the finding about a claim: it fails if there are defects, and passes otherwise.

    Args:
        claim: the claim.
        defects: what is wrong.
        detail: the detail if nothing is wrong.
    """
    if not defects:
        return Finding(kind=claim, status=FindingStatus.OK, detail=detail)
    more = f"; and {len(defects) - _SHOWN:,} more" if len(defects) > _SHOWN else ""
    return Finding(
        kind=claim,
        status=FindingStatus.FAIL,
        detail="; ".join(found.detail for found in defects[:_SHOWN]) + more,
        places=tuple(sorted({place for found in defects for place in found.places})),
        causes=tuple(defects),
    )


def not_checked(claim: FindingKind, detail: str) -> Finding:
    """Return the finding about a claim that was not checked."""
    return Finding(kind=claim, status=FindingStatus.NOT_CHECKED, detail=detail)
