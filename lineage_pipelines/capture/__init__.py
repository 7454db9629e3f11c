"""The world as values: Git, source files, libraries, tables, parameters."""

from lineage_pipelines.capture.blobs import Blobs, Gaps
from lineage_pipelines.capture.closure import code_digest, source_closure
from lineage_pipelines.capture.code import capture_code
from lineage_pipelines.capture.environment import capture_environment
from lineage_pipelines.capture.evaluation import check_metrics
from lineage_pipelines.capture.git import find_root
from lineage_pipelines.capture.parameters import effective_parameters
from lineage_pipelines.capture.secrets import find_secrets
from lineage_pipelines.capture.tables import CapturedTable, capture_table, describe_table, read_table
from lineage_pipelines.capture.trained import TrainedModel

__all__ = [
    "Blobs",
    "CapturedTable",
    "Gaps",
    "TrainedModel",
    "capture_code",
    "capture_environment",
    "capture_table",
    "check_metrics",
    "code_digest",
    "describe_table",
    "effective_parameters",
    "find_root",
    "find_secrets",
    "read_table",
    "source_closure",
]
