"""Reconcile: what did not agree between the catalog, Dagster and MLflow."""

from collections.abc import Sequence

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.reports.document import Document, Paragraph, Table


def reconciled_document(rows: Sequence[tuple[str, str, str, str]], *, mirrored: bool = False) -> Document:
    """List what did not fit, and what was done about it; `mirrored` where MLflow was compared, too."""
    if not rows:
        both = "The catalog, Dagster's events and MLflow" if mirrored else "The catalog and Dagster's events"
        return Document([Paragraph(f"{both} agree, and nothing was left behind.")])
    return Document([Table(["what", "subject", "done", "detail"], [list(row) for row in rows])])


def reconciled_json(rows: Sequence[tuple[str, str, str, str]]) -> Json:
    """Return what did not fit between the catalog and Dagster."""
    return [dict(zip(("what", "subject", "done", "detail"), row, strict=True)) for row in rows]
