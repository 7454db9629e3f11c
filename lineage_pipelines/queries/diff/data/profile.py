"""Profiles, read for a comparison: of any version that was ever written, whole or reduced."""

from collections.abc import Callable

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.profile import (
    NO_DISTRIBUTIONS,
    VERSION,
    ColumnProfile,
    Profile,
    ProfileVersionError,
    decode_profile,
)
from lineage_pipelines.records.values.digest import Digest

Blobs = Callable[[Digest], bytes | None]


def read_profile(snapshot: DatasetSnapshot, blobs: Blobs) -> tuple[Profile | None, str]:
    """Return the profile of a snapshot, and what it cannot tell, in words."""
    if snapshot.profile is None:
        return None, "no profile was recorded" if snapshot.rows is not None else "it is not a table"
    data = blobs(snapshot.profile)
    if data is None:
        return None, "its profile is not in the artifact store"
    try:
        profile = decode_profile(data, [column.name for column in snapshot.schema])
    except ProfileVersionError as error:
        return None, f"its {error.what}"
    except RecordError:
        return None, "its profile cannot be read"
    return profile, _weakness(profile)


def _weakness(profile: Profile) -> str:
    found = []
    if profile.sampled is not None:
        found.append(f"its profile is of {profile.sampled:,} of {profile.rows:,} rows")
    elif profile.version < VERSION:
        found.append("its profile is of an older release, which does not tell the same rows in another order")
    elif profile.rows_digest is None:
        found.append("it has nested columns, which are not compared")
    if profile.detail >= NO_DISTRIBUTIONS:
        found.append(f"its profile was reduced to fit (detail {profile.detail}): distributions are not compared")
    elif profile.detail:
        found.append(f"its profile was reduced to fit (detail {profile.detail})")
    return "; ".join(found)


def same_content(first: ColumnProfile, second: ColumnProfile) -> bool | None:
    """Return whether two columns hold the same values; None when the profiles cannot tell."""
    before, after = first.content, second.content
    if not before or not after:
        return None
    digits = min(len(before), len(after))
    return before[:digits] == after[:digits]
