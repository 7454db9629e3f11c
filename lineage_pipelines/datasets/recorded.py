"""What DVC recorded about a path: its owner, its digest, its size; for a file inside a tracked directory too."""

from dataclasses import dataclass

from lineage_pipelines.datasets.graph import Output
from lineage_pipelines.datasets.metafiles import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedOutput:
    """What dvc.lock or a `.dvc` file says about a path."""

    path: str
    """The path that was asked for, relative to the DVC root."""
    md5: str | None
    """Of that path: 32 hex, with `.dir` for a directory. None: inside a directory whose listing is not in the cache."""
    hash_name: str
    """`md5`, or `md5-dos2unix` as DVC 2 wrote it."""
    size: int | None
    files: int | None
    is_dir: bool
    owner: str
    """Node id: the stage's address or the `.dvc` file."""
    metafile: str
    """The file that says so, relative to the DVC root: `dvc.lock`, `data/raw.dvc`."""
    output: Output
    """The tracked output that holds the path."""
    whole: Recorded
    """What is recorded of that output as a whole."""
    inside: str | None = None
    """The path's place in the tracked directory, when it is a part of one."""
