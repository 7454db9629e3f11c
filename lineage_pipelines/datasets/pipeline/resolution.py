"""Resolution: the cold load: every metafile of the project, resolved by DVC, and its dependencies."""

import hashlib
import os
import posixpath
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineage_pipelines.datasets.dvc_api import DvcView, open_project
from lineage_pipelines.datasets.metafiles.path_rules import Location, Locator
from lineage_pipelines.datasets.metafiles.problems import RefusedError, problem, problem_of
from lineage_pipelines.datasets.metafiles.quiet_read import read_quietly
from lineage_pipelines.datasets.metafiles.yaml_reader import Document, YamlError, read_yaml
from lineage_pipelines.datasets.pipeline.node_builder import Draft, Drafter
from lineage_pipelines.datasets.pipeline.output_owners import Node, Relations, relate
from lineage_pipelines.datasets.pipeline.pipeline_file import PipelineFile, misfits
from lineage_pipelines.datasets.pipeline.pipeline_graph import PipelineGraph, Stage, TrackedFile
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.finding import Finding


@dataclass(slots=True)
class Resolution:
    """What a cold load found."""

    graph: PipelineGraph = field(default_factory=PipelineGraph)
    problems: list[Finding] = field(default_factory=list)
    walked: set[str] = field(default_factory=set)
    """The absolute folders that DVC scans."""
    digests: dict[str, str | None] = field(default_factory=dict)
    """SHA-256 of every metafile that was read, by absolute path."""
    pipelines: list[str] = field(default_factory=list)
    """Every dvc.yaml, also those that cannot be read, relative to the DVC root."""
    inputs: set[str] = field(default_factory=set)
    """Absolute paths of the other files that the result depends on, whether they exist or not."""


def resolve(root: Path) -> Resolution:
    """Resolve a project with DVC.

    Args:
        root: the folder that holds `.dvc`.

    Raises:
        DatasetError: DVC cannot open the project at all. Anything else is among the problems.
    """
    with open_project(root) as view:
        return _Resolver(view).run()


class _Resolver:
    def __init__(self, view: DvcView) -> None:
        self._view = view
        self._root = view.root
        self._drafter = Drafter(Locator(view.root, view.schemes, view.remotes), view.ignored_by)
        self._drafts: list[Draft] = []
        self._outs: set[str] = set()
        self._found = Resolution()

    def run(self) -> Resolution:
        found = self._found
        found.inputs.update(self._view.config_files)
        for folder, names in self._view.walk(self._outs.__contains__):
            found.walked.add(folder)
            for name in names:
                self._file(posixpath.relpath(f"{folder}/{name}", self._root))
        relations = relate([self._node(draft) for draft in self._drafts])
        found.problems.extend(relations.problems)
        found.graph = self._graph(relations)
        return found

    def _file(self, file: str) -> None:
        if posixpath.basename(file) == "dvc.yaml":
            self._found.pipelines.append(file)
        try:
            data = read_quietly(Path(self._root, file))
            self._found.digests[f"{self._root}/{file}"] = hashlib.sha256(data).hexdigest()
            document = read_yaml(data, file=file)
        except YamlError as error:
            self._found.problems.append(problem_of(error))
        except DatasetError as error:
            self._found.problems.append(problem(file, 0, error.what, error.fix or "make the file readable"))
        else:
            if posixpath.basename(file) == "dvc.yaml":
                self._pipeline(document)
            else:
                self._tracked(document)

    def _pipeline(self, document: Document) -> None:
        reader = PipelineFile(self._view, self._drafter, document)
        for draft in reader.drafts():
            self._keep(draft)
        self._found.problems.extend(reader.problems)
        self._found.inputs.update(reader.inputs)

    def _tracked(self, document: Document) -> None:
        bad = self._view.invalid_tracked(document.value)
        self._found.problems.extend(misfits(document, bad))
        if not bad:
            try:
                self._keep(self._drafter.tracked(document.file, document.value))
            except RefusedError as error:
                self._found.problems.append(problem(document.file, 1, str(error), "correct the file"))

    def _keep(self, draft: Draft) -> None:
        self._drafts.append(draft)
        for place in draft.outs:
            if place.key is not None and place.key[0] == "":
                self._outs.add("/" + "/".join(place.key[1:]))

    def _node(self, draft: Draft) -> Node:
        node = draft.node
        outs = tuple((place.path, place.key) for place in draft.outs if place.key is not None)
        file = self._drafter.locator.locate(node.file, self._root).key or ()
        return Node(node.address, node.file, node.line, outs, draft.dep_keys, file)

    def _graph(self, relations: Relations) -> PipelineGraph:
        nodes = [_with_producers(draft, relations) for draft in self._drafts]
        cache = os.path.relpath(self._view.cache_dir, self._root)
        return PipelineGraph(
            stages=tuple(node for node in nodes if isinstance(node, Stage)),
            tracked=tuple(node for node in nodes if isinstance(node, TrackedFile)),
            edges=relations.edges,
            cache_dir=self._view.cache_dir if cache.startswith("..") else cache,
            remote=self._view.default_remote,
        )


def _with_producers(draft: Draft, relations: Relations) -> Stage | TrackedFile:
    def producers(place: Location) -> tuple[str, ...]:
        if place.key is None or not draft.linked:
            return ()
        return relations.producers.get((draft.node.address, place.key), ())

    deps = zip(draft.node.deps, draft.deps, strict=True)
    return replace(draft.node, deps=tuple(replace(dep, producers=producers(place)) for dep, place in deps))
