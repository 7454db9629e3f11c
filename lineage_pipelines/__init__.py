"""Model lineage for Dagster and DVC: every model explains itself.

The public names, none of which is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lineage_pipelines.capture.trained import TrainedModel
    from lineage_pipelines.catalog import Catalog
    from lineage_pipelines.datasets import DvcProject
    from lineage_pipelines.errors import LineageError
    from lineage_pipelines.queries import load_model
    from lineage_pipelines.records import Candidate, LineageRecord, SliceMetrics

__all__ = [
    "Candidate",
    "Catalog",
    "DvcProject",
    "LineageError",
    "LineageRecord",
    "SliceMetrics",
    "TrainedModel",
    "load_model",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    match name:
        case "TrainedModel":
            room = import_module("lineage_pipelines.capture")
        case "Catalog":
            room = import_module("lineage_pipelines.catalog")
        case "DvcProject":
            room = import_module("lineage_pipelines.datasets")
        case "LineageError":
            room = import_module("lineage_pipelines.errors")
        case "load_model":
            room = import_module("lineage_pipelines.queries")
        case "Candidate" | "LineageRecord" | "SliceMetrics":
            room = import_module("lineage_pipelines.records")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(room, name)
