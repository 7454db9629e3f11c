"""What DVC recorded about a path: its owner, its digest, its size; for a part of a tracked directory too."""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lineage_pipelines.datasets.metafiles.listings import Listing, part_md5
from lineage_pipelines.datasets.metafiles.readers import Recorded
from lineage_pipelines.datasets.pipeline.graph import Output, PipelineGraph, Stage, TrackedFile
from lineage_pipelines.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedOutput:
    """What dvc.lock or a `.dvc` file says about a path."""

    path: str
    """The path that was asked for, relative to the DVC root."""
    md5: str | None
    """Of that path: 32 hex, with `.dir` for a directory. None: a part of a directory whose listing is not in the
    cache, or an import that was not downloaded."""
    hash_name: str
    """`md5`, or `md5-dos2unix` as DVC 2 wrote it."""
    size: int | None
    """Bytes; None for a part of a directory."""
    files: int | None
    is_dir: bool
    owner: str
    """Node id: the stage's address or the `.dvc` file."""
    metafile: str
    """The file that says so, relative to the DVC root: `dvc.lock`, `data/raw.dvc`."""
    output: Output
    """The tracked output that holds the path."""
    whole: Recorded
    """What is recorded of that output as a whole; its path is relative to the DVC root."""
    inside: str | None = None
    """The path's place in the tracked directory, when it is a part of one."""


def owner_of(graph: PipelineGraph, path: str) -> tuple[Stage | TrackedFile, Output]:
    """Return the node and the output that a path is, or lies in.

    Raises:
        DatasetError: nothing tracks it; names what comes near.
    """
    owners = {out.path: (node, out) for node in graph.nodes() for out in node.outs}
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
    if not whole.is_dir:
        raise DatasetError(f"{whole.path!r} is one file, so there is no {inside!r} in it", where=whole.metafile)
    entries: Mapping[str, str | None] | None = dict(whole.whole.listing) or None
    if entries is None and whole.md5 is not None:
        known = listing(whole.md5, whole.hash_name)
        entries = None if known is None else dict(known)
    md5, files = (None, None) if entries is None else _find(entries, inside, whole)
    is_dir = files is not None
    return RecordedOutput(
        path=path,
        md5=md5,
        hash_name=whole.hash_name,
        size=None,
        files=files,
        is_dir=is_dir,
        owner=whole.owner,
        metafile=whole.metafile,
        output=whole.output,
        whole=whole.whole,
        inside=inside,
    )


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
