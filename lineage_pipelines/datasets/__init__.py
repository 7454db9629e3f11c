"""The only room that knows DVC: what is tracked, how it was prepared, and the very bytes of it.

No name is imported before it is used: loading a code location needs the graph, a snapshot does without it.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
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

_HOMES: Mapping[tuple[str, ...], Callable[[], ModuleType]] = {
    ("DvcProject",): lambda: import_module("lineage_pipelines.datasets.pipeline.project"),
    ("Problem",): lambda: import_module("lineage_pipelines.datasets.metafiles.problems"),
    ("LockEntry",): lambda: import_module("lineage_pipelines.datasets.metafiles.readers"),
    ("TrackedObservation", "observe"): lambda: import_module("lineage_pipelines.datasets.workspace.observing"),
    ("Pinned", "Pinning", "Pushed"): lambda: import_module("lineage_pipelines.datasets.workspace.pinning"),
    ("Placed", "discard", "place"): lambda: import_module("lineage_pipelines.datasets.workspace.placing"),
    ("NamedData", "StoredData", "StoredState"): lambda: import_module(
        "lineage_pipelines.datasets.workspace.stored_values"
    ),
    ("check_stored",): lambda: import_module("lineage_pipelines.datasets.workspace.stored"),
    ("provision",): lambda: import_module("lineage_pipelines.datasets.workspace.provision"),
    ("use_cache", "write_recorded"): lambda: import_module("lineage_pipelines.datasets.workspace.recorded_state"),
    ("spread",): lambda: import_module("lineage_pipelines.datasets.content.parallel"),
    ("RecordedOutput",): lambda: import_module("lineage_pipelines.datasets.pipeline.recorded"),
    ("StageOutcome", "mend_workspace", "run_stage"): lambda: import_module(
        "lineage_pipelines.datasets.running.stage_run"
    ),
    ("Snapshot", "SnapshotCache"): lambda: import_module("lineage_pipelines.datasets.content.snapshots"),
    ("Output", "ParamsDependency", "PipelineGraph", "Stage", "StageDependency", "TrackedFile"): lambda: import_module(
        "lineage_pipelines.datasets.pipeline.graph"
    ),
}
"""Which module has which names; each is written out, so that the source closure of training code can follow it."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    for names, load in _HOMES.items():
        if name in names:
            return getattr(load(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
