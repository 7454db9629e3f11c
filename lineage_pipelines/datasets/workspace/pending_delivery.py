"""Pending delivery: data files in the workspace that are not what DVC records, or that nothing records yet.

Nothing is changed here. Content is compared, and read only where it has changed since the last look.
"""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import RecordedOutput
from lineage_pipelines.datasets.pipeline.pipeline_graph import PipelineGraph
from lineage_pipelines.datasets.workspace.workspace_status import WorkspaceState, compare, snapshots_of
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.phrase import some_of
from lineage_pipelines.system.git_command import GitError, run_git

_METAFILES = (".gitignore", ".dvcignore", ".dvc", "dvc.yaml", "dvc.lock")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDelivery:
    """What was delivered beside or into one tracked path."""

    path: str
    """The tracked path, or the new file itself where it is to be tracked on its own."""
    files: tuple[str, ...]
    """New, changed and removed files, relative to the DVC root, sorted."""
    targets: tuple[str, ...]
    """What `dvc add` is to be given."""
    state: str
    """The digest of what is there now."""

    @property
    def text(self) -> str:
        """The finding, and what to do about it."""
        count = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}"
        return f"{count} delivered, not `dvc add`ed: {some_of(self.files)}; run dvc add {some_of(self.targets)}"


def find_modified(project: DvcProject, path: str) -> PendingDelivery | None:
    """Return what was delivered into a path that `dvc add` tracks; None where it holds what is recorded.

    A path that is missing is not a delivery: `dvc checkout` brings it back.

    Raises:
        DatasetError: nothing tracks the path, or the data cannot be read.
    """
    recorded = project.recorded(path)
    state, actual = compare(project, recorded)
    if state is not WorkspaceState.MODIFIED or actual is None:
        return None
    files = _differing(project, recorded) or (recorded.path,)
    return PendingDelivery(path=recorded.path, files=files, targets=(recorded.path,), state=actual)


def _differing(project: DvcProject, recorded: RecordedOutput) -> tuple[str, ...]:
    """Return the files of a folder that differ from its listing; nothing where the listing is not here."""
    content, place = recorded.content, project.root / recorded.path
    if not content.is_dir or content.md5 is None or not place.is_dir():
        return ()
    before = dict(project.listing(content.md5, content.hash_name) or ())
    now = dict(snapshots_of(project).listing(place, content.hash_name))
    names = (name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return tuple(sorted(f"{recorded.path}/{name}" for name in names)) if before else ()


def find_new(project: DvcProject, *, patterns: Iterable[str] = ()) -> Mapping[str, PendingDelivery]:
    """Return the new files beside tracked ones: those that neither DVC nor Git has, by their path.

    Args:
        project: the DVC project.
        patterns: globs of paths; all files beside a tracked one where there are none. The project's own folder, which
            holds more than data, counts with patterns only.

    Raises:
        DatasetError: the project has problems, or the data cannot be read.
    """
    graph = project.graph()
    globs = list(patterns)
    folders = {posixpath.dirname(out.path) for node in graph.tracked for out in node.outs}
    places = sorted({_fixed_part(glob) for glob in globs} if globs else folders - {""})
    found: dict[str, PendingDelivery] = {}
    for path in _unknown_to_git(project, places):
        wanted = any(fnmatchcase(path, glob) for glob in globs) if globs else posixpath.dirname(path) in folders
        if wanted and not path.endswith(_METAFILES) and not _is_owned(graph, path):
            state = snapshots_of(project).name(project.root / path)
            found[path] = PendingDelivery(path=path, files=(path,), targets=(path,), state=state)
    return found


def _fixed_part(glob: str) -> str:
    """Return the folder that everything that a glob matches lies in."""
    fixed = glob[: min(glob.find(sign) for sign in "*?[" if sign in glob)] if any(s in glob for s in "*?[") else glob
    return posixpath.dirname(fixed) or "."


def _is_owned(graph: PipelineGraph, path: str) -> bool:
    while path:
        if path in graph.owners:
            return True
        path = posixpath.dirname(path)
    return False


def _unknown_to_git(project: DvcProject, places: Iterable[str]) -> Iterable[str]:
    existing = [place for place in places if (project.root / place).is_dir()]
    if not existing:
        return ()
    command = ["ls-files", "--others", "--exclude-standard", "-z", "--", *existing]
    try:
        output = run_git(project.root, command)
    except GitError as error:
        if str(error) == "no Git repository":
            return ()
        raise DatasetError(f"new files cannot be listed: {error}", where=str(project.root)) from error
    return sorted(name.decode("utf-8", "replace") for name in output.split(b"\0") if name)


def beside(new: Mapping[str, PendingDelivery], graph: PipelineGraph, path: str) -> tuple[PendingDelivery, ...]:
    """Return the new files that are reported at a tracked path: of the paths in a folder, at the last one by name."""
    folder = posixpath.dirname(path)
    neighbours = [out.path for node in graph.tracked for out in node.outs if posixpath.dirname(out.path) == folder]
    if path != max(neighbours, default=""):
        return ()
    return tuple(each for name, each in new.items() if posixpath.dirname(name) == folder)


def combine(deliveries: Iterable[PendingDelivery]) -> PendingDelivery | None:
    """Return several deliveries as one; None where there are none."""
    every = sorted(deliveries, key=lambda each: each.path)
    if not every:
        return None
    return PendingDelivery(
        path=every[0].path,
        files=tuple(sorted({file for each in every for file in each.files})),
        targets=tuple(sorted({target for each in every for target in each.targets})),
        state=" ".join(each.state for each in every),
    )
