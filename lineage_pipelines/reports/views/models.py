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


Live = Mapping[str, Mapping[str | None, int]]
"""The versions in production of each model, by the identity of their partition; None for the model without."""
_LIMIT = 4


def models_document(models: "Sequence[ModelSummary]", live: Live) -> Document:
    """List the models.

    Args:
        models: a line about each.
        live: the versions in production, see `Live`.
    """
    if not models:
        return Document(
            [Paragraph("No model has been recorded yet. Materialize a model asset; in the example: make demo")]
        )
    rows = [[m.name, str(m.versions), utc_time(m.latest_time), _production(live.get(m.name, {}))] for m in models]
    head = ["model", "versions", "latest", "production"]
    return Document([Table(head, rows, frozenset({"versions", "production"}))])


def _production(live: Mapping[str | None, int]) -> str:
    versions = [f"{version}" if identity is None else f"{version} [{identity}]" for identity, version in live.items()]
    more = f" and {len(versions) - _LIMIT} more" if len(versions) > _LIMIT else ""
    return ", ".join(versions[:_LIMIT]) + more or "–"


def models_json(models: "Sequence[ModelSummary]", live: Live) -> Json:
    """Return the models, each with the version in production, if it has one, and those of its partitions."""
    return [
        {
            "name": model.name,
            "versions": model.versions,
            "latest_version": model.latest_version,
            "latest": format_time(model.latest_time),
            "production": live.get(model.name, {}).get(None),
            "partitions_in_production": {
                identity: version for identity, version in live.get(model.name, {}).items() if identity is not None
            },
        }
        for model in models
    ]
