"""Project checks beyond the graph: dvc.lock files, recorded digests, outputs that Git tracks.

Needs no DVC. What DVC itself refuses is fatal; other problems affect only their own paths.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from lineage_pipelines.datasets.metafiles.metafile_reader import lock_problems, parse_tracked
from lineage_pipelines.datasets.metafiles.problems import problem, problem_of
from lineage_pipelines.datasets.metafiles.quiet_read import read_quietly
from lineage_pipelines.datasets.metafiles.yaml_reader import YamlError, read_yaml
from lineage_pipelines.datasets.pipeline.metafile_index import lock_file
from lineage_pipelines.datasets.pipeline.pipeline_graph import PipelineGraph
from lineage_pipelines.datasets.pipeline.tree_scan import tracked_by_git
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.finding import Finding

_OLD = "dvc.lock was written by DVC 1, which DVC 3 refuses"


def lock_files(pipelines: Iterable[str]) -> list[str]:
    """Return every dvc.lock that may lie beside these dvc.yaml, relative to the DVC root."""
    return sorted({lock_file(file) for file in pipelines})


def check_lock(root: Path, file: str) -> Iterator[Finding]:
    """Yield the problems of a dvc.lock, if it exists."""
    path = root / file
    if not path.exists():
        return
    try:
        document = read_yaml(read_quietly(path), file=file)
    except YamlError as error:
        yield problem_of(error)
        return
    except DatasetError as error:
        yield problem(file, 0, error.what, error.fix or "make the file readable")
        return
    if not document.value:
        yield problem(file, 1, "dvc.lock is empty, which DVC refuses", "remove it, or `git checkout` it", fatal=False)
    for refused in lock_problems(document):
        # Only a schema that we do not know is about the whole file, and stops DVC too.
        yield problem_of(refused, fatal=refused.what.startswith("schema:"))
    if isinstance(document.value, dict) and document.value and "schema" not in document.value:
        yield problem(file, 1, _OLD, "remove it and run `dvc repro` or `dvc commit`", fatal=False)


def check_tracked(root: Path, graph: PipelineGraph) -> Iterator[Finding]:
    """Yield the problems of the `.dvc` files."""
    for tracked in graph.tracked:
        try:
            parse_tracked(read_yaml(read_quietly(root / tracked.file), file=tracked.file))
        except YamlError as error:
            yield problem_of(error, fatal=False)
        except DatasetError as error:
            yield problem(tracked.file, 0, error.what, error.fix or "make the file readable", fatal=False)


def check_git(root: Path, graph: PipelineGraph) -> Iterator[Finding]:
    """Yield the outputs that DVC keeps and Git tracks too: DVC refuses them after the command has run."""
    owners = {out.path: node for node in graph.nodes() for out in node.outs if out.cache}
    for path in sorted(tracked_by_git(root, owners)):
        node = owners[path]
        yield problem(
            node.file,
            node.line,
            f"the output {path!r} is tracked by Git",
            f"git rm -r --cached '{path}' && git commit -m 'Stop tracking {path}'",
            fatal=False,
        )
