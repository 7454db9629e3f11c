"""Models: a line for each model of the catalog."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.reports.document import Document, Paragraph, Table
from lineage_pipelines.reports.formatting import utc_time

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import ModelSummary
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import ModelSummary


def models_document(models: "Sequence[ModelSummary]", live: Mapping[str, int]) -> Document:
    """List the models.

    Args:
        models: a line about each.
        live: the version in production of those that have one.
    """
    if not models:
        return Document(
            [Paragraph("No model has been recorded yet. Materialize a model asset; in the example: make demo")]
        )
    rows = [[m.name, str(m.versions), utc_time(m.latest_time), str(live.get(m.name, "–"))] for m in models]
    head = ["model", "versions", "latest", "production"]
    return Document([Table(head, rows, frozenset({"versions", "production"}))])


def models_json(models: "Sequence[ModelSummary]", live: Mapping[str, int]) -> Json:
    """Return the models, each with the version in production, if it has one."""
    return [
        {
            "name": model.name,
            "versions": model.versions,
            "latest_version": model.latest_version,
            "latest": format_time(model.latest_time),
            "production": live.get(model.name),
        }
        for model in models
    ]
