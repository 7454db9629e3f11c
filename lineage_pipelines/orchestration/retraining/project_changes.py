"""Project changes: what is different in a DVC project now from what a version was made of.

Compared by content with the record, never by events: data that was observed twice, or that a stage made again with the
same bytes, has not changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import owner_of
from lineage_pipelines.datasets.pipeline.pipeline_graph import PipelineGraph, Stage, TrackedFile
from lineage_pipelines.datasets.workspace.workspace_status import snapshots_of
from lineage_pipelines.orchestration.dvc.stage_code_version import read_parameters
from lineage_pipelines.records.statement.dataset import StageInput, StageRun, hash_name
from lineage_pipelines.records.statement.lineage_record import LineageRecord


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is not what the version was made of."""

    path: str
    """The tracked path, the script, or the stage; for parameters the file."""
    now: str
    """What it is now, by digest or value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChanges:
    """What differs, by what it is."""

    data: Sequence[Change] = field(default=())
    code: Sequence[Change] = field(default=())
    """Commands and scripts of stages."""
    parameters: Sequence[Change] = field(default=())
    """Of stages."""


def compare_project(project: DvcProject, inputs: Iterable[str], record: LineageRecord) -> ProjectChanges:
    """Return what has changed behind the inputs of a model since a version of it was trained.

    Args:
        project: the DVC project.
        inputs: paths of the model's inputs.
        record: of the version.

    Raises:
        DatasetError: the project has problems, or an input is not part of it.
    """
    loaded = project.with_loaded_graph()
    paths = list(inputs)
    stages, tracked = _behind(loaded.graph(), paths)
    used = {*paths, *(dep.path for stage in stages for dep in stage.deps)}
    runs = {run.name: run for run in record.stages}
    run_again = [stage for stage in stages if not stage.frozen]
    return ProjectChanges(
        data=tuple(_data(loaded, tracked, used, record)),
        code=tuple(change for stage in run_again for change in _code(loaded, stage, runs.get(stage.address))),
        parameters=tuple(change for stage in run_again for change in _params(loaded, stage, runs.get(stage.address))),
    )


def _behind(graph: PipelineGraph, paths: Iterable[str]) -> tuple[list[Stage], list[TrackedFile]]:
    nodes = {node.address: node for node in graph.nodes()}
    producers: dict[str, list[str]] = {}
    for consumer, producer in graph.edges:
        producers.setdefault(consumer, []).append(producer)
    found: dict[str, Stage | TrackedFile] = {}
    ahead = [owner_of(graph, path)[0].address for path in paths]
    while ahead:
        address = ahead.pop()
        if address not in found:
            node = found[address] = nodes[address]
            # A frozen stage does not run: what is before it changes nothing.
            ahead += [] if isinstance(node, Stage) and node.frozen else producers.get(address, [])
    behind = [found[address] for address in sorted(found)]
    return [each for each in behind if isinstance(each, Stage)], [e for e in behind if isinstance(e, TrackedFile)]


def _data(
    project: DvcProject, tracked: Sequence[TrackedFile], used: Iterable[str], record: LineageRecord
) -> Iterator[Change]:
    before = {source.path: source.digest.md5 for source in record.sources}
    read = {f"{path}/" for path in used}
    for recorded in project.recorded_by({node.file for node in tracked}):
        path, md5 = f"{recorded.path}/", recorded.content.md5
        if before.get(recorded.path) != md5 and any(path.startswith(one) or one.startswith(path) for one in read):
            yield Change(recorded.path, md5 or "")


def _code(project: DvcProject, stage: Stage, run: StageRun | None) -> Iterator[Change]:
    if run is None or run.command != stage.command:
        yield Change(stage.address, stage.command)
    read: Mapping[str, StageInput] = {dep.path: dep for dep in run.deps} if run is not None else {}
    for dep in stage.deps:
        if dep.producers or dep.external:
            continue
        now = _content(project, dep.path, hash_name(read[dep.path]) if dep.path in read else "md5")
        if dep.path not in read or now != read[dep.path].digest.md5:
            yield Change(dep.path, now or "missing")


def _content(project: DvcProject, path: str, hashed_as: str) -> str | None:
    place = project.root / path
    return snapshots_of(project).name(place, hashed_as) if place.exists() else None


def _params(project: DvcProject, stage: Stage, run: StageRun | None) -> Iterator[Change]:
    for params in stage.params:
        now = read_parameters(project.root, params)
        if now is not None and (run is None or run.params.get(params.file) != now):
            yield Change(f"{params.file} ({stage.address})", str(now))
