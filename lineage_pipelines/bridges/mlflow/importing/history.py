"""What DVC recorded at commits of the past, read from the project's Git repository; nothing is checked out."""

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage_pipelines.capture.git.process import GitError, run_git
from lineage_pipelines.datasets import DvcProject
from lineage_pipelines.datasets.metafiles.yaml_reader import Document, read_yaml
from lineage_pipelines.errors import DatasetError

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


class History:
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
            output = run_git(root, ["cat-file", "--batch"], stdin="".join(f"{each}\n" for each in new).encode())
            self._parsed.update((name, _parse(data)) for name, data in zip(new, _contents(output), strict=True))
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


def _contents(output: bytes) -> Sequence[bytes]:
    """Return the contents in the output of `cat-file --batch`."""
    found, at = [], 0
    while at < len(output):
        end = output.index(b"\n", at)
        size = int(output[at:end].split()[2])
        found.append(output[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found


def _parse(data: bytes) -> Document | None:
    try:
        return read_yaml(data, file="a metafile of the past")
    except DatasetError:
        return None


def working_folder(pipeline: Document | None, stage: str) -> str:
    """Return the folder that a stage's paths start from, relative to its dvc.yaml, as far as it is written out."""
    value: Any = pipeline.value if pipeline is not None else {}
    stages = value.get("stages") if isinstance(value, dict) else None
    said = stages.get(stage, stages.get(stage.partition("@")[0])) if isinstance(stages, dict) else None
    inner = said.get("do", said) if isinstance(said, dict) else None
    wdir = inner.get("wdir") if isinstance(inner, dict) else None
    return wdir if isinstance(wdir, str) and "${" not in wdir else "."
