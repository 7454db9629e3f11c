"""Asking a small catalog who used something."""

from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.graph.impact import Impact, impact
from lineage_pipelines.queries.graph.subject import Places, find_subject
from lineage_pipelines.records.statement.lineage_record import LineageRecord


def ask(folder: Path, subject: str, places: Places | None = None, alias: str | None = None) -> Impact:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        return impact(catalog, find_subject(catalog, subject, places or Places()), alias=alias)


def refs(found: Impact) -> list[str]:
    return [each.ref for each in found.versions]


def fill(folder: Path, *records: LineageRecord) -> None:
    with Catalog(f"sqlite:///{folder}/catalog.db") as catalog:
        for record in records:
            catalog.append(record)
