"""Chain: the preparation behind a path: every stage run, back to what was tracked, as dvc.lock recorded it.

dvc.lock holds only the latest run of each stage. If an input was produced again after a stage read it, the run
that produced the earlier input is no longer recorded; the chain ends there, with a gap.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lineage_pipelines.datasets.metafiles.directory_listing import Listing, part_md5
from lineage_pipelines.datasets.metafiles.metafile_entries import Recorded
from lineage_pipelines.datasets.metafiles.metafile_reader import LockEntry
from lineage_pipelines.datasets.pipeline.metafile_index import metafile_of
from lineage_pipelines.datasets.pipeline.pipeline_graph import PipelineGraph, Stage, TrackedFile
from lineage_pipelines.datasets.pipeline.tree_scan import tracked_by_git
from lineage_pipelines.records.statement.dataset import SUPERSEDED, StageInput, StageOutput, StageRun
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import DigestSet

_NOT_COMPARED = "could not be compared with what {maker} recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The steps behind a path."""

    runs: tuple[StageRun, ...] = ()
    """Sources first."""
    gaps: tuple[str, ...] = ()
    """What is not known, as `stages.<address>.deps[<path>]: <reason>`."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where one input comes from."""

    name: str
    follow: Stage | None = None
    gap: str | None = None


@dataclass(slots=True)
class _Step:
    stage: Stage
    entry: LockEntry
    origins: Mapping[str, tuple[_Origin, ...]] = field(default_factory=dict)
    """By path of the input; inputs that no node of the project produces are absent."""


class RecordedOutputs(Protocol):
    """What the metafiles record of nodes: those of the work tree, or those of a commit."""

    @property
    def root(self) -> Path:
        """The project's root."""
        ...

    def entry(self, stage: Stage) -> LockEntry | None:
        """Return what dvc.lock records of a stage."""
        ...

    def outs(self, node: Stage | TrackedFile) -> tuple[Recorded, ...]:
        """Return what is recorded of the outputs of a node."""
        ...


class ChainReader:
    """Reads chains of one project.

    Args:
        graph: its graph.
        ledger: reads what is recorded.
        listing: gives the files of a directory by MD5 and hash name; None when the cache does not have it.
    """

    def __init__(
        self, graph: PipelineGraph, ledger: RecordedOutputs, listing: Callable[[str, str], Listing | None]
    ) -> None:
        self._ledger = ledger
        self._listing = listing
        self._nodes = {node.address: node for node in graph.nodes()}
        self._owners = {out.path: node for node in graph.nodes() for out in node.outs}
        self._below: dict[str, list[str]] = {}
        for path in self._owners:
            for folder in _folders(path):
                self._below.setdefault(folder, []).append(path)
        self._outs: dict[str, Mapping[str, Recorded]] = {}

    def read(self, address: str) -> Chain:
        """Return the runs that led to what a node has recorded; nothing for a `.dvc` file.

        Raises:
            DatasetError: a metafile is not valid.
        """
        node = self._nodes[address]
        steps = list(self._steps(node)) if isinstance(node, Stage) else []
        gaps = tuple(
            f"stages.{step.stage.address}.deps[{path}]: {origin.gap}"
            for step in steps
            for path, origins in step.origins.items()
            for origin in origins
            if origin.gap is not None
        )
        loose = {dep.path for step in steps for dep in step.entry.deps if not step.origins[dep.path]}
        known = tracked_by_git(self._ledger.root, {path for path in loose if not is_external(path)})
        return Chain(runs=tuple(_run(step, known) for step in steps), gaps=gaps)

    def _steps(self, start: Stage) -> Iterator[_Step]:
        """Yield each stage after the ones that it read from."""
        seen = {start.address}
        first = self._step(start)
        stack = [(first, iter(_followed(first)))] if first is not None else []
        while stack:
            maker = next(stack[-1][1], None)
            if maker is None:
                yield stack.pop()[0]
            elif maker.address not in seen:
                seen.add(maker.address)
                if (found := self._step(maker)) is not None:
                    stack.append((found, iter(_followed(found))))

    def _step(self, stage: Stage) -> _Step | None:
        entry = self._ledger.entry(stage)
        if entry is None:
            return None
        return _Step(stage, entry, {dep.path: tuple(self._origins(dep)) for dep in entry.deps})

    def _origins(self, dep: Recorded) -> Iterator[_Origin]:
        outer = next((path for path in (dep.path, *_folders(dep.path)) if path in self._owners), None)
        for path in [outer] if outer is not None else sorted(self._below.get(dep.path, ())):
            yield self._origin(dep, path)

    def _origin(self, dep: Recorded, path: str) -> _Origin:
        node = self._owners[path]
        out = self._recorded(node).get(path)
        maker = metafile_of(node)
        follow = node if isinstance(node, Stage) else None
        kind = "stage" if follow else "tracked"
        if out is None:
            return _Origin(f"{SUPERSEDED}{node.address}", gap=f"{maker} records nothing about {path} any more")
        same = self._same(dep, out)
        if same is False:
            read, made = dep.content.md5, out.content.md5
            what = f"it read {path} as {read}, which {node.address!r} has since rewritten ({made} in {maker})"
            return _Origin(f"{SUPERSEDED}{node.address}", gap=what)
        return _Origin(
            f"{kind}:{node.address}", follow, None if same else f"{path} {_NOT_COMPARED.format(maker=node.address)}"
        )

    def _recorded(self, node: Stage | TrackedFile) -> Mapping[str, Recorded]:
        if node.address not in self._outs:
            self._outs[node.address] = {out.path: out for out in self._ledger.outs(node)}
        return self._outs[node.address]

    def _same(self, dep: Recorded, out: Recorded) -> bool | None:
        """Whether an input equals the recorded output; None if that is not known."""
        read, made = dep.content, out.content
        if read.hash_name != made.hash_name or read.md5 is None or made.md5 is None:
            return None
        if dep.path == out.path:
            return read.md5 == made.md5
        whole, part = (out, dep) if dep.path.startswith(f"{out.path}/") else (dep, out)
        listing = self._listing(str(whole.content.md5), whole.content.hash_name)
        if listing is None:
            return None
        return part_md5(dict(listing), posixpath.relpath(part.path, whole.path)) == part.content.md5


def is_external(path: str) -> bool:
    """Whether a placed path lies outside the project."""
    return path.startswith(("../", "/")) or "://" in path


def _folders(path: str) -> Iterator[str]:
    while (path := posixpath.dirname(path)) not in ("", "/"):
        yield path


def _followed(step: _Step) -> list[Stage]:
    makers = {o.follow.address: o.follow for origins in step.origins.values() for o in origins if o.follow is not None}
    return [makers[address] for address in sorted(makers)]


def _run(step: _Step, in_git: frozenset[str]) -> StageRun:
    return StageRun(
        name=step.stage.address,
        command=step.entry.command,
        deps=tuple(
            StageInput(
                path=dep.path,
                digest=DigestSet(md5=dep.content.md5),
                size=dep.content.size,
                files=dep.content.files,
                origin=origin,
                extra=_extra(dep),
            )
            for dep in step.entry.deps
            for origin in [o.name for o in step.origins[dep.path]] or [_loose(dep.path, in_git)]
        ),
        params=dict(step.entry.params),
        outs=tuple(
            StageOutput(
                path=out.path,
                digest=DigestSet(md5=out.content.md5),
                size=out.content.size,
                files=out.content.files,
                extra=_extra(out),
            )
            for out in step.entry.outs
        ),
        lock=step.entry.digest,
    )


def _extra(recorded: Recorded) -> Mapping[str, Json]:
    """Return what a plain MD5 does not say: another hash, or another kind of checksum."""
    hash_name = recorded.content.hash_name
    if recorded.checksum is not None:
        return {hash_name: recorded.checksum}
    return {"hash": hash_name} if hash_name != "md5" else {}


def _loose(path: str, in_git: frozenset[str]) -> str:
    if is_external(path):
        return "external"
    return "git" if path in in_git else "untracked"
