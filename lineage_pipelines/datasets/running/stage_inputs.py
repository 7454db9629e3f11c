"""Whether what a stage is about to read is what DVC recorded: else its chain back to the sources would be broken."""

from lineage_pipelines.datasets.pipeline.graph import Stage
from lineage_pipelines.datasets.pipeline.project import DvcProject
from lineage_pipelines.datasets.workspace.observing import WorkspaceState, compare, refuse_difference
from lineage_pipelines.errors import DatasetError


def check_inputs(project: DvcProject, stage: Stage) -> None:
    """Return when every tracked dependency of a stage is as it is recorded.

    `dvc repro --single-item` would read whatever lies there, and record that.

    Raises:
        DatasetError: a dependency that a `.dvc` file or another stage makes is missing, was never recorded, or
            differs; both digests are named.
    """
    nodes = {node.address: node for node in project.graph().nodes()}
    for dependency in stage.deps:
        for producer in dependency.producers:
            for output in nodes[producer].outs:
                path = _inner(dependency.path, output.path)
                if path is not None:
                    _check(project, stage, path)


def _inner(one: str, other: str) -> str | None:
    """Return the path that lies in the other, or None when neither does."""
    if one == other or one.startswith(f"{other}/"):
        return one
    return other if other.startswith(f"{one}/") else None


def _check(project: DvcProject, stage: Stage, path: str) -> None:
    recorded = project.recorded(path)
    if recorded.md5 is None:
        recorded = project.recorded(recorded.output.path)
    if recorded.md5 is None:
        return  # an import that is recorded by its source only: DVC downloads it
    state, actual = compare(project, recorded)
    if state is WorkspaceState.MODIFIED:
        raise refuse_difference(recorded, actual, root=project.root)
    if state is WorkspaceState.MISSING:
        raise DatasetError(
            f"stage {stage.address!r} reads {path!r}, which is missing",
            where=str(project.root / path),
            fix=f"restore it: `dvc checkout {recorded.output.path}` (or `dvc pull {recorded.output.path}`)",
        )
