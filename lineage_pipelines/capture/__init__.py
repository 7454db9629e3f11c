"""The world as values: Git, source files, libraries, tables, parameters."""

from lineage_pipelines.capture.evaluation import check_metrics
from lineage_pipelines.capture.parameters import effective_parameters
from lineage_pipelines.capture.secrets import find_secrets

__all__ = [
    "check_metrics",
    "effective_parameters",
    "find_secrets",
]
