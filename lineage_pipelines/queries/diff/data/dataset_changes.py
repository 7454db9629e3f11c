"""Dataset changes: datasets compared by digest, then from recorded profiles, then, on request, row by row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lineage_pipelines.errors import LineageError
from lineage_pipelines.queries.diff.changes import DatasetChange, Evidence, Kind
from lineage_pipelines.queries.diff.data.profile import Blobs, read_profile
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.profile import Profile

if TYPE_CHECKING:
    from lineage_pipelines.queries.diff.rows.row_change import RowChange
    from lineage_pipelines.queries.diff.stored_tables import Tables

Listings = Callable[[DatasetSnapshot], Mapping[str, str] | None]
"""MD5 of each file of a directory, by relative path; None when they are not known."""


def compare_datasets(
    first: LineageRecord,
    second: LineageRecord,
    blobs: Blobs,
    open_tables: "Tables | None" = None,
    *,
    listings: Listings | None = None,
    keys: Mapping[str, Sequence[str]] | None = None,
) -> tuple[DatasetChange, ...]:
    """Return what became of each dataset of two records, each once.

    Args:
        first: the record on the left.
        second: the record on the right.
        blobs: reads stored profiles; None for what is not there.
        open_tables: finds the data itself, to compare row by row (`find_tables`).
        listings: returns the files of a directory (`find_listings`).
        keys: by dataset, the columns that identify its rows; found where they are not given.
    """
    ways = _Ways(blobs, open_tables, listings, keys or {})
    changes = []
    for before, after in _pairs(first.data, second.data):
        if before is None or after is None:
            changes.append(_recorded_change(Kind.REMOVED if after is None else Kind.ADDED, before, after))
        elif _same_bytes(before, after):
            changes.append(_recorded_change(Kind.IDENTICAL, before, after))
        else:
            changes.append(_Comparison(before, after, ways).change())
    return tuple(changes)


def _pairs(
    first: tuple[DatasetSnapshot, ...], second: tuple[DatasetSnapshot, ...]
) -> Iterator[tuple[DatasetSnapshot | None, DatasetSnapshot | None]]:
    """Pair inputs by name, the rest by path; in the order of the second record, what went last."""
    paired: dict[int, DatasetSnapshot] = {}
    used: set[int] = set()
    for key in ("name", "path"):
        left = {getattr(one, key): one for one in reversed(first) if id(one) not in used}
        for after in second:
            before = left.get(getattr(after, key))
            if id(after) in paired or before is None or id(before) in used:
                continue
            paired[id(after)] = before
            used.add(id(before))
    yield from ((paired.get(id(after)), after) for after in second)
    yield from ((before, None) for before in first if id(before) not in used)


def _same_bytes(before: DatasetSnapshot, after: DatasetSnapshot) -> bool:
    if before is after:  # of one version, whatever is recorded of it
        return True
    for algorithm in ("sha256", "md5"):
        one, other = getattr(before.digest, algorithm), getattr(after.digest, algorithm)
        if one is not None and other is not None:
            return bool(one == other)
    return False


def _recorded_change(kind: Kind, before: DatasetSnapshot | None, after: DatasetSnapshot | None) -> DatasetChange:
    """What the records themselves say."""
    known = after or before
    return DatasetChange(
        name=known.name if known else "",
        kind=kind,
        path=known.path if known else "",
        role=(before.role if before else None, after.role if after else None),
        digest=(_digest(before), _digest(after)),
        rows=(before.rows if before else None, after.rows if after else None),
        files=(before.files if before else None, after.files if after else None),
    )


def _digest(snapshot: DatasetSnapshot | None) -> str | None:
    return (snapshot.digest.sha256 or snapshot.digest.md5) if snapshot is not None else None


@dataclass(frozen=True, slots=True)
class _Ways:
    """By which ways more can be known."""

    blobs: Blobs
    open_tables: "Tables | None"
    listings: Listings | None
    keys: Mapping[str, Sequence[str]]


class _Comparison:
    """Two snapshots of one dataset with other bytes."""

    def __init__(self, before: DatasetSnapshot, after: DatasetSnapshot, ways: _Ways) -> None:
        self.sides = before, after
        self.ways = ways
        read = [read_profile(one, ways.blobs) for one in self.sides]
        self.profiles = read[0][0], read[1][0]
        self.weaker = [_who(read[0][1], read[1][1])]

    def change(self) -> DatasetChange:
        """Compare them by all that is known."""
        from lineage_pipelines.queries.diff.data.column_changes import compare_schemas

        before, after = self.sides
        schema, names = compare_schemas(before.schema, after.schema, self.profiles)
        change = replace(self._from_profiles(names), schema=schema, changed_files=self._files())
        rows = self._rows(names)
        if rows is not None:
            change = replace(change, row_change=rows, evidence=Evidence.DATA)
        return replace(change, weaker="; ".join(words for words in self.weaker if words))

    def _from_profiles(self, names: Mapping[str, str]) -> DatasetChange:
        from lineage_pipelines.queries.diff.data.column_changes import compare_columns

        change = _recorded_change(Kind.CHANGED, *self.sides)
        before, after = self.profiles
        if before is None or after is None:
            return change
        return replace(
            change,
            evidence=Evidence.PROFILES,
            rows=(before.rows, after.rows),
            duplicates=(before.duplicates, after.duplicates),
            columns=compare_columns(before, after, names),
            same_rows=_same_rows(before, after),
        )

    def _files(self) -> tuple[str, ...]:
        if self.ways.listings is None or not all((one.digest.md5 or "").endswith(".dir") for one in self.sides):
            return ()
        before, after = (self.ways.listings(one) for one in self.sides)
        if before is None or after is None:
            self.weaker.append("the listing of its files is not in DVC's cache")
            return ()
        marks = [(path, "~" if path in before else "+") for path, md5 in after.items() if before.get(path) != md5]
        gone = [(path, "-") for path in before if path not in after]
        return tuple(f"{mark} {path}" for path, mark in sorted([*marks, *gone]))

    def _rows(self, names: Mapping[str, str]) -> "RowChange | None":
        if self.ways.open_tables is None or not names:
            return None
        from lineage_pipelines.queries.diff.rows.row_changes import compare_rows

        before, after = self.sides
        with self.ways.open_tables(before) as first, self.ways.open_tables(after) as second:
            if isinstance(first, str) or isinstance(second, str):
                words = [found if isinstance(found, str) else "" for found in (first, second)]
                self.weaker.append(f"rows were not compared: {_who(*words)}")
                return None
            try:
                return compare_rows(first, second, names, key=self.ways.keys.get(after.name, ()))
            except LineageError as error:
                self.weaker.append(f"rows were not compared: {error.what}")
                return None


def _same_rows(before: Profile, after: Profile) -> bool | None:
    if before.rows_digest is None or after.rows_digest is None:
        return None
    return before.rows_digest == after.rows_digest and before.rows == after.rows


def _who(first: str, second: str) -> str:
    """Say what is not known of which side."""
    if first == second:
        return first.replace("its profile is", "the profiles are", 1) if first else ""
    return "; ".join(f"{side}: {words}" for side, words in (("before", first), ("after", second)) if words)
