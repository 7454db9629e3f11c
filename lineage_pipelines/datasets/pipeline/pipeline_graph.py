"""Pipeline graph of a DVC project, resolved, as plain values: stages, tracked files, and their dependencies.

Built in resolution.py from the results of DVC's own resolver, and cached by graph_cache.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from lineage_pipelines.records.values.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A path that a stage or a `.dvc` file owns (DVC's output)."""

    path: str
    """Relative to the DVC root, with forward slashes; a URL when it lies outside."""
    kind: str = "out"
    """`out`, `metric` or `plot`."""
    cache: bool = True
    """False: DVC keeps no copy, so Git should."""
    persist: bool = False
    """True: it is not removed before the stage runs, so it depends on its own past."""
    push: bool = True
    remote: str | None = None
    desc: str | None = None
    meta: Mapping[str, Json] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDependency:
    """A path that a stage reads."""

    path: str
    """Relative to the DVC root, with forward slashes; a URL or an absolute path when it lies outside."""
    external: bool = False
    """Whether it lies outside the project."""
    producers: tuple[str, ...] = ()
    """Ids of the nodes that produce it, a part of it, or the directory that it is in. Empty for a plain file."""

    @property
    def producer(self) -> str | None:
        """The node that produces it; the first one if a directory has several."""
        return self.producers[0] if self.producers else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamsDependency:
    """Parameters that a stage reads from a file."""

    file: str
    """Relative to the DVC root."""
    keys: tuple[str, ...] = ()
    """Dotted names; empty for the whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a dvc.yaml, after templating."""

    address: str
    """The node's id as `dvc dag` prints it in the DVC root: `clean`, `sub/dvc.yaml:train@a`."""
    name: str
    file: str
    """The dvc.yaml, relative to the DVC root."""
    line: int
    """Of its definition, 1-based."""
    wdir: str = "."
    """The folder its command runs in, relative to the DVC root."""
    command: str = ""
    """Several commands are joined by new lines."""
    deps: tuple[StageDependency, ...] = ()
    params: tuple[ParamsDependency, ...] = ()
    outs: tuple[Output, ...] = ()
    frozen: bool = False
    always_changed: bool = False
    desc: str | None = None
    meta: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFile:
    """One `.dvc` file."""

    file: str
    """Relative to the DVC root; also the node's id."""
    line: int = 1
    wdir: str = "."
    outs: tuple[Output, ...] = ()
    deps: tuple[StageDependency, ...] = ()
    """Where an import comes from."""
    frozen: bool = False
    desc: str | None = None
    meta: Mapping[str, Json] = field(default_factory=dict)
    source: str = "add"
    """`add`, `import` or `import-url`."""
    url: str | None = None
    """What was imported: the repository's or the file's URL."""
    revision: str | None = None
    """The commit that was imported."""

    @property
    def address(self) -> str:
        """The node's id."""
        return self.file


@dataclass(frozen=True, kw_only=True)
class PipelineGraph:
    """Everything that `dvc dag` shows, in the order of the files and of the stages in them."""

    stages: tuple[Stage, ...] = ()
    tracked: tuple[TrackedFile, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    """(consumer, producer) by node id, sorted."""
    cache_dir: str = ".dvc/cache"
    """Where DVC keeps objects; relative to the DVC root when inside it, else absolute."""
    remote: str | None = None
    """The name of the default remote."""

    def nodes(self) -> Iterator[Stage | TrackedFile]:
        """Yield every node."""
        yield from self.tracked
        yield from self.stages

    @cached_property
    def owners(self) -> Mapping[str, tuple[Stage | TrackedFile, Output]]:
        """The node that owns each output, with the output, by its path."""
        return {out.path: (node, out) for node in self.nodes() for out in node.outs}

    def stage(self, address: str) -> Stage | None:
        """Return the stage with this address."""
        return next((stage for stage in self.stages if stage.address == address), None)

    def generated(self) -> Iterator[str]:
        """Yield the files in which data is recorded, outside DVC's cache: what DVC writes and what stages write.

        `.dvc` files, lock files, the `.gitignore` beside what is tracked, and outputs of stages that Git keeps.
        """
        yield from (node.file for node in self.tracked)
        for file in dict.fromkeys(stage.file for stage in self.stages):
            yield str(PurePosixPath(file).with_name("dvc.lock"))
        outputs = [output for node in self.nodes() for output in node.outs]
        yield from dict.fromkeys(str(PurePosixPath(output.path).with_name(".gitignore")) for output in outputs)
        for stage in self.stages:
            yield from (output.path for output in stage.outs if not output.cache)
