"""Environment in a record: the machine, the installed libraries, and the library that made the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineage_pipelines.records.values.codec import SINCE_2, Value
from lineage_pipelines.records.values.digest import Digest


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
    """Effective thread counts after training: `cpus`, and each numerical library's pool by name."""
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
