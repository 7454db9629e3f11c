"""Inputs of a training run: copied to a private folder, hashed, described, and passed as the function asks."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.gaps import Gaps
from lineage_pipelines.capture.tables.shared_rows import count_shared_rows
from lineage_pipelines.capture.tables.table_capture import capture_frame, capture_table
from lineage_pipelines.datasets.workspace.placement import place
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.orchestration.training.function_signature import InputKind
from lineage_pipelines.orchestration.training.model_definition import ModelDefinition, ModelInput
from lineage_pipelines.orchestration.training.tracked_sources import Described, KnownSources, capture_sources
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, RowOverlap, StageRun, TrackedSource
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    import pandas as pd

MAX_COMPARED = 25_000_000
"""Values of two tables, together, beyond which their rows are not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadInputs:
    """The inputs in their private folder, and their description."""

    paths: Mapping[str, Path]
    """Private, read-only files or folders."""
    snapshots: tuple[DatasetSnapshot, ...]
    frames: "dict[str, pd.DataFrame]"
    """The inputs that training gets as tables; taken out when it is given them."""
    stages: tuple[StageRun, ...]
    """Every preparation step behind them, sources first."""
    sources: tuple[TrackedSource, ...]
    """The tracked files and folders behind them, or that they are."""
    blobs: Mapping[Digest, bytes]
    """Profiles, stored by digest."""
    gaps: Gaps
    """What is missing: tables that could not be read as such, preparation that is no longer recorded."""


def read_inputs(definition: ModelDefinition, folder: Path, known: KnownSources) -> ReadInputs:
    """Place the recorded bytes of every input below `folder` and describe them, and the tracked sources behind them.

    Raises:
        DatasetError: an input is missing, altered, untracked, or differs from what DVC recorded.
        CaptureError: training gets an input as a table, and it is none, or cannot be read.
    """
    project = definition.project.with_loaded_graph()
    paths: dict[str, Path] = {}
    frames: dict[str, pd.DataFrame] = {}
    snapshots: list[DatasetSnapshot] = []
    read: list[Described] = []
    blobs: dict[Digest, bytes] = {}
    gaps: Gaps = ()
    for name, declared in definition.inputs.items():
        placed = place(project, declared.path, folder / name)
        paths[name] = placed.path
        if definition.signature.inputs[name] is InputKind.TABLE:
            frames[name], table = capture_frame(placed.path, name=name)
        else:
            table = capture_table(placed.path, name=name)
        described = Described(placed, table)
        read.append(described)
        large = [described.table.profile, described.folder.listing if described.folder else None]
        blobs |= {Digest.of(blob): blob for blob in large if blob is not None}
        gaps += described.table.gaps
        snapshots.append(_snapshot(definition, name, declared, described))
    found, lacking = _overlaps(snapshots, paths)
    chains = [project.trace(declared.path) for declared in definition.inputs.values()]
    stages = {run.name: run for chain in chains for run in chain.runs}
    gaps += tuple(dict.fromkeys(gap for chain in chains for gap in chain.gaps))
    # No argument of a function has such a name.
    begun = capture_sources(project, read, stages.values(), known=known, into=folder / ".sources")
    return ReadInputs(
        paths=paths,
        frames=frames,
        snapshots=tuple(replace(each, overlaps=tuple(found.get(each.name, ()))) for each in snapshots),
        stages=tuple(stages.values()),
        sources=begun.sources,
        blobs=blobs | begun.blobs,
        gaps=(*gaps, *lacking, *begun.gaps),
    )


def _overlaps(
    snapshots: Sequence[DatasetSnapshot], paths: Mapping[str, Path]
) -> tuple[Mapping[str, Sequence[RowOverlap]], Gaps]:
    """Return by name of each input that is not trained on which of its rows are rows of one that is."""
    found: dict[str, list[RowOverlap]] = {}
    gaps: list[str] = []
    tables = [each for each in snapshots if each.rows is not None]
    for measured, trained in itertools.product(tables, tables):
        if measured.is_trained_on or not trained.is_trained_on:
            continue
        cells = sum((each.rows or 0) * len(each.schema) for each in (measured, trained))
        if cells > MAX_COMPARED:
            what = f"{cells:,} values with {trained.name}, and no more than {MAX_COMPARED:,} are compared"
            gaps.append(f"data.{measured.name}.overlaps: {what}")
            continue
        try:
            shared = count_shared_rows(paths[measured.name], paths[trained.name])
        except CaptureError as error:
            gaps.append(f"data.{measured.name}.overlaps: {error.what}")
            continue
        if shared is not None:
            overlap = RowOverlap(trained=trained.name, rows=shared.rows, columns=shared.columns)
            found.setdefault(measured.name, []).append(overlap)
    return found, tuple(gaps)


def _snapshot(definition: ModelDefinition, name: str, declared: ModelInput, described: Described) -> DatasetSnapshot:
    facts, profile, folder = described.table.facts, described.table.profile, described.folder
    content, owner = described.placed.content, described.placed.recorded.owner
    return DatasetSnapshot(
        name=name,
        role=declared.role or name,
        path=declared.path,
        asset_key=definition.input_keys.get(name),
        digest=content.digest,
        size=content.size,
        files=content.files,
        rows=facts.rows if facts else None,
        schema=facts.columns if facts else (),
        profile=Digest.of(profile) if profile is not None else None,
        produced_by=None if owner.endswith(".dvc") else owner,
        listing=folder.digest if folder else None,
        kinds=folder.kinds if folder else None,
        reading=described.table.reading,
    )


def arguments(definition: ModelDefinition, read: ReadInputs, parameters: object, context: object) -> dict[str, Any]:
    """Return what the training function is called with."""
    signature = definition.signature
    given: dict[str, Any] = {
        name: read.frames.pop(name) if kind is InputKind.TABLE else read.paths[name]
        for name, kind in signature.inputs.items()
    }
    if signature.parameters_name is not None:
        given[signature.parameters_name] = parameters
    if signature.takes_context:
        given["context"] = context
    return given
