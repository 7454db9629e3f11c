"""Doctor: the findings about a machine."""

from collections.abc import Sequence

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.finding import Finding, FindingStatus
from lineage_pipelines.reports.document import Document, Paragraph, Table

_ORDER = (FindingStatus.FAIL, FindingStatus.WARN, FindingStatus.OK)


def doctor_document(findings: Sequence[Finding]) -> Document:
    """List what was looked at, what is wrong first."""
    ranked = sorted(findings, key=lambda finding: _ORDER.index(finding.status))
    blocks: list[Table | Paragraph] = [
        Table(["check", "status", "detail"], [[str(f.kind), str(f.status), f.detail] for f in ranked]),
    ]
    fixes = [finding for finding in ranked if finding.fix and finding.status is not FindingStatus.OK]
    blocks += [Paragraph(f"\n  {finding.kind}: {finding.fix}", "warn") for finding in fixes]
    return Document(blocks)


def doctor_json(findings: Sequence[Finding]) -> Json:
    """Return the findings."""
    return [{"check": str(f.kind), "status": str(f.status), "detail": f.detail, "fix": f.fix} for f in findings]
