"""The only room that knows SQL: the append-only log of records and its indexes.

`Catalog` is loaded when it is first asked for, because SQLAlchemy takes longer to import than `lineage --help` may.
"""

from typing import TYPE_CHECKING

from lineage_pipelines.catalog.entries import Entry, ModelSummary
from lineage_pipelines.catalog.settings import Settings, resolve_settings

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log import Catalog

__all__ = ["Catalog", "Entry", "ModelSummary", "Settings", "resolve_settings"]


def __getattr__(name: str) -> object:
    if name == "Catalog":
        from lineage_pipelines.catalog.log import Catalog

        return Catalog
    raise AttributeError(name)
