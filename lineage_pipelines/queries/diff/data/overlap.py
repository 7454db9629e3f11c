"""Overlap: rows that a model was measured on and trained on: no metric of them says how it does on new ones."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lineage_pipelines.errors import LineageError, RecordError
from lineage_pipelines.queries.diff.changes import OverlapChange
from lineage_pipelines.queries.diff.data.profile import read_profile
from lineage_pipelines.queries.diff.stored_sources import Blobs
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.file_listing import decode_listing
from lineage_pipelines.records.statement.lineage_record import LineageRecord

if TYPE_CHECKING:
    from lineage_pipelines.queries.diff.stored_tables import OpenTable, Tables

_Pair = tuple[DatasetSnapshot, DatasetSnapshot]


def compare_overlaps(
    first: LineageRecord, second: LineageRecord, blobs: Blobs, open_tables: "Tables | None" = None
) -> tuple[OverlapChange, ...]:
    """Return where the rows that were both trained and measured on are not as many as before.

    Records of schema 2 say how many are. Of earlier ones digests tell when all rows are in both; how many are is known
    only when the data is read again.

    Args:
        first: the version on the left.
        second: the version on the right.
        blobs: reads stored profiles; None for what is not there.
        open_tables: finds the data itself (`find_tables`); None to go by what is recorded.
    """
    before, after = dict(_pairs(first)), dict(_pairs(second))
    found = []
    for name in sorted(before.keys() & after.keys()):
        if [each.digest for each in before[name]] == [each.digest for each in after[name]]:
            continue
        files = [_shared_files(*pair, blobs) for pair in (before[name], after[name])]
        if files[0] is not None and files[1] is not None:
            if files[0][0] != files[1][0]:
                shared, rows = zip(*files, strict=True)
                found.append(OverlapChange(measured=name[0], trained=name[1], shared=shared, rows=rows, files=True))
            continue
        counts = [_shared(*pair, blobs, open_tables) for pair in (before[name], after[name])]
        if counts[0] != counts[1]:
            rows = before[name][0].rows, after[name][0].rows
            change = OverlapChange(measured=name[0], trained=name[1], shared=(counts[0], counts[1]), rows=rows)
            found.append(change)
    return tuple(found)


def _pairs(record: LineageRecord) -> Iterator[tuple[tuple[str, str], _Pair]]:
    """What was measured on, with all that was trained on."""
    measured = record.measured_on
    for each in record.data:
        if measured is not None and each.name != measured.name and each.is_trained_on:
            yield (measured.name, each.name), (measured, each)


def _shared(
    measured: DatasetSnapshot, trained: DatasetSnapshot, blobs: Blobs, open_tables: "Tables | None"
) -> int | None:
    recorded = next((each.rows for each in measured.overlaps if each.trained == trained.name), None)
    if recorded is not None:
        return recorded
    if _same_rows(measured, trained, blobs):
        return measured.rows
    if open_tables is None:
        return None
    with open_tables(measured) as one, open_tables(trained) as other:
        if isinstance(one, str) or isinstance(other, str):  # the comparison of each says so already
            return None
        try:
            return _count(one, other)
        except LineageError:
            return None


def _shared_files(measured: DatasetSnapshot, trained: DatasetSnapshot, blobs: Blobs) -> tuple[int, int] | None:
    """How many files of one folder are in the other under any name, and how many there are; None for tables.

    Files that several have alike, such as labels beside pictures, tell nothing.
    """
    if measured.rows is not None or trained.rows is not None:
        return None
    listings = [blobs(each.listing) if each.listing is not None else None for each in (measured, trained)]
    if listings[0] is None or listings[1] is None:
        return None
    try:
        one, other = (Counter(file.md5 for file in decode_listing(each)) for each in listings if each is not None)
    except RecordError:
        return None
    return sum(count == 1 and md5 in other for md5, count in one.items()), one.total()


def _same_rows(measured: DatasetSnapshot, trained: DatasetSnapshot, blobs: Blobs) -> bool:
    if measured.digest.sha256 is not None and measured.digest.sha256 == trained.digest.sha256:
        return True
    if measured.rows is None or measured.rows != trained.rows:
        return False
    one, other = (read_profile(each, blobs)[0] for each in (measured, trained))
    return bool(one and other and one.rows_digest and one.rows_digest == other.rows_digest)


def _count(measured: "OpenTable", trained: "OpenTable") -> int:
    """How many rows of one table are rows of the other, by the columns that both have."""
    import numpy as np

    from lineage_pipelines.queries.diff.rows.row_side import Side, parts_together

    one = Side(measured, {name: name for name in measured.schema.names})
    other = Side(trained, {name: name for name in one.places})
    one.places = {name: place for name, place in one.places.items() if name in other.places}
    if not one.places:
        return 0
    words = one.rows, other.rows
    return sum(int(np.isin(words[0][left], words[1][right]).sum()) for left, right in parts_together(*words))
