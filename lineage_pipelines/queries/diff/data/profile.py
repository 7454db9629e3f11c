"""Profiles, read for a comparison: of any version that was ever written, whole or reduced."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.values.canonical import parse_bytes
from lineage_pipelines.records.values.digest import Digest

Blobs = Callable[[Digest], bytes | None]
_NEWEST = 2
_NO_DISTRIBUTION = 3
_NO_NAMES = 5
_SHORT = 6
"""Digits of `content` for each column where they are one text."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a table's content."""

    version: int
    rows: int | None = None
    detail: int = 0
    sampled: int | None = None
    duplicates: int | None = None
    rows_digest: str | None = None
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name; of columns of one name the first."""

    @property
    def seen(self) -> int:
        """How many rows the counts are of."""
        return self.sampled or self.rows or 0


def read_profile(snapshot: DatasetSnapshot, blobs: Blobs) -> tuple[Profile | None, str]:
    """Return the profile of a snapshot, and what it cannot tell, in words."""
    if snapshot.profile is None:
        return None, "no profile was recorded" if snapshot.rows is not None else "it is no table"
    data = blobs(snapshot.profile)
    if data is None:
        return None, "its profile is not in the artifact store"
    try:
        plain = parse_bytes(data)
        version = plain.get("version") if isinstance(plain, dict) else None
        if not isinstance(plain, dict) or version not in range(1, _NEWEST + 1):
            return None, f"its profile is of version {version}, which this release does not read"
        profile = _read(plain, [column.name for column in snapshot.schema])
    except (RecordError, TypeError, ValueError, KeyError, AttributeError):
        return None, "its profile cannot be read"
    return profile, _weakness(profile)


def _read(plain: Mapping[str, Any], names: Sequence[str]) -> Profile:
    detail = int(plain.get("detail", 0))
    listed = plain.get("columns", [])
    columns = (
        _unnamed(listed, names)
        if detail >= _NO_NAMES
        else [_named(column, names, i) for i, column in enumerate(listed)]
    )
    by_name: dict[str, Mapping[str, Any]] = {}
    for column in columns:
        by_name.setdefault(str(column["name"]), column)
    return Profile(
        version=int(plain["version"]),
        rows=int(plain["rows"]),
        detail=detail,
        sampled=plain.get("sampled"),
        duplicates=plain.get("duplicates"),
        rows_digest=plain.get("rows_digest"),
        columns=by_name,
    )


def _named(column: Mapping[str, Any], names: Sequence[str], place: int) -> Mapping[str, Any]:
    """The same column by its whole name: a long one is cut in a profile."""
    return {**column, "name": names[place] if place < len(names) else column["name"]}


def _unnamed(listed: Any, names: Sequence[str]) -> list[Mapping[str, Any]]:  # noqa: ANN401  # any JSON
    if not isinstance(listed, dict):
        return []
    content = str(listed.get("content", ""))
    columns: list[Mapping[str, Any]] = []
    for place, name in enumerate(names):
        facts = {fact: listed[fact][place] for fact in ("nulls", "distinct") if listed[fact][place] is not None}
        short = content[place * _SHORT : (place + 1) * _SHORT]
        columns.append({"name": name, **facts, **({"content": short} if short else {})})
    return columns


def _weakness(profile: Profile) -> str:
    found = []
    if profile.sampled is not None:
        found.append(f"its profile is of {profile.sampled:,} of {profile.rows or 0:,} rows")
    elif profile.version < _NEWEST:
        found.append("its profile is of an older release, which does not tell the same rows in another order")
    elif profile.rows_digest is None:
        found.append("it has nested columns, which are not compared")
    if profile.detail >= _NO_DISTRIBUTION:
        found.append(f"its profile was reduced to fit (detail {profile.detail}): distributions are not compared")
    elif profile.detail:
        found.append(f"its profile was reduced to fit (detail {profile.detail})")
    return "; ".join(found)


def same_content(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool | None:
    """Return whether two columns hold the same values; None when the profiles cannot tell."""
    before, after = first.get("content"), second.get("content")
    if not before or not after:
        return None
    digits = min(len(before), len(after))
    return bool(before[:digits] == after[:digits])
