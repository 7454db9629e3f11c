"""Code in a record: the revision and the reachable source files."""

from dataclasses import dataclass, field

from lineage_pipelines.records.values.codec import SINCE_2, Value
from lineage_pipelines.records.values.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile(Value):
    """One source file of the project, a blob by its digest."""

    path: str
    """Relative to the repository's root, with forward slashes."""
    sha256: str
    """Of the file itself, which is a blob unless there is a masked copy of it."""
    masked: Digest | None = field(default=None, metadata=SINCE_2)
    """A blob: the file with `<masked>` for what looks like a secret; then the file itself is not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceClosure(Value):
    """Every project file that the training function can reach by its imports."""

    entry: str
    """`package.module:function`."""
    files: tuple[SourceFile, ...] = ()
    """Sorted by path."""
    digest: Digest
    """SHA-256 of the sorted `sha256sum` lines of `files`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeVersion(Value):
    """Which code ran (SLSA resolvedDependencies)."""

    repository: str | None = None
    """URL of the remote `origin` without credentials, else the folder's name; None without Git."""
    revision: str | None = None
    """Commit, 40 or 64 hex characters; None without a commit."""
    branch: str | None = None
    """None when HEAD is detached."""
    dirty: bool = False
    """Whether the work tree differed from the revision, untracked files included."""
    patch: Digest | None = None
    """A blob: `git diff --binary` against the revision, with the untracked files of `source`; None when clean."""
    shallow: bool = False
    source: SourceClosure | None = None
    untracked: tuple[SourceFile, ...] = field(default=(), metadata=SINCE_2)
    """Untracked files that training cannot reach, sorted by path; they are no blobs."""
