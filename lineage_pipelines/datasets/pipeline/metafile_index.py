"""Index of what dvc.lock and the `.dvc` files record about each path: owner, digest, size; parts of folders too."""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lineage_pipelines.datasets.metafiles.directory_listing import Listing, part_md5
from lineage_pipelines.datasets.metafiles.metafile_entries import Recorded
from lineage_pipelines.datasets.metafiles.metafile_reader import LockEntry, read_lock, read_tracked
from lineage_pipelines.datasets.metafiles.path_rules import Locator
from lineage_pipelines.datasets.pipeline.pipeline_graph import Output, PipelineGraph, Stage, TrackedFile
from lineage_pipelines.datasets.pipeline.tree_scan import digest
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.content import Content


def lock_file(stage_file: str) -> str:
    """Return the dvc.lock beside a dvc.yaml, both relative to the DVC root."""
    return posixpath.join(posixpath.dirname(stage_file), "dvc.lock")


class Ledger:
    """Reads the metafiles of one project; a dvc.lock is parsed again only when its bytes changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._locator = Locator(str(root))
        self._locks: dict[str, tuple[str | None, Mapping[str, LockEntry]]] = {}

    def entry(self, stage: Stage) -> LockEntry | None:
        """Return the entry of a stage in dvc.lock; None if it has not run.

        Raises:
            DatasetError: its dvc.lock is not valid.
        """
        entry = self._lock(lock_file(stage.file)).get(stage.name)
        if entry is None:
            return None
        return replace(
            entry,
            address=stage.address,
            deps=self._placed(entry.deps, stage.wdir),
            params={self._place(file, stage.wdir): values for file, values in entry.params.items()},
            outs=self._placed(entry.outs, stage.wdir),
        )

    def outs(self, node: Stage | TrackedFile) -> tuple[Recorded, ...]:
        """Return the recorded outputs of a node; empty if it has not run.

        Raises:
            DatasetError: its metafile is not valid.
        """
        if isinstance(node, TrackedFile):
            return self._placed(read_tracked(self.root / node.file).outs, node.wdir)
        entry = self.entry(node)
        return entry.outs if entry is not None else ()

    def out(self, node: Stage | TrackedFile, path: str) -> Recorded:
        """Return what is recorded of one output.

        Raises:
            DatasetError: nothing is, or the metafile is not valid.
        """
        found = next((out for out in self.outs(node) if out.path == path), None)
        if found is not None:
            return found
        tracked = isinstance(node, TrackedFile)
        raise DatasetError(
            f"nothing is recorded about {path!r} yet",
            where=metafile_of(node),
            fix=f"record it with `dvc commit {node.file}`" if tracked else f"run the stage: `dvc repro {node.address}`",
        )

    def _lock(self, file: str) -> Mapping[str, LockEntry]:
        path = self.root / file
        if not path.exists():
            return {}
        now = digest(str(path))
        known = self._locks.get(file)
        if known is None or known[0] != now:
            known = (now, read_lock(path))
            self._locks[file] = known
        return known[1]

    def _placed(self, recorded: tuple[Recorded, ...], wdir: str) -> tuple[Recorded, ...]:
        return tuple(replace(item, path=self._place(item.path, wdir)) for item in recorded)

    def _place(self, text: str, wdir: str) -> str:
        return self._locator.locate(text, posixpath.join(str(self.root), wdir)).path


def metafile_of(node: Stage | TrackedFile) -> str:
    """Return the file that records the outputs of a node, relative to the DVC root."""
    return node.file if isinstance(node, TrackedFile) else lock_file(node.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedOutput:
    """What dvc.lock or a `.dvc` file records about a path."""

    path: str
    """The requested path, relative to the DVC root."""
    content: Content
    """Of that path. No MD5: a part of a directory whose listing is not in the cache, or an import that was not
    downloaded. No size: a part of a directory."""
    owner: str
    """Node id: the stage's address or the `.dvc` file."""
    metafile: str
    """The file that records it, relative to the DVC root: `dvc.lock`, `data/raw.dvc`."""
    output: Output
    """The tracked output that holds the path."""
    whole: Recorded
    """The record of that whole output; its path is relative to the DVC root."""
    inside: str | None = None
    """The path inside the tracked directory, if it is a part of one."""


def owner_of(graph: PipelineGraph, path: str) -> tuple[Stage | TrackedFile, Output]:
    """Return the node and the output that a path is or is inside of.

    Raises:
        DatasetError: nothing tracks it; names what comes near.
    """
    owners = graph.owners
    candidate = path
    while candidate:
        if candidate in owners:
            return owners[candidate]
        candidate = posixpath.dirname(candidate)
    below = sorted(out for out in owners if out.startswith(f"{path}/") or path == ".")
    if below:
        raise DatasetError(
            f"{path!r} is not tracked as a whole; it holds {', '.join(below[:5])}", where=path, fix="name one of these"
        )
    from difflib import get_close_matches

    near = get_close_matches(path, owners, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}? Else " if near else ""
    raise DatasetError(
        f"DVC does not track {path!r}",
        where=path,
        fix=f"{hint}track it with `dvc add {path}`, or make it the output of a stage in dvc.yaml",
    )


def part_of(
    whole: RecordedOutput, inside: str, path: str, listing: Callable[[str, str], Listing | None]
) -> RecordedOutput:
    """Return what is recorded about a part of a directory.

    Args:
        whole: the directory.
        inside: the part's place in it.
        path: the part, relative to the DVC root.
        listing: gives the listing of an MD5 and hash name; None when the cache does not have it.

    Raises:
        DatasetError: the directory holds no such part.
    """
    known = whole.content
    if not known.is_dir:
        raise DatasetError(f"{whole.path!r} is one file, so there is no {inside!r} in it", where=whole.metafile)
    entries: Mapping[str, str | None] | None = dict(whole.whole.listing) or None
    if entries is None and known.md5 is not None:
        listed = listing(known.md5, known.hash_name)
        entries = None if listed is None else dict(listed)
    md5, files = (None, None) if entries is None else _find(entries, inside, whole)
    content = Content(md5=md5, hash_name=known.hash_name, files=files, is_dir=files is not None)
    return replace(whole, path=path, content=content, inside=inside)


def _find(entries: Mapping[str, str | None], inside: str, whole: RecordedOutput) -> tuple[str | None, int | None]:
    if inside in entries:
        return entries[inside], None
    if files := sum(path.startswith(f"{inside}/") for path in entries):
        return part_md5(entries, inside), files
    from difflib import get_close_matches

    near = get_close_matches(inside, entries, n=3, cutoff=0.5) or sorted(entries)[:3]
    raise DatasetError(
        f"the recorded {whole.path!r} holds no {inside!r}; it holds {', '.join(near)}" + (", …" if near else ""),
        where=whole.metafile,
        fix=f"name a file in {whole.path}, or record it again with `dvc add` or `dvc commit`",
    )
