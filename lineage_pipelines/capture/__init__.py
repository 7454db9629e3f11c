"""The world as values: Git, source files, libraries, tables, parameters.

No name is imported before it is used: loading a code location needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_pipelines.capture.blobs import Blobs, Gaps
    from lineage_pipelines.capture.code import capture_code
    from lineage_pipelines.capture.environment import capture_environment
    from lineage_pipelines.capture.evaluation import check_metrics
    from lineage_pipelines.capture.git.state import find_root
    from lineage_pipelines.capture.parameters import effective_parameters
    from lineage_pipelines.capture.probe import probe_rows, take_probe
    from lineage_pipelines.capture.secrets import find_secrets
    from lineage_pipelines.capture.sources.closure import code_digest, source_closure
    from lineage_pipelines.capture.tables.tables import CapturedTable, capture_table, describe_table, read_table
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
    "probe_rows",
    "read_table",
    "source_closure",
    "take_probe",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401, C901  # any public name; a case for each module
    match name:
        case "Blobs" | "Gaps":
            module = import_module("lineage_pipelines.capture.blobs")
        case "code_digest" | "source_closure":
            module = import_module("lineage_pipelines.capture.sources.closure")
        case "capture_code":
            module = import_module("lineage_pipelines.capture.code")
        case "capture_environment":
            module = import_module("lineage_pipelines.capture.environment")
        case "check_metrics":
            module = import_module("lineage_pipelines.capture.evaluation")
        case "find_root":
            module = import_module("lineage_pipelines.capture.git.state")
        case "effective_parameters":
            module = import_module("lineage_pipelines.capture.parameters")
        case "probe_rows" | "take_probe":
            module = import_module("lineage_pipelines.capture.probe")
        case "find_secrets":
            module = import_module("lineage_pipelines.capture.secrets")
        case "CapturedTable" | "capture_table" | "describe_table" | "read_table":
            module = import_module("lineage_pipelines.capture.tables.tables")
        case "TrainedModel":
            module = import_module("lineage_pipelines.capture.trained")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
