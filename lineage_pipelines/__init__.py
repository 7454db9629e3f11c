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

_ROOMS = {
    "Candidate": "records",
    "Catalog": "catalog",
    "DvcProject": "datasets",
    "LineageError": "errors",
    "LineageRecord": "records",
    "SliceMetrics": "records",
    "TrainedModel": "capture.trained",
    "load_model": "queries",
}

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
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"lineage_pipelines.{_ROOMS[name]}"), name)
