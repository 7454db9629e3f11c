"""DVC data at a past commit, read from the project's Git repository without a checkout."""

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lineage_pipelines.datasets.metafiles.directory_listing import part_md5
from lineage_pipelines.datasets.metafiles.metafile_entries import Recorded
from lineage_pipelines.datasets.metafiles.metafile_reader import LockEntry, parse_lock, parse_tracked
from lineage_pipelines.datasets.metafiles.path_rules import Locator
from lineage_pipelines.datasets.metafiles.yaml_reader import Document, read_yaml
from lineage_pipelines.datasets.pipeline.chain import Chain, ChainReader
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.pipeline_graph import Output, PipelineGraph, Stage, TrackedFile
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.system.git_command import GitError, read_blobs, run_git

_COMMIT = frozenset("0123456789abcdef")
_LENGTHS = (40, 64)
_KEPT = 64
"""Commits that are remembered: versions that follow each other often share one."""


def is_revision(text: str | None) -> bool:
    """Say whether a text is a commit's whole name."""
    return text is not None and len(text) in _LENGTHS and _COMMIT.issuperset(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metafiles:
    """The files of one commit in which DVC says what data is, parsed, by their path from the DVC root."""

    tracked: Mapping[str, Document] = field(default_factory=dict)
    """The `.dvc` files."""
    locks: Mapping[str, Document] = field(default_factory=dict)
    pipelines: Mapping[str, Document] = field(default_factory=dict)
    problem: str = ""
    """Which of them could not be read."""


class CommitHistory:
    """The metafiles of a project's commits.

    Args:
        project_dir: a folder of the project; without DVC or Git, every question has the reason for its answer.
    """

    def __init__(self, project_dir: Path) -> None:
        self.project: DvcProject | None = None
        self.why_not = ""
        try:
            self.project = DvcProject(project_dir)
        except DatasetError:
            self.why_not = "this is no DVC project"
        self._known: dict[str, bool] = {}
        self._commits: dict[str, Metafiles] = {}
        self._parsed: dict[str, Document | None] = {}

    def look_up(self, revisions: Collection[str]) -> None:
        """Ask Git once which of these commits it has."""
        new = sorted({each for each in revisions if is_revision(each)} - self._known.keys())
        if self.project is None or not new:
            return
        try:
            asked = "".join(f"{each}^{{commit}}\n" for each in new).encode()
            answers = run_git(self.project.root, ["cat-file", "--batch-check"], stdin=asked).decode().splitlines()
        except GitError as error:
            self.why_not = str(error)
            return
        pairs = zip(new, answers, strict=True)
        self._known.update((each, answer.split()[1:2] == ["commit"]) for each, answer in pairs)

    def at(self, revision: str | None) -> Metafiles | str:
        """Return what a commit has, or why that is not known."""
        if self.project is None:
            return self.why_not
        if revision is None or not is_revision(revision):
            return "the run names no commit"
        self.look_up([revision])
        if self.why_not:
            return self.why_not
        if not self._known[revision]:
            return f"this repository has no commit {revision[:12]}"
        if revision not in self._commits:
            if len(self._commits) >= _KEPT:
                self._commits.clear()
            try:
                self._commits[revision] = self._read(self.project.root, revision)
            except GitError as error:
                return str(error)
        return self._commits[revision]

    def _read(self, root: Path, revision: str) -> Metafiles:
        listed = dict(_metafiles(run_git(root, ["ls-tree", "-r", "-z", revision])))
        new = sorted(set(listed.values()) - self._parsed.keys())
        if new:
            self._parsed.update((name, _parse(data)) for name, data in zip(new, read_blobs(root, new), strict=True))
        found = {path: self._parsed[name] for path, name in listed.items()}
        odd = [path for path, document in found.items() if document is None]
        known = {path: document for path, document in found.items() if document is not None}
        return Metafiles(
            tracked={path: known[path] for path in known if path.endswith(".dvc")},
            locks={path: known[path] for path in known if posixpath.basename(path) == "dvc.lock"},
            pipelines={path: known[path] for path in known if posixpath.basename(path) == "dvc.yaml"},
            problem=f"{odd[0]} at {revision[:12]} cannot be read" if odd else "",
        )


def _metafiles(listed: bytes) -> Iterator[tuple[str, str]]:
    """Yield path and object of each metafile in the output of `ls-tree -z`."""
    for line in listed.split(b"\0"):
        about, _, raw = line.partition(b"\t")
        parts = about.split()
        path = raw.decode("utf-8", "replace")
        name = posixpath.basename(path)
        if parts[1:2] == [b"blob"] and (name in ("dvc.lock", "dvc.yaml") or (name.endswith(".dvc") and name != ".dvc")):
            yield path, parts[2].decode()


def _parse(data: bytes | None) -> Document | None:
    if data is None:
        return None
    try:
        return read_yaml(data, file="a metafile of the past")
    except DatasetError:
        return None


def working_folder(pipeline: Document | None, stage: str) -> str:
    """Return the folder that a stage's paths start from, relative to its dvc.yaml, as far as it is written out."""
    value: Any = pipeline.value if pipeline is not None else {}
    stages = value.get("stages") if isinstance(value, dict) else None
    entry = stages.get(stage, stages.get(stage.partition("@")[0])) if isinstance(stages, dict) else None
    inner = entry.get("do", entry) if isinstance(entry, dict) else None
    wdir = inner.get("wdir") if isinstance(inner, dict) else None
    return wdir if isinstance(wdir, str) and "${" not in wdir else "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The recorded content of a path at a commit."""

    path: str
    md5: str
    hash_name: str
    size: int
    files: int
    maker: str
    """The address of the stage, or the `.dvc` file."""
    chain: Chain


class CommitData:
    """What was recorded at one commit.

    Args:
        project: where the directory listings are.
        metafiles: the commit's.
    """

    def __init__(self, project: DvcProject, metafiles: Metafiles) -> None:
        self._project = project
        self._locator = Locator(str(project.root))
        self._metafiles = _CommitRecord(project.root)
        self._owners: dict[str, Stage | TrackedFile] = {}
        self._urls: dict[str, str] = {}
        self.problem = metafiles.problem
        tracked, stages = tuple(self._tracked(metafiles)), tuple(self._stages(metafiles))
        self._owners.update((out.path, node) for node in tracked for out in node.outs)
        self._owners.update((out.path, node) for node in stages for out in node.outs)
        self._chains = ChainReader(
            PipelineGraph(stages=stages, tracked=tracked),
            self._metafiles,
            self._listing,
        )

    # Reading

    def _tracked(self, metafiles: Metafiles) -> Iterator[TrackedFile]:
        for file, document in metafiles.tracked.items():
            try:
                entry = parse_tracked(document)
            except DatasetError as error:
                self.problem = self.problem or f"{file}: {error.what}"
                continue
            folder = posixpath.normpath(posixpath.join(posixpath.dirname(file), entry.wdir))
            outs = self._placed(entry.outs, folder)
            self._metafiles.tracked_outs[file] = outs
            self._urls.update((dep.path, out.path) for dep in entry.deps for out in outs[:1] if "://" in dep.path)
            yield TrackedFile(file=file, wdir=folder, outs=tuple(Output(path=out.path) for out in outs))

    def _stages(self, metafiles: Metafiles) -> Iterator[Stage]:
        for file, document in metafiles.locks.items():
            folder = posixpath.dirname(file)
            yaml = posixpath.join(folder, "dvc.yaml")
            for name, entry in self._entries(file, document):
                wdir = posixpath.normpath(posixpath.join(folder, working_folder(metafiles.pipelines.get(yaml), name)))
                address = name if not folder else f"{yaml}:{name}"
                placed = replace(
                    entry,
                    address=address,
                    deps=self._placed(entry.deps, wdir),
                    params={self._place(at, wdir): values for at, values in entry.params.items()},
                    outs=self._placed(entry.outs, wdir),
                )
                self._metafiles.entries[address] = placed
                outs = tuple(Output(path=out.path) for out in placed.outs)
                yield Stage(address=address, name=name, file=yaml, line=1, wdir=wdir, outs=outs)

    def _entries(self, file: str, document: Document) -> Iterator[tuple[str, LockEntry]]:
        try:
            yield from parse_lock(document).items()
        except DatasetError as error:
            self.problem = self.problem or f"{file}: {error.what}"

    def _placed(self, recorded: tuple[Recorded, ...], wdir: str) -> tuple[Recorded, ...]:
        return tuple(replace(item, path=self._place(item.path, wdir)) for item in recorded)

    def _place(self, text: str, wdir: str) -> str:
        try:
            return self._locator.locate(text, posixpath.join(str(self._project.root), wdir)).path
        except DatasetError:  # a remote that this project does not have
            return text

    def _listing(self, md5: str, hash_name: str) -> "tuple[tuple[str, str], ...] | None":
        try:
            return self._project.listing(md5, hash_name)
        except DatasetError:
            return None

    # Asking

    def find(self, path: str) -> Found | None:
        """Return what was recorded of a path or URL; None when nothing was, or not all of it.

        Args:
            path: relative to the DVC root, or a URL.
        """
        owner, inside = self._owner(self._urls.get(path, path))
        if owner is None:
            return None
        node, whole = owner
        known = whole.content
        md5, size, files = (known.md5, known.size, known.files) if not inside else self._part(whole, inside)
        if md5 is not None and size is None and not md5.endswith(".dir"):
            size = self._stored_size(md5, known.hash_name)
        if md5 is None or size is None:
            return None
        return Found(
            path=posixpath.join(whole.path, inside) if inside else whole.path,
            md5=md5,
            hash_name=known.hash_name,
            size=size,
            files=files or 1,
            maker=node.address,
            chain=self._chain(node),
        )

    def _owner(self, path: str) -> tuple[tuple[Stage | TrackedFile, Recorded] | None, str]:
        outer = path
        while outer and outer not in self._owners:
            outer = posixpath.dirname(outer) if "://" not in outer and outer != "/" else ""
        if not outer:
            return None, ""
        node = self._owners[outer]
        whole = next(out for out in self._metafiles.outs(node) if out.path == outer)
        return (node, whole), posixpath.relpath(path, outer) if path != outer else ""

    def _part(self, whole: Recorded, inside: str) -> tuple[str | None, int | None, int | None]:
        known = whole.content
        entries = dict(whole.listing) or dict(self._listing(str(known.md5), known.hash_name) or ())
        md5 = part_md5(entries, inside) if known.md5 else None
        return md5, None, 1

    def _stored_size(self, md5: str, hash_name: str) -> int | None:
        try:
            return self._project.object_path(md5, hash_name).stat().st_size
        except (OSError, DatasetError):
            return None

    def _chain(self, node: Stage | TrackedFile) -> Chain:
        try:
            return self._chains.read(node.address)
        except DatasetError as error:
            return Chain(gaps=(f"stages.{node.address}: {error.what}",))


class _CommitRecord:
    """What the metafiles of a commit record, in place of those of the work tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.entries: dict[str, LockEntry] = {}
        self.tracked_outs: dict[str, tuple[Recorded, ...]] = {}

    def entry(self, stage: Stage) -> LockEntry | None:
        """Return what that commit's dvc.lock records of a stage."""
        return self.entries.get(stage.address)

    def outs(self, node: Stage | TrackedFile) -> tuple[Recorded, ...]:
        """Return what was recorded of the outputs of a node."""
        if isinstance(node, TrackedFile):
            return self.tracked_outs.get(node.file, ())
        entry = self.entry(node)
        return entry.outs if entry is not None else ()
