"""The only room that knows SQL: the append-only log of records and its indexes.

`Catalog` is loaded when it is first asked for, because SQLAlchemy takes longer to import than `lineage --help` may,
and so are the entries with the record's classes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lineage_pipelines.catalog.settings import Settings, resolve_settings

if TYPE_CHECKING:
    from lineage_pipelines.catalog.entries import Entry, ModelSummary
    from lineage_pipelines.catalog.log import Catalog

__all__ = ["Catalog", "Entry", "ModelSummary", "Settings", "resolve_settings"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    match name:
        case "Catalog":
            module = import_module("lineage_pipelines.catalog.log")
        case "Entry" | "ModelSummary":
            module = import_module("lineage_pipelines.catalog.entries")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
