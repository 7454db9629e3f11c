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
    from lineage_pipelines.datasets.workspace.pinning import Pinned, Pinning, Pushed
    from lineage_pipelines.datasets.workspace.placing import Placed, discard, place
    from lineage_pipelines.datasets.workspace.provision import provision
    from lineage_pipelines.datasets.workspace.recorded_state import use_cache, write_recorded
    from lineage_pipelines.datasets.workspace.stored import check_stored
    from lineage_pipelines.datasets.workspace.stored_values import NamedData, StoredData, StoredState

__all__ = [
    "DvcProject",
    "LockEntry",
    "NamedData",
    "Output",
    "ParamsDependency",
    "Pinned",
    "Pinning",
    "PipelineGraph",
    "Placed",
    "Problem",
    "Pushed",
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
    "provision",
    "run_stage",
    "spread",
    "use_cache",
    "write_recorded",
]

_HOMES = {
    "pipeline.project": ("DvcProject",),
    "metafiles.problems": ("Problem",),
    "metafiles.readers": ("LockEntry",),
    "workspace.observing": ("TrackedObservation", "observe"),
    "workspace.pinning": ("Pinned", "Pinning", "Pushed"),
    "workspace.placing": ("Placed", "discard", "place"),
    "workspace.stored_values": ("NamedData", "StoredData", "StoredState"),
    "workspace.stored": ("check_stored",),
    "workspace.provision": ("provision",),
    "workspace.recorded_state": ("use_cache", "write_recorded"),
    "content.parallel": ("spread",),
    "pipeline.recorded": ("RecordedOutput",),
    "running.stage_run": ("StageOutcome", "mend_workspace", "run_stage"),
    "content.snapshots": ("Snapshot", "SnapshotCache"),
    "pipeline.graph": ("Output", "ParamsDependency", "PipelineGraph", "Stage", "StageDependency", "TrackedFile"),
}
"""Which module has which of the names."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
