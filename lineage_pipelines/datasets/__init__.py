"""The only room that knows DVC: what is tracked, how it was prepared, and the very bytes of it."""

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
