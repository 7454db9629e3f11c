"""The only room that knows DVC: what is tracked, how it was prepared, and the very bytes of it.

No name is imported before it is used: loading a code location needs the graph, a snapshot does without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_pipelines.datasets.graph import (
        Output,
        ParamsDependency,
        PipelineGraph,
        Stage,
        StageDependency,
        TrackedFile,
    )
    from lineage_pipelines.datasets.metafiles import LockEntry
    from lineage_pipelines.datasets.observing import TrackedObservation, observe
    from lineage_pipelines.datasets.placing import Placed, discard, place
    from lineage_pipelines.datasets.problems import Problem
    from lineage_pipelines.datasets.project import DvcProject
    from lineage_pipelines.datasets.recorded import RecordedOutput
    from lineage_pipelines.datasets.running import StageOutcome, mend_workspace, run_stage
    from lineage_pipelines.datasets.snapshots import Snapshot, SnapshotCache

__all__ = [
    "DvcProject",
    "LockEntry",
    "Output",
    "ParamsDependency",
    "PipelineGraph",
    "Placed",
    "Problem",
    "RecordedOutput",
    "Snapshot",
    "SnapshotCache",
    "Stage",
    "StageDependency",
    "StageOutcome",
    "TrackedFile",
    "TrackedObservation",
    "discard",
    "mend_workspace",
    "observe",
    "place",
    "run_stage",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401, C901  # any public name; a case for each module
    match name:
        case "DvcProject":
            module = import_module("lineage_pipelines.datasets.project")
        case "Problem":
            module = import_module("lineage_pipelines.datasets.problems")
        case "LockEntry":
            module = import_module("lineage_pipelines.datasets.metafiles")
        case "TrackedObservation" | "observe":
            module = import_module("lineage_pipelines.datasets.observing")
        case "Placed" | "discard" | "place":
            module = import_module("lineage_pipelines.datasets.placing")
        case "RecordedOutput":
            module = import_module("lineage_pipelines.datasets.recorded")
        case "StageOutcome" | "mend_workspace" | "run_stage":
            module = import_module("lineage_pipelines.datasets.running")
        case "Snapshot" | "SnapshotCache":
            module = import_module("lineage_pipelines.datasets.snapshots")
        case "Output" | "ParamsDependency" | "PipelineGraph" | "Stage" | "StageDependency" | "TrackedFile":
            module = import_module("lineage_pipelines.datasets.graph")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
