"""The world as values: Git, source files, libraries, tables, parameters."""

from lineage_pipelines.capture.blobs import Blobs, Gaps
from lineage_pipelines.capture.closure import code_digest, source_closure
from lineage_pipelines.capture.evaluation import check_metrics
from lineage_pipelines.capture.parameters import effective_parameters
from lineage_pipelines.capture.secrets import find_secrets

__all__ = [
    "Blobs",
    "Gaps",
    "check_metrics",
    "code_digest",
    "effective_parameters",
    "find_secrets",
    "source_closure",
]
