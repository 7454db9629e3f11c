"""Code in a record: the revision, the reachable source files, the installed libraries."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineage_pipelines.records.values.codec import SINCE_2, Value
from lineage_pipelines.records.values.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile(Value):
    """One source file of the project, a blob by its digest."""

    path: str
    """Relative to the repository's root, with forward slashes."""
    sha256: str


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
    """A blob: `git diff --binary` against the revision, untracked files included; None when clean."""
    shallow: bool = False
    source: SourceClosure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder(Value):
    """The library that made the record."""

    name: str
    """Of the distribution: `lineage-pipelines`."""
    version: str
    source: Digest
    """Of its own files, as of a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment(Value):
    """Where the code ran (SLSA internalParameters)."""

    python: str
    """`CPython 3.11.7`."""
    platform: str
    cpu: str
    threads: Mapping[str, int] = field(default_factory=dict)
    """Effective thread counts: `cpus`, and each numerical library's pool by name."""
    packages: Digest
    """A blob: one `name==version` line for each installed distribution, sorted."""
    package_count: int
    lock: Digest | None = None
    """SHA-256 of the lock file; None when the project has none."""
    lock_file: str | None = None
    recorder: Recorder | None = field(default=None, metadata=SINCE_2)
    """None in a record of schema 1."""
    imported: Digest | None = field(default=None, metadata=SINCE_2)
    """A blob: the names in `packages` that the process had imported when training ended, a line each, sorted. None
    where that is not known, as in a record of schema 1."""
