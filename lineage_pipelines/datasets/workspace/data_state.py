"""Data state: data as a record names it, and whether its bytes are still stored."""

from dataclasses import dataclass
from enum import StrEnum

from lineage_pipelines.datasets.content.hashing import MD5


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedData:
    """Data as a record names it."""

    path: str
    """Relative to the DVC root."""
    md5: str
    """DVC's name of it, with `.dir` for a directory."""
    sha256: str | None = None
    """Its SHA-256 when it was read; None if that was not recorded."""
    hash_name: str = MD5
    """`md5`, or `md5-dos2unix` as DVC 2 wrote it."""

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return self.md5.endswith(".dir")


class StoredState(StrEnum):
    """Whether recorded bytes are still stored."""

    EQUAL = "equal"
    ALTERED = "altered"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredData:
    """The state of some data."""

    state: StoredState
    detail: str = ""
    """What is wrong, and what to do about it; empty if it is equal."""
    size: int = 0
    """Bytes that were read."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One file of the data, by DVC's name of it."""

    md5: str
    hash_name: str = MD5


@dataclass(frozen=True, slots=True)
class ObjectState:
    """The state of one object."""

    state: StoredState
    sha256: str = ""
    size: int = 0
    """Bytes."""
    detail: str = ""
    """What is wrong, and what to do about it; empty if it is equal."""
