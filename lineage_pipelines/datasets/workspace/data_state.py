"""Data as a record names it, and how it was found to stand."""

from dataclasses import dataclass
from enum import StrEnum

from lineage_pipelines.datasets.content.hashing import MD5


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedData:
    """Data as a record names it."""

    path: str
    """Relative to the DVC root."""
    md5: str
    """What DVC calls it, with `.dir` for a directory."""
    sha256: str | None = None
    """What it was when it was read; None when nobody read it."""
    hash_name: str = MD5
    """`md5`, or `md5-dos2unix` as DVC 2 wrote it."""


class StoredState(StrEnum):
    """How recorded data stands."""

    EQUAL = "equal"
    ALTERED = "altered"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredData:
    """What was found of some data."""

    state: StoredState
    words: str = ""
    """What is wrong, and what to do about it."""
    size: int = 0
    """Bytes that were read."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One file of the data, by what DVC calls it."""

    md5: str
    hash_name: str = MD5


@dataclass(frozen=True, slots=True)
class Seen:
    """What one object was found to be."""

    state: StoredState
    sha256: str = ""
    size: int = 0
    words: str = ""
