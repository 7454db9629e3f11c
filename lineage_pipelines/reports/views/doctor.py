"""Doctor: the findings about a machine."""

from typing import TYPE_CHECKING

from lineage_pipelines.reports.document import Document, Paragraph, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lineage_pipelines.queries.doctor import Finding
from lineage_pipelines.records.values.canonical import Json

if TYPE_CHECKING:
    from lineage_pipelines.queries.doctor import Finding


def doctor_document(findings: "Sequence[Finding]") -> Document:
    """List what was looked at, what is wrong first."""
    order = {"fail": 0, "warn": 1, "ok": 2}
    ranked = sorted(findings, key=lambda finding: order[finding.status])
    blocks: list[Table | Paragraph] = [
        Table(["check", "status", "detail"], [[f.check, f.status, f.detail] for f in ranked]),
    ]
    fixes = [finding for finding in ranked if finding.fix and finding.status != "ok"]
    blocks += [Paragraph(f"\n  {finding.check}: {finding.fix}", "warn") for finding in fixes]
    return Document(blocks)


def doctor_json(findings: "Sequence[Finding]") -> Json:
    """Return the findings."""
    return [{"check": f.check, "status": f.status, "detail": f.detail, "fix": f.fix} for f in findings]
