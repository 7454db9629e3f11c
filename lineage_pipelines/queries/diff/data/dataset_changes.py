"""Dataset changes: datasets compared by digest, then from recorded profiles, then, on request, row by row."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from lineage_pipelines.errors import LineageError, RecordError
from lineage_pipelines.queries.diff.changes import DatasetChange, Evidence, Kind
from lineage_pipelines.queries.diff.data.file_changes import compare_files
from lineage_pipelines.queries.diff.data.profile import Blobs, read_profile
from lineage_pipelines.records.statement.dataset import Column, DatasetSnapshot
from lineage_pipelines.records.statement.file_listing import ListedFile, decode_listing
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.profile import Profile
from lineage_pipelines.records.values.digest import DigestSet

if TYPE_CHECKING:
    from lineage_pipelines.queries.diff.rows.row_change import RowChange
    from lineage_pipelines.queries.diff.stored_tables import OpenTable, Tables

Listings = Callable[[DatasetSnapshot], Mapping[str, str] | None]
"""MD5 of each file of a directory, by relative path; None when they are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """By which ways more can be known of data than its digest."""

    blobs: Blobs
    """Reads stored profiles; None for what is not there."""
    open_tables: "Tables | None" = None
    """Finds the data itself, to compare row by row (`find_tables`)."""
    listings: Listings | None = None
    """Returns the files of a directory (`find_listings`)."""
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By dataset, the columns that identify its rows; found where they are not given."""
    automatic: bool = False
    """Whether rows are compared of tables of up to `CELLS_AUTOMATIC` cells only."""


class HasInputs(Protocol):
    """A record, or its summary."""

    @property
    def data(self) -> Sequence[DatasetSnapshot]:
        """The inputs of a version."""


def compare_datasets(first: HasInputs, second: HasInputs, ways: Ways) -> tuple[DatasetChange, ...]:
    """Return what became of each dataset of two versions, each once.

    Args:
        first: the record on the left, or its summary.
        second: the record on the right, or its summary.
        ways: by which ways more can be known.
    """
    if first == second:  # one version is equal to itself, even where a digest is not known
        return tuple(_recorded_change(Kind.IDENTICAL, each, each) for each in first.data)
    return tuple(_compare(before, after, ways) for before, after in _pairs(first.data, second.data))


def compare_sources(first: LineageRecord, second: LineageRecord, ways: Ways) -> tuple[DatasetChange, ...]:
    """Return the tracked files and folders that steps read and that differ, where they are no inputs themselves."""
    inputs = {each.path for record in (first, second) for each in record.data}
    if first == second:
        return ()
    before, after = ({source.path: source for source in _sources(record)} for record in (first, second))
    return tuple(
        replace(change, name=path)
        for path in sorted(before.keys() & after.keys() - inputs)
        if (change := _compare(before[path], after[path], ways)).kind is not Kind.IDENTICAL
    )


def _sources(record: LineageRecord) -> Iterator[DatasetSnapshot]:
    """What the preparation begins with, as snapshots; of a record of schema 1 what its steps read of tracked files."""
    for source in record.sources:
        yield replace(
            _source(source.path, source.digest, source.size, source.files),
            rows=source.rows,
            schema=source.schema,
            profile=source.profile,
            listing=source.listing,
        )
    if record.sources:
        return
    for stage in record.stages:
        for dep in stage.deps:
            if dep.is_tracked:
                yield _source(dep.path, dep.digest, dep.size, dep.files)


def _source(path: str, digest: DigestSet, size: int | None, files: int | None) -> DatasetSnapshot:
    return DatasetSnapshot(name=path, role="source", path=path, digest=digest, size=size or 0, files=files or 1)


def _compare(before: DatasetSnapshot | None, after: DatasetSnapshot | None, ways: Ways) -> DatasetChange:
    if before is None or after is None:
        return _recorded_change(Kind.REMOVED if after is None else Kind.ADDED, before, after)
    if _same_bytes(before, after):
        return _recorded_change(Kind.IDENTICAL, before, after)
    return _Comparison(before, after, ways).change()


def _pairs(
    first: Sequence[DatasetSnapshot], second: Sequence[DatasetSnapshot]
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
    if before is after:  # of one version, as in a mix of two
        return True
    known = before.digest.md5 or before.digest.sha256
    if before.digest == after.digest and (known or before.role == "source"):
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
        prepared=known is not None and known.produced_by is not None,
    )


def _digest(snapshot: DatasetSnapshot | None) -> str | None:
    return (snapshot.digest.sha256 or snapshot.digest.md5) if snapshot is not None else None


class _Comparison:
    """Two snapshots of one dataset with other bytes."""

    def __init__(self, before: DatasetSnapshot, after: DatasetSnapshot, ways: Ways) -> None:
        self.sides = before, after
        self.ways = ways
        read = [read_profile(one, ways.blobs) for one in self.sides]
        self.profiles = read[0][0], read[1][0]
        self.schemas: tuple[Sequence[Column], Sequence[Column]] = before.schema, after.schema
        self.weaker = [_who(read[0][1], read[1][1])]

    def change(self) -> DatasetChange:
        """Compare them by all that is known."""
        from lineage_pipelines.queries.diff.data.column_changes import compare_schemas

        before, after = self.sides
        schema, names = compare_schemas(before.schema, after.schema, self.profiles)
        change = replace(
            self._from_profiles(names),
            schema=schema,
            **self._files(),
            shared_columns=len(names),
            reordered=_is_reordered(before.schema, after.schema, names),
        )
        rows = self._rows(names)
        if rows is not None:
            if not names:
                schema, names = compare_schemas(*self.schemas, self.profiles)
            reordered = _is_reordered(*self.schemas, names)
            change = replace(
                change,
                schema=schema,
                reordered=reordered,
                shared_columns=len(names),
                row_change=rows,
                evidence=Evidence.DATA,
            )
        return replace(change, weaker="; ".join(words for words in self.weaker if words))

    def _from_profiles(self, names: Mapping[str, str]) -> DatasetChange:
        from lineage_pipelines.queries.diff.data.column_changes import compare_columns
        from lineage_pipelines.queries.diff.data.profile_changes import (
            differing_columns,
            moved_group,
            repeated_keys,
        )

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
            differing=differing_columns(before, after, names),
            repeated_keys=repeated_keys(before, after, names),
            added_group=moved_group(before, after, names),
            removed_group=moved_group(after, before, {was: name for name, was in names.items()}),
        )

    def _files(self) -> Mapping[str, Any]:
        """The facts about the files of a folder that differ."""
        if not all(one.listing or (one.digest.md5 or "").endswith(".dir") for one in self.sides):
            return {}
        before, after = (self._listing(one) for one in self.sides)
        if before is None or after is None:
            self.weaker.append("the listing of its files is neither recorded nor in DVC's cache")
            return {}
        return compare_files(before, after)

    def _listing(self, snapshot: DatasetSnapshot) -> Mapping[str, ListedFile] | None:
        stored = self.ways.blobs(snapshot.listing) if snapshot.listing is not None else None
        if stored is not None:
            with contextlib.suppress(RecordError):
                return {file.path: file for file in decode_listing(stored)}
        found = self.ways.listings(snapshot) if self.ways.listings is not None else None
        return None if found is None else {path: ListedFile(path, md5) for path, md5 in found.items()}

    def _rows(self, names: Mapping[str, str]) -> "RowChange | None":
        if self.ways.open_tables is None:
            return None
        from lineage_pipelines.queries.diff.rows.row_changes import CELLS_AUTOMATIC, compare_rows

        before, after = self.sides
        if self.ways.automatic and (cells := sum(map(_cells, self.sides))) > CELLS_AUTOMATIC:
            self.weaker.append(f"rows were not compared: about {cells:,} cells (--rows compares them)")
            return None
        with self.ways.open_tables(before) as first, self.ways.open_tables(after) as second:
            if isinstance(first, str) or isinstance(second, str):
                words = [found if isinstance(found, str) else "" for found in (first, second)]
                self.weaker.append(f"rows were not compared: {_who(*words)}")
                return None
            if not before.schema and not after.schema:
                self.schemas = _columns_of(first), _columns_of(second)
            both = names or {name: name for name in second.schema.names if name in first.schema.names}
            if not both:
                return None
            try:
                return compare_rows(first, second, both, key=self.ways.keys.get(after.name, ()))
            except LineageError as error:
                self.weaker.append(f"rows were not compared: {error.what}")
                return None


def _columns_of(table: "OpenTable") -> tuple[Column, ...]:
    return tuple(Column(name=field.name, type=str(field.type)) for field in table.schema)


_BYTES_A_CELL = 4


def _cells(snapshot: DatasetSnapshot) -> int:
    """How many cells a table has; of one whose shape is not recorded, an estimate from its size."""
    if snapshot.rows is not None:
        return snapshot.rows * len(snapshot.schema)
    return snapshot.size // _BYTES_A_CELL


def _is_reordered(before: Sequence[Column], after: Sequence[Column], names: Mapping[str, str]) -> bool:
    """Whether the columns that are in both stand in another order."""
    old = {column.name: place for place, column in enumerate(before)}
    places = [old[names[column.name]] for column in after if names.get(column.name) in old]
    return places != sorted(places)


def _same_rows(before: Profile, after: Profile) -> bool | None:
    if before.rows_digest is None or after.rows_digest is None:
        return None
    return before.rows_digest == after.rows_digest and before.rows == after.rows


def _who(first: str, second: str) -> str:
    """Say what is not known of which side."""
    if first == second:
        return first.replace("its profile is", "the profiles are", 1) if first else ""
    return "; ".join(f"{side}: {words}" for side, words in (("before", first), ("after", second)) if words)
