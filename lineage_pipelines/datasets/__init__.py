"""The only room that knows DVC: what is tracked, how it was prepared, and the very bytes of it.

No name is imported before it is used: loading a code location needs the graph, a snapshot does without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_pipelines.datasets.content.parallel import spread
    from lineage_pipelines.datasets.content.snapshots import Snapshot, SnapshotCache
    from lineage_pipelines.datasets.metafiles.problems import Problem
    from lineage_pipelines.datasets.metafiles.readers import LockEntry
    from lineage_pipelines.datasets.pipeline.graph import (
        Output,
        ParamsDependency,
        PipelineGraph,
        Stage,
        StageDependency,
        TrackedFile,
    )
    from lineage_pipelines.datasets.pipeline.project import DvcProject
    from lineage_pipelines.datasets.pipeline.recorded import RecordedOutput
    from lineage_pipelines.datasets.running.stage_run import StageOutcome, mend_workspace, run_stage
    from lineage_pipelines.datasets.workspace.observing import TrackedObservation, observe
    from lineage_pipelines.datasets.workspace.placing import Placed, discard, place
    from lineage_pipelines.datasets.workspace.stored import NamedData, StoredData, StoredState, check_stored

__all__ = [
    "DvcProject",
    "LockEntry",
    "NamedData",
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
    "StoredData",
    "StoredState",
    "TrackedFile",
    "TrackedObservation",
    "check_stored",
    "discard",
    "mend_workspace",
    "observe",
    "place",
    "run_stage",
    "spread",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401, C901  # any public name; a case for each module
    match name:
        case "DvcProject":
            module = import_module("lineage_pipelines.datasets.pipeline.project")
        case "Problem":
            module = import_module("lineage_pipelines.datasets.metafiles.problems")
        case "LockEntry":
            module = import_module("lineage_pipelines.datasets.metafiles.readers")
        case "TrackedObservation" | "observe":
            module = import_module("lineage_pipelines.datasets.workspace.observing")
        case "Placed" | "discard" | "place":
            module = import_module("lineage_pipelines.datasets.workspace.placing")
        case "NamedData" | "StoredData" | "StoredState" | "check_stored":
            module = import_module("lineage_pipelines.datasets.workspace.stored")
        case "spread":
            module = import_module("lineage_pipelines.datasets.content.parallel")
        case "RecordedOutput":
            module = import_module("lineage_pipelines.datasets.pipeline.recorded")
        case "StageOutcome" | "mend_workspace" | "run_stage":
            module = import_module("lineage_pipelines.datasets.running.stage_run")
        case "Snapshot" | "SnapshotCache":
            module = import_module("lineage_pipelines.datasets.content.snapshots")
        case "Output" | "ParamsDependency" | "PipelineGraph" | "Stage" | "StageDependency" | "TrackedFile":
            module = import_module("lineage_pipelines.datasets.pipeline.graph")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
