"""Reconcile: what did not agree between the catalog, Dagster and MLflow."""

from collections.abc import Sequence

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.finding import Finding
from lineage_pipelines.reports.document import Document, Paragraph, Table


def reconciled_document(findings: Sequence[Finding], *, mirrored: bool = False) -> Document:
    """List what did not fit, and what was done about it; `mirrored` where MLflow was compared, too."""
    if not findings:
        both = "The catalog, Dagster's events and MLflow" if mirrored else "The catalog and Dagster's events"
        return Document([Paragraph(f"{both} agree, and nothing was left behind.")])
    rows = [[str(each.kind), each.subject, str(each.status), each.detail] for each in findings]
    return Document([Table(["what", "subject", "done", "detail"], rows)])


def reconciled_json(findings: Sequence[Finding]) -> Json:
    """Return what did not fit, and what was done about it."""
    return [
        {"what": str(each.kind), "subject": each.subject, "done": str(each.status), "detail": each.detail}
        for each in findings
    ]
