"""What the author declared of a model, what Dagster knows of a run, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.datasets import DvcProject
from lineage_pipelines.orchestration.gates import Gate
from lineage_pipelines.orchestration.signature import TrainingSignature

if TYPE_CHECKING:
    from lineage_pipelines.records import DagsterRun


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """One input of a model: a path of the DVC project, and what part it plays.

    Write a plain path where the argument's name says it all: `inputs={"train": "data/train.parquet"}`.
    """

    path: str
    """Relative to the DVC root."""
    role: str | None = None
    """`train`, `test`, `validation`, `reference`, …; the argument's name by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefinition:
    """What the author declared of a model."""

    name: str
    asset_key: str
    """Parts joined by `/`."""
    function: Callable[..., object]
    signature: TrainingSignature
    project: DvcProject
    inputs: Mapping[str, ModelInput]
    input_keys: Mapping[str, str]
    """The asset key of each input, parts joined by `/`."""
    gates: Sequence[Gate] = ()
    description: str | None = None
    owners: tuple[str, ...] = ()
    trusted_types: tuple[str, ...] = ()
    extra_sources: tuple[Path, ...] = ()
    """Absolute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What Dagster knows of this run."""

    run: "DagsterRun"
    run_key: str
    """The same for every retry of one logical run (hex SHA-256)."""
    host: str
    user: str | None
