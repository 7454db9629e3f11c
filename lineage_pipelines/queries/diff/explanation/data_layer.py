"""Data layer: the changes of datasets and of the tracked files that they were made from."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lineage_pipelines.queries.diff.changes import (
    ColumnChange,
    DatasetChange,
    Evidence,
    Kind,
    OverlapChange,
    SchemaChange,
)
from lineage_pipelines.queries.diff.data.periods import Period, find_period
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind, Layer
from lineage_pipelines.records.statement.dataset import TRAINED_ON
from lineage_pipelines.records.values.canonical import Json

_FEW_COLUMNS = 3
_MANY_ALIKE = 3
_OF_SPREAD = 0.1
"""Of a column's spread: by how much gaps move the mean of the values that are left, at most."""
_OTHER_TABLE = 0.8
_NOTABLE_SHARE = 0.005
_HARDLY = 0.01
_COMMON = 0.1
_SCALED = 0.01
"""How near to 0 and 1 the mean and spread, or the ends, of a scaled column are; spread may be that of a sample."""
_MANY_MISSING = 0.3
_TWICE = 2
_ALIKE = 0.01


def data_changes(dataset: DatasetChange) -> Iterator[Change]:
    """Yield what differs in one dataset, each fact once; scores are for data that is trained on."""
    if dataset.kind is Kind.ADDED:
        yield _change(dataset, ChangeKind.INPUT_ADDED, scores.COLUMN_NEW)
    elif dataset.kind is Kind.REMOVED:
        yield _change(dataset, ChangeKind.INPUT_REMOVED, scores.COLUMN_GONE)
    elif dataset.kind is Kind.CHANGED and dataset.same_rows:
        yield _change(dataset, ChangeKind.ORDER_CHANGED, scores.ORDER_ONLY)
    elif dataset.kind is Kind.CHANGED:
        yield from _content(dataset)
    if dataset.origin[0] != dataset.origin[1]:
        before, after = dataset.origin
        yield _change(dataset, ChangeKind.ORIGIN_CHANGED, scores.ORIGIN, before=before, after=after)
    if dataset.role[0] != dataset.role[1] and None not in dataset.role:
        before, after = dataset.role
        yield _change(dataset, ChangeKind.ROLE_CHANGED, scores.COLUMN_GONE, before=before, after=after)


def is_trained_on(dataset: DatasetChange) -> bool:
    """Return whether a dataset is trained on, by its role or its name."""
    return any(role in TRAINED_ON for role in dataset.role) or dataset.name in TRAINED_ON


def overlap_changes(overlap: OverlapChange) -> Iterator[Change]:
    """Yield how many rows were both trained and measured on."""
    (before, after), rows = overlap.shared, overlap.rows[1]
    share = (after or 0) / rows if rows else 0.0
    score = scores.CHECK_FAILS
    if after:
        score = scores.ALL_TRAINED_ON if after == rows else scores.ROWS_SHARED + share
        score = score if share >= _NOTABLE_SHARE and after > (before or 0) else scores.SLIGHTLY_SHIFTED
    yield Change(
        kind=ChangeKind.ROWS_SHARED,
        layer=Layer.DATA,
        subject=overlap.measured,
        before=before,
        after=after,
        score=score,
        evidence=Evidence.PROFILES,
        part=overlap,
    )


def exchanged_inputs(data: Sequence[DatasetChange]) -> Iterator[Change]:
    """Yield pairs of inputs of which each has the content that the other one had."""
    changed = [each for each in data if each.kind is Kind.CHANGED]
    for place, one in enumerate(changed):
        for other in changed[place + 1 :]:
            if None not in one.digest and one.digest == other.digest[::-1]:
                yield _change(one, ChangeKind.INPUTS_EXCHANGED, scores.INPUTS_EXCHANGED, names=(one.name, other.name))


def _change(  # the fields of a change
    dataset: DatasetChange,
    kind: ChangeKind,
    score: float,
    *,
    columns: Sequence[str] = (),
    before: Json = None,
    after: Json = None,
    names: Sequence[str] = (),
    part: "ColumnChange | SchemaChange | None" = None,
) -> Change:
    return Change(
        kind=kind,
        layer=Layer.DATA,
        subject=f"{dataset.name}.{columns[0]}" if len(columns) == 1 else dataset.name,
        score=score,
        before=before,
        after=after,
        evidence=dataset.evidence,
        columns=tuple(columns),
        names=tuple(names),
        dataset=dataset,
        part=part,
    )


def _content(dataset: DatasetChange) -> Iterator[Change]:
    if _is_other_table(dataset):
        yield _change(dataset, ChangeKind.TABLE_REPLACED, scores.TABLE_REPLACED)
        return
    period = find_period(dataset)
    found = [
        *_repeated(dataset),
        *_schema(dataset, period),
        *_columns(dataset, period),
        *_rows(dataset, period),
    ]
    if not any(change.score > scores.ROWS_MORE for change in found):
        found.extend(_rest(dataset))
    yield from found


def _is_other_table(dataset: DatasetChange) -> bool:
    """Whether nearly all columns are others: this is another file under the old name."""
    moved = sum(change.kind in (Kind.ADDED, Kind.REMOVED) for change in dataset.schema)
    both = dataset.shared_columns
    return moved > _MANY_ALIKE and moved >= _OTHER_TABLE * (moved + both)


def _repeated(dataset: DatasetChange) -> Iterator[Change]:
    before, after = dataset.duplicates
    rows = dataset.rows[1]
    if before is not None and after is not None and rows and after != before:
        share = (after - before) / rows
        points = min(abs(share) * 100, 20.0)
        score = scores.DUPLICATES + points if abs(share) >= _NOTABLE_SHARE else scores.SLIGHTLY_SHIFTED
        yield _change(dataset, ChangeKind.ROWS_REPEATED, score, before=before, after=after)
    if dataset.repeated_keys and (after or 0) <= (before or 0):
        yield _change(dataset, ChangeKind.KEY_REPEATED, scores.KEY_REPEATED, columns=dataset.repeated_keys)


def _schema(dataset: DatasetChange, period: Period) -> Iterator[Change]:
    values = {column.column: column for column in dataset.columns}
    for kind, what, score in (
        (Kind.REMOVED, ChangeKind.COLUMNS_REMOVED, scores.COLUMN_GONE),
        (Kind.ADDED, ChangeKind.COLUMNS_ADDED, scores.COLUMN_NEW),
    ):
        columns = [change.column for change in dataset.schema if change.kind is kind]
        if columns:
            part = next(change for change in dataset.schema if change.column == columns[0])
            yield _change(dataset, what, score, columns=columns, part=part)
    for change in dataset.schema:
        if change.renamed_from is not None:
            yield _change(
                dataset,
                ChangeKind.COLUMN_RENAMED,
                scores.COLUMN_RENAMED,
                columns=[change.column],
                before=change.renamed_from,
                after=change.column,
                part=change,
            )
        elif change.kind is Kind.CHANGED:
            types = [column.type if column else None for column in (change.before, change.after)]
            moved = _column_score(values[change.column], dataset, period) if change.column in values else 0.0
            yield _change(
                dataset,
                ChangeKind.COLUMN_RETYPED,
                max(scores.COLUMN_GONE, moved),
                columns=[change.column],
                before=types[0],
                after=types[1],
                part=change,
            )


# Columns


def _columns(dataset: DatasetChange, period: Period) -> Iterator[Change]:
    exchanged = list(find_exchanged(dataset.columns))
    for one, other in exchanged:
        yield _change(dataset, ChangeKind.COLUMNS_EXCHANGED, scores.UNIT, columns=[one.column, other.column], part=one)
    covered = {column.column for pair in exchanged for column in pair} | period.columns | _group_columns(dataset)
    covered |= {change.column for change in dataset.schema if change.kind is Kind.CHANGED and not change.renamed_from}
    for alike in _alike([column for column in dataset.columns if column.column not in covered], dataset):
        first = _in_common(alike)
        before, after = next(iter(first.facts.values()), (None, None))
        score = max(_column_score(column, dataset, period) for column in alike)
        names = [column.column for column in alike]
        yield _change(dataset, ChangeKind.COLUMNS_CHANGED, score, columns=names, before=before, after=after, part=first)


def _group_columns(dataset: DatasetChange) -> frozenset[str]:
    """Columns by whose values rows came or went: nothing else is to be said of them."""
    return frozenset(group.column for group in (dataset.added_group, dataset.removed_group) if group is not None)


def _alike(columns: Sequence[ColumnChange], dataset: DatasetChange) -> Iterator[list[ColumnChange]]:
    """Columns that changed in the same way together, where there are many; the others alone."""
    together: dict[object, list[ColumnChange]] = {}
    for column in columns:
        together.setdefault(_way(column, dataset), []).append(column)
    for way, members in together.items():
        if way is not None and len(members) >= _MANY_ALIKE:
            yield sorted(members, key=lambda column: column.column)
        else:
            yield from ([column] for column in members)


def _in_common(columns: Sequence[ColumnChange]) -> ColumnChange:
    """Return the first column with the facts only that hold for all: one column's mean is not said of the others."""
    first = columns[0]
    if len(columns) == 1 or find_scaling(first):  # of which the figures before differ, and those after are implied
        return first
    facts = {name: pair for name, pair in first.facts.items() if all(each.facts.get(name) == pair for each in columns)}
    return replace(first, facts=facts)


def find_scaling(column: ColumnChange) -> str | None:
    """Return to what a column was scaled that was not before: `standard` (mean 0, spread 1) or `range` (0 to 1)."""
    if column.ratio is None or (column.ratio == 1 and not column.offset):
        return None
    for name, facts in (("standard", {"mean": 0.0, "std": 1.0}), ("range", {"min": 0.0, "max": 1.0})):
        after = [(_number(column, fact, 1), value) for fact, value in facts.items()]
        if all(found is not None and abs(found - value) <= _SCALED for found, value in after):
            return name
    return None


def _way(column: ColumnChange, dataset: DatasetChange) -> object:
    """What several columns can have in common: a scaling, a unit, a gap in as many rows, or only the last digits."""
    if scaling := find_scaling(column):
        return scaling
    if column.ratio is not None and (column.ratio != 1 or column.offset):
        return "map", f"{column.ratio:.6g}", f"{column.offset or 0:.6g}"
    nulls = column.facts.get("nulls")
    if nulls is not None and nulls[0] != nulls[1] and not _has_moved(column):
        return "nulls", nulls
    return "digits" if _in_last_digits(column, dataset) else None


def _has_moved(column: ColumnChange) -> bool:
    """Whether a column's mean moved by more than gaps in some of its rows bring about."""
    spread = max(_number(column, "std", side) or 0.0 for side in (0, 1))
    before, after = (_number(column, "mean", side) for side in (0, 1))
    return before is not None and after is not None and abs(after - before) > _OF_SPREAD * spread


def _in_last_digits(column: ColumnChange, dataset: DatasetChange) -> bool:
    """Whether every recorded figure is the same though the values are not."""
    alike = not column.facts and not column.distance
    return alike and not column.exact and dataset.rows[0] == dataset.rows[1]


def find_exchanged(columns: Sequence[ColumnChange]) -> Iterator[tuple[ColumnChange, ColumnChange]]:
    """Find pairs of columns of which each holds what the other one held."""
    for place, one in enumerate(columns):
        for other in columns[place + 1 :]:
            if one.kind == other.kind and _holds(one, other) and _holds(other, one):
                yield one, other


def _holds(one: ColumnChange, other: ColumnChange) -> bool:
    """Whether a column has the mean, spread and range now that the other one had."""
    pairs = [(one.facts.get(fact), other.facts.get(fact)) for fact in ("mean", "std", "min", "max")]
    return all(new and old and _is_near(new[1], old[0]) for new, old in pairs)


def _is_near(one: Json, other: Json) -> bool:
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return False
    return abs(one - other) <= _ALIKE * max(abs(one), abs(other))


def _column_score(column: ColumnChange, dataset: DatasetChange, period: Period) -> float:
    if column.identifies:
        return scores.IDENTIFIER
    if column.ratio is not None and (column.ratio != 1 or column.offset):
        return scores.UNIT
    if _in_last_digits(column, dataset):
        return scores.LAST_DIGITS
    score = _moved_score(column, dataset)
    if period.explains(column):
        if _is_apart(column, period):
            return max(score, scores.NEW_ROWS_APART)
        score = max(score - scores.SEASON, min(score, scores.SLIGHTLY_SHIFTED))
    return score


def _moved_score(column: ColumnChange, dataset: DatasetChange) -> float:
    score = scores.SLIGHTLY_SHIFTED + column.weight
    if column.weight >= scores.PSI_MIN:
        score = scores.SHIFTED + scores.PSI_WEIGHT * min(column.weight, scores.PSI_MOST)
    share = _share_touched(column)
    if share >= _NOTABLE_SHARE:
        points = min(share * scores.VALUES_POINTS, scores.VALUES_MOST)
        score = max(score, scores.VALUES_GONE + points)
    if column.exchanged:
        score = max(score, scores.UNIT)
    if "format" in column.facts and None not in column.facts["format"]:
        score = max(score, scores.FORMAT)
    if _has_new_hole(column):
        score = max(score, scores.HOLE)
    if _is_one_of_few(column, dataset):
        score = max(score, scores.ONE_COLUMN)
    return score


def _has_new_hole(column: ColumnChange) -> bool:
    before, after = (each if isinstance(each, int | float) else 0 for each in column.facts.get("hole", (0, 0)))
    return after > _TWICE * before


def _share_touched(column: ColumnChange) -> float:
    """The share of rows whose values are gone now, or were not there before."""
    gone = sum(before for value, before, _ in column.values if value in column.vanished)
    new = sum(after for value, _, after in column.values if value in column.appeared)
    return max(gone, new)


def _is_one_of_few(column: ColumnChange, dataset: DatasetChange) -> bool:
    """Whether a column is among the few that differ at all, in as many rows: digests tell, however little it moved."""
    if dataset.rows[0] != dataset.rows[1]:
        return False
    if dataset.differing is not None:
        return len(dataset.differing) <= _FEW_COLUMNS
    return len(dataset.columns) <= _FEW_COLUMNS and column.weight > 0


def _is_apart(column: ColumnChange, period: Period) -> bool:
    """Whether the new rows lie where hardly any row was before: other numbers, one of two values, none, or missing."""
    mean, before, spread = of_new_rows(column, period, "mean"), _number(column, "mean", 0), _number(column, "std", 0)
    if mean is not None and before is not None and spread and abs(mean - before) > scores.APART * spread:
        return True
    nulls, rate = of_new_rows(column, period, "nulls"), of_new_rows(column, period, "rate")
    if nulls is not None and nulls - (_number(column, "nulls", 0) or 0.0) > _MANY_MISSING:
        return True
    if rate is not None and _hardly_any(rate, _number(column, "rate", 0) or 0.0):
        return True
    shares = [(share_of_new_rows(was, now, period), was) for _, was, now in column.values]
    return any(_hardly_any(share, was) for share, was in shares if share is not None)


def _hardly_any(share: float, before: float) -> bool:
    """Whether a share is nothing or all in the new rows, and was neither before."""
    return min(before, 1 - before) >= _COMMON and min(share, 1 - share) <= _HARDLY


def of_new_rows(column: ColumnChange, period: Period, name: str) -> float | None:
    """Return a fact of the rows that are new, where the others are as they were: it follows from both sides.

    Args:
        column: how the column moved.
        period: by how many rows it went on.
        name: `mean`, or the share `nulls` or `rate`.
    """
    before, after = _number(column, name, 0), _number(column, name, 1)
    gaps = (_number(column, "nulls", 1) or 0.0) - (_number(column, "nulls", 0) or 0.0)
    if column.ratio is not None or before is None or after is None or (name != "nulls" and abs(gaps) > _HARDLY):
        return None
    if name == "mean":
        return before + (after - before) / period.new_share if period.new_share else None
    return share_of_new_rows(before, after, period)


def share_of_new_rows(before: float, after: float, period: Period) -> float | None:
    """Return in which share of the rows that are new something is, by its shares of all rows."""
    return round(min(max(before + (after - before) / period.new_share, 0.0), 1.0), 6) if period.new_share else None


def _number(column: ColumnChange, name: str, place: int) -> float | None:
    value = column.facts.get(name, (None, None))[place]
    return float(value) if isinstance(value, int | float) else None


# Rows


def _rows(dataset: DatasetChange, period: Period) -> Iterator[Change]:
    rows = dataset.row_change
    for name in rows.shifted if rows else ():
        part = next((column for column in dataset.columns if column.column == name), None)
        yield _change(dataset, ChangeKind.COLUMNS_CHANGED, scores.UNIT, columns=[name], part=part)
    before, after = dataset.rows
    if before is None or after is None or before == after:
        return
    if after > before:
        score = scores.GOES_ON if period.moved else scores.ROWS_OF_GROUP if dataset.added_group else scores.ROWS_MORE
        yield _change(dataset, ChangeKind.ROWS_ADDED, score, before=before, after=after)
        return
    lost = min((before - after) / before * 100, scores.FEWER_MOST)
    score = scores.ROWS_FEWER + lost
    if dataset.removed_group is not None or period.moved:
        score = max(score, scores.ROWS_OF_GROUP)
    yield _change(dataset, ChangeKind.ROWS_REMOVED, score, before=before, after=after)


def _rest(dataset: DatasetChange) -> Iterator[Change]:
    if dataset.changed_files:
        yield _change(dataset, ChangeKind.FILES_CHANGED, scores.BYTES_ONLY, names=dataset.changed_files)
    elif dataset.evidence is Evidence.DIGESTS:
        yield _change(dataset, ChangeKind.CONTENT_CHANGED, scores.BYTES_ONLY)
    elif dataset.rows[0] == dataset.rows[1] and not dataset.schema:
        if dataset.same_rows is False and dataset.differing == ():
            yield _change(dataset, ChangeKind.ROWS_REARRANGED, scores.ROWS_MOVED_AGAINST_EACH_OTHER)
        elif dataset.columns:
            yield _change(dataset, ChangeKind.ROWS_REPLACED, scores.ROWS_MOVED_AGAINST_EACH_OTHER)
        else:
            yield _change(dataset, ChangeKind.CONTENT_CHANGED, scores.BYTES_ONLY)
