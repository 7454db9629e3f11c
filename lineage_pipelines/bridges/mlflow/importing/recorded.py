"""The data of a commit as DVC recorded it: found by path, with the preparation behind it."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lineage_pipelines.bridges.mlflow.importing.history import Metafiles, working_folder
from lineage_pipelines.datasets import DvcProject, LockEntry, Output, PipelineGraph, Stage, TrackedFile
from lineage_pipelines.datasets.metafiles.listings import part_md5
from lineage_pipelines.datasets.metafiles.places import Locator
from lineage_pipelines.datasets.metafiles.readers import Recorded, parse_lock, parse_tracked
from lineage_pipelines.datasets.metafiles.yaml_reader import Document
from lineage_pipelines.datasets.pipeline.chain import Chain, ChainReader
from lineage_pipelines.datasets.pipeline.ledger import Ledger
from lineage_pipelines.errors import DatasetError


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


class RecordedAt:
    """What was recorded at one commit.

    Args:
        project: where the directory listings are.
        metafiles: the commit's.
    """

    def __init__(self, project: DvcProject, metafiles: Metafiles) -> None:
        self._project = project
        self._locator = Locator(str(project.root))
        self._ledger = _PastLedger(project.root)
        self._owners: dict[str, Stage | TrackedFile] = {}
        self._urls: dict[str, str] = {}
        self.problem = metafiles.problem
        tracked, stages = tuple(self._tracked(metafiles)), tuple(self._stages(metafiles))
        self._owners.update((out.path, node) for node in tracked for out in node.outs)
        self._owners.update((out.path, node) for node in stages for out in node.outs)
        self._chains = ChainReader(
            PipelineGraph(stages=stages, tracked=tracked),
            self._ledger,
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
            self._ledger.past_outs[file] = outs
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
                self._ledger.past_entries[address] = placed
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
        md5, size, files = (whole.md5, whole.size, whole.files) if not inside else self._part(whole, inside)
        if md5 is not None and size is None and not md5.endswith(".dir"):
            size = self._stored_size(md5, whole.hash_name)
        if md5 is None or size is None:
            return None
        return Found(
            path=posixpath.join(whole.path, inside) if inside else whole.path,
            md5=md5,
            hash_name=whole.hash_name,
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
        whole = next(out for out in self._ledger.outs(node) if out.path == outer)
        return (node, whole), posixpath.relpath(path, outer) if path != outer else ""

    def _part(self, whole: Recorded, inside: str) -> tuple[str | None, int | None, int | None]:
        entries = dict(whole.listing) or dict(self._listing(str(whole.md5), whole.hash_name) or ())
        md5 = part_md5(entries, inside) if whole.md5 else None
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


class _PastLedger(Ledger):
    """What the metafiles of a commit say, in place of those of the work tree."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.past_entries: dict[str, LockEntry] = {}
        self.past_outs: dict[str, tuple[Recorded, ...]] = {}

    def entry(self, stage: Stage) -> LockEntry | None:
        """Return what that commit's dvc.lock said of a stage."""
        return self.past_entries.get(stage.address)

    def outs(self, node: Stage | TrackedFile) -> tuple[Recorded, ...]:
        """Return what was recorded of the outputs of a node."""
        if isinstance(node, TrackedFile):
            return self.past_outs.get(node.file, ())
        entry = self.entry(node)
        return entry.outs if entry is not None else ()
