"""Data text: what a change of a dataset says: columns, cells, rows, files."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from lineage_pipelines.queries.diff.changes import ColumnChange, DatasetChange, Evidence, OverlapChange
from lineage_pipelines.queries.diff.data.periods import Period, Span, find_period
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind
from lineage_pipelines.queries.diff.explanation.data_layer import find_scaling, of_new_rows, share_of_new_rows
from lineage_pipelines.queries.diff.rows.row_change import CellChange, EffectKind, GroupKind
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count, some_of
from lineage_pipelines.reports.cell_text import effect_words, group_words, held_words
from lineage_pipelines.reports.formatting import (
    amount,
    later,
    moment,
    percent,
    quoted,
    scaled,
    span,
    value_of_column,
)

_FACTS = ("format", "hole", "nulls", "infinite", "empty", "rate", "mean", "min", "max", "std", "distinct")
_FACT_NAMES: Mapping[str, str] = {
    "nulls": "missing",
    "hole": "longest time without a row",
    "infinite": "infinite",
    "empty": "empty",
    "std": "spread",
    "distinct": "different values",
    "mean_bytes": "mean length",
}
_SHARES = ("nulls", "rate", "empty", "infinite")
_SCALINGS = {"standard": "standardized now: mean 0, spread 1", "range": "scaled to the range from 0 to 1 now"}
_OF_NEW_ROWS = ("mean", "nulls", "rate")
_MAX_FACTS = 2
_MAX_VALUES = 3
_MAX_NAMES = 3
_HARDLY = 0.01
_LITTLE = 0.05
_NOTHING = 1e-6


# Columns


def _columns(change: Change) -> str:
    """The values of one column, or of several alike: what was done to its cells, where that is known."""
    dataset, column = change.dataset, change.part
    if dataset is None:
        return f"{change.subject} differs"
    named = f"{dataset.name}: {_named(change.columns)}"
    scaling = find_scaling(column) if isinstance(column, ColumnChange) else None
    if scaling is not None:
        return f"{named} {'is' if len(change.columns) == 1 else 'are'} {_SCALINGS[scaling]}"
    for name in change.columns[:1]:
        shift = dataset.row_change.shifted.get(name) if dataset.row_change else None
        if shift:
            return f"{named} moved along the rows by {count(abs(shift), 'row')}{held_words(shift)}"
        cells = [cell for cell in dataset.row_change.cells if name in cell.columns] if dataset.row_change else []
        if cells:
            own = [
                replace(cell, columns=tuple(each for each in cell.columns if each in change.columns)) for cell in cells
            ]
            return f"{dataset.name}: {'; '.join(_cell(cell, dataset) for cell in own[:2])}"
    if not isinstance(column, ColumnChange):
        return f"{named} changed"
    period = find_period(dataset)
    words = column_words(column, period, several=len(change.columns) > 1)
    only = dataset.differing is not None and set(dataset.differing) == set(change.columns)
    alone = "; no other column differs" if only and dataset.rows[0] == dataset.rows[1] else ""
    through = _through_rows(change, dataset)
    return f"{named}{'' if words.startswith(':') else ' '}{words}{alone}{through}"


def _named(columns: Sequence[str]) -> str:
    if len(columns) <= _MAX_NAMES:
        return ", ".join(columns)
    return f"{len(columns):,} columns ({min(columns)} … {max(columns)})"


def _through_rows(change: Change, dataset: DatasetChange) -> str:
    """Say that no row that is in both has another value: the column moved by the rows that came or went."""
    rows = dataset.row_change
    if rows is None or not (rows.added or rows.removed) or not rows.key:
        return ""
    if any(name in rows.columns for name in change.columns):
        return ""
    which = "new" if not rows.removed else "gone" if not rows.added else "new or gone"
    return f" (only by the rows that are {which})"


def _cell(cell: CellChange, dataset: DatasetChange) -> str:
    rows = dataset.row_change
    in_both = (rows.same + rows.changed) if rows else 0
    words = effect_words(cell.effect, several=len(cell.columns) > 1)
    what = f"{_named(cell.columns)}{'' if words.startswith(':') else ' '}{words}"
    if cell.rows == in_both:
        return f"{what} in all {in_both:,} rows"
    of = f"{cell.rows:,} of {count(in_both, 'row')}"
    return f"{what} in {of}{group_words(cell.group)}"


def column_words(column: ColumnChange, period: Period, *, several: bool = False) -> str:
    """Return how a column moved, from recorded profiles."""
    if column.exchanged is not None:
        one, other = (value_of_column(value, column.kind) for value in column.exchanged)
        return f": {one} and {other} are exchanged (each has the rows of the other)"
    if column.ratio is not None and column.kind == "time":
        return f"is {later(column.offset or 0.0)} throughout"
    facts = [] if several and column.ratio is not None else list(_facts(column, period))
    if column.ratio == -1 and not column.offset:
        return "has the other sign throughout"
    if column.ratio is not None and (column.ratio != 1 or column.offset):
        return f"is {scaled(column.ratio, _offset(column))} throughout" + (f": {'; '.join(facts)}" if facts else "")
    values = [] if several or column.kind == "time" else list(_values(column, period))
    words = "; ".join([*([", ".join(values)] if values else []), *facts])
    if not words:
        seen = column.facts or column.distance
        return "moved a little" if seen else "has other values" if column.exact else "differs in the last digits only"
    return words


def _offset(column: ColumnChange) -> float:
    """The offset, unless it is nothing beside the numbers themselves: what a computation leaves of zero."""
    offset = column.offset or 0.0
    after = [pair[1] for fact in ("min", "max", "mean") if (pair := column.facts.get(fact))]
    size = max((abs(each) for each in after if isinstance(each, int | float)), default=0.0)
    return offset if abs(offset) > _NOTHING * size else 0.0


def _facts(column: ColumnChange, period: Period) -> Iterator[str]:
    """The facts that say most about how a column moved."""
    if column.kind == "time":
        times = [_time_fact(name, column) for name in ("hole", "nulls", "min", "max", "mean")]
        yield from [words for words in times if words][:_MAX_FACTS]
        return
    names = [name for name in _FACTS if name in column.facts and _seen(column, name)]
    telling = [name for name in names if _tells(column, name)]
    telling.sort(key=lambda name: name != "distinct")  # that there is only one value comes first
    for name in telling[:_MAX_FACTS] or names[:1]:
        new = of_new_rows(column, period, name) if name in _OF_NEW_ROWS else None
        yield _moved(name, *column.facts[name]) + (f" ({_fact(name, new)} in the new rows)" if new is not None else "")


def _tells(column: ColumnChange, name: str) -> bool:
    """Whether a fact is informative: that a mean moved by a hundredth of the spread is not."""
    before, after = column.facts[name]
    if name == "rate":
        return column.kind != "text"
    if name == "distinct":
        return 1 in (before, after)
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return True
    if name in ("mean", "min", "max"):
        spread = max((each for each in column.facts.get("std", ()) if isinstance(each, int | float)), default=0.0)
        return abs(after - before) > _HARDLY * spread
    return name != "std" or abs(after - before) > _LITTLE * max(before, after)


def _seen(column: ColumnChange, name: str) -> bool:
    """Whether a difference is seen when both sides are written down."""
    before, after = column.facts[name]
    if before is None or after is None:
        return False
    return _fact(name, before) != _fact(name, after)


def _fact(name: str, value: Json) -> str:
    is_share = name in _SHARES and isinstance(value, int | float)
    return percent(float(value)) if is_share else amount(value)  # type: ignore[arg-type]  # a share is a number


def _moved(name: str, before: Json, after: Json) -> str:
    return f"{_FACT_NAMES.get(name, name)} {_fact(name, before)} → {_fact(name, after)}"


def _time_fact(name: str, column: ColumnChange) -> str:
    pair = column.facts.get(name)
    if pair is None or (name == "mean" and ("min" in column.facts or "max" in column.facts)):
        return ""
    if name == "hole":
        return f"longest time without a row {' → '.join('none' if each is None else span(each) for each in pair)}"
    if name == "nulls":
        return _moved(name, *pair)
    verb = {"min": "begins", "max": "ends"}.get(name, "mean")
    return f"{verb} {moment(pair[0])} → {moment(pair[1])}"


def _values(column: ColumnChange, period: Period) -> Iterator[str]:
    """Values that were written otherwise, are gone, or are new, with their shares; else the one that moved most."""
    again = {_plain(value): value for value in column.appeared}
    spelled = {value: again[_plain(value)] for value in column.vanished if _plain(value) in again}
    before = {value: share for value, share, _ in column.values}
    after = {value: share for value, _, share in column.values}
    for old, new in list(spelled.items())[:_MAX_VALUES]:
        yield f"{quoted(old)} is written {quoted(new)}"
    gone = [value for value in column.vanished if value not in spelled]
    came = [value for value in column.appeared if value not in spelled.values()]
    if len(gone) == len(came) == 1 and abs(before.get(gone[0], 0.0) - after.get(came[0], 1.0)) < _NOTHING:
        yield f"{quoted(gone[0])} is written {quoted(came[0])}{_of(after.get(came[0]))}"
        return
    for value in gone[:_MAX_VALUES]:
        yield f"{quoted(value)} is gone{_of(before.get(value))}"
    for value in came[:_MAX_VALUES]:
        yield f"{quoted(value)} is new{_of(after.get(value))}"
    if column.kind == "text" and not column.appeared and not column.vanished:
        for value, was, is_ in column.values[:1]:
            share = share_of_new_rows(was, is_, period)
            of_new = f" ({percent(share)} of the new ones)" if share is not None else ""
            yield f"{quoted(value)} {percent(was)} → {percent(is_)} of the rows{of_new}"


def _of(share: float | None) -> str:
    return f" ({percent(share)})" if share else ""


def _plain(value: str) -> str:
    return " ".join(value.split()).casefold()


# Schema


def _columns_gone(change: Change) -> str:
    verb = "is" if len(change.columns) == 1 else "are"
    return f"{_dataset(change)}: {_listed(change.columns)} {verb} gone"


def _columns_new(change: Change) -> str:
    verb = "is" if len(change.columns) == 1 else "are"
    return f"{_dataset(change)}: {_listed(change.columns)} {verb} new"


def _listed(columns: Sequence[str]) -> str:
    if len(columns) <= _MAX_NAMES:
        return f"the column{'' if len(columns) == 1 else 's'} {', '.join(columns)}"
    return _named(columns)


def _renamed(change: Change) -> str:
    return f"{_dataset(change)}: the column {change.before} is called {change.after} now, with the same content"


def _retyped(change: Change) -> str:
    names = [_type_name(str(name)) if name is not None else "nothing" for name in (change.before, change.after)]
    if names[0] == names[1]:
        names = [str(change.before), str(change.after)]
    text = f"{_dataset(change)}: {change.columns[0]} is {names[1]} now, and was {names[0]}"
    cells = _cells_of(change)
    if not cells or (cells[0].effect.kind is EffectKind.REWRITTEN and cells[0].effect.value is None):
        return text
    alone = replace(cells[0], columns=change.columns[:1])
    return f"{text}; {_cell(alone, change.dataset)}" if change.dataset is not None else text


def _cells_of(change: Change) -> Sequence[CellChange]:
    rows = change.dataset.row_change if change.dataset else None
    return [cell for cell in rows.cells if change.columns[0] in cell.columns] if rows else []


_TYPE_NAMES = (
    ("dictionary", "category"),
    ("large_string", "text"),
    ("string", "text"),
    ("double", "decimal number"),
    ("float", "decimal number"),
    ("uint", "whole number"),
    ("int", "whole number"),
    ("bool", "yes/no"),
    ("timestamp", "time"),
    ("date", "date"),
    ("list", "list"),
    ("struct", "record"),
    ("null", "empty"),
)


def _type_name(arrow: str) -> str:
    """Return an Arrow type in words of the trade."""
    return next((name for begin, name in _TYPE_NAMES if arrow.startswith(begin)), arrow)


def _replaced(change: Change) -> str:
    dataset = change.dataset
    new = sum(1 for each in dataset.schema if each.before is None) if dataset else 0
    gone = sum(1 for each in dataset.schema if each.after is None) if dataset else 0
    return f"{_dataset(change)}: nearly all columns are others ({gone:,} gone, {new:,} new): this is another table"


def _exchanged(change: Change) -> str:
    one, other = change.columns
    return f"{_dataset(change)}: {one} holds what {other} held, and {other} what {one} held"


# Rows


def _rearranged(change: Change) -> str:
    """Every column has its values, and the rows are others; what was done to cells where rows were compared."""
    dataset = change.dataset
    rows = dataset.row_change if dataset else None
    if dataset is not None and rows is not None and rows.cells:
        return f"{dataset.name}: {'; '.join(_cell(cell, dataset) for cell in rows.cells[:2])}"
    if rows is not None and rows.shifted:
        name, shift = next(iter(rows.shifted.items()))
        return f"{_dataset(change)}: {name} moved along the rows by {count(abs(shift), 'row')}{held_words(shift)}"
    if change.kind is ChangeKind.ROWS_REPLACED:
        return f"{_dataset(change)}: as many rows, with much the same values in each column; the rows are others"
    return f"{_dataset(change)}: each column has the same values as before, in other rows"


def _repeated(change: Change) -> str:
    dataset = change.dataset
    before, after = (value if isinstance(value, int) else 0 for value in (change.before, change.after))
    rows = dataset.rows[1] if dataset else None
    share = f" ({percent(abs(after - before) / rows)})" if rows else ""
    what = "repeat others" if after > before else "that repeated others are gone"
    return f"{_dataset(change)}: {count(abs(after - before), 'row')} {what}{share}{_counts(dataset)}"


def _key(change: Change) -> str:
    rows = change.dataset.row_change if change.dataset else None
    repeated = f" in {count(rows.repeated[1], 'row')}" if rows and rows.repeated[1] else ""
    names = some_of(change.columns, most=_MAX_NAMES)
    verb = "is" if len(change.columns) == 1 else "are"
    return f"{_dataset(change)}: {names} {verb} no longer unique: values repeat{repeated}{_counts(change.dataset)}"


def _counts(dataset: DatasetChange | None) -> str:
    if dataset is None or None in dataset.rows or dataset.rows[0] == dataset.rows[1]:
        return ""
    return f"; {dataset.rows[0]:,} → {dataset.rows[1]:,} rows"


def _rows(change: Change) -> str:
    dataset = change.dataset
    before, after = (value if isinstance(value, int) else 0 for value in (change.before, change.after))
    more = after - before
    text = f"{_dataset(change)} has {count(abs(more), 'row')} {'more' if more > 0 else 'fewer'}: {before:,} → {after:,}"
    if dataset is None:
        return text
    rows = dataset.row_change
    if rows is not None and rows.added and rows.removed:
        came = f"{count(rows.added, 'row')} came{group_words(rows.added_group)}"
        went = f"{rows.removed:,} went{group_words(rows.removed_group)}"
        return f"{_dataset(change)}: {came}; {went}; {before:,} → {after:,}"
    group = dataset.added_group if more > 0 else dataset.removed_group
    if rows is not None:
        group = (rows.added_group if more > 0 else rows.removed_group) or group
    times = [_span_words(each) for each in find_period(dataset).spans]
    if group is not None and not (times and group.kind in (GroupKind.RANGE, GroupKind.FIRST, GroupKind.LAST)):
        return text + group_words(group)
    return text + "".join(f"; {words}" for words in times[:2])


def _span_words(found: Span) -> str:
    parts = []
    if found.begin:
        parts.append(f"begins {moment(found.begin[0])} → {moment(found.begin[1])}")
    if found.end:
        verb = "goes on from" if found.only_new else "ends"
        to = "to" if found.only_new else "→"
        parts.append(f"{verb} {moment(found.end[0])} {to} {moment(found.end[1])}")
    for names, what in ((found.gone, "gone"), (found.new, "new")):
        if names:
            parts.append(f"{some_of(names, most=_MAX_NAMES)} {'is' if len(names) == 1 else 'are'} {what}")
    return f"{found.column} {', '.join(parts)}"


def _order(change: Change) -> str:
    dataset = change.dataset
    name = _dataset(change)
    types = []
    for each in dataset.schema if dataset else ():
        pair = [_type_name(column.type) if column else "" for column in (each.before, each.after)]
        types.append(f"; {each.column} is stored as {pair[1]}, before as {pair[0]}" if pair[0] != pair[1] else "")
    if dataset is not None and dataset.row_change is not None and dataset.row_change.cells:
        cell = _cell(dataset.row_change.cells[0], dataset)
        return f"{name}: {cell}{''.join(types)}; read by default, both are the same values"
    if dataset is not None and dataset.reordered:
        return f"{name} holds the same rows, with its columns in another order{''.join(types)}"
    return f"{name} holds the same rows, in another order or encoding{''.join(types)}"


# Inputs and files


def _input_added(change: Change) -> str:
    rows = change.dataset.rows[1] if change.dataset else None
    return f"{_dataset(change)} is a new input{_with_rows(rows)}"


def _input_removed(change: Change) -> str:
    rows = change.dataset.rows[0] if change.dataset else None
    return f"{_dataset(change)} is no longer an input{_with_rows(rows)}"


def _with_rows(rows: int | None) -> str:
    return "" if rows is None else f" ({count(rows, 'row')})"


def _role(change: Change) -> str:
    return f"{_dataset(change)} is used as {change.after} now, and was used as {change.before}"


def _inputs_exchanged(change: Change) -> str:
    one, other = change.names
    return f"{one} and {other} were exchanged: each has the content that the other had"


def _shared(change: Change) -> str:
    overlap = change.part
    if not isinstance(overlap, OverlapChange):
        return f"rows of {change.subject} are trained on as well"
    (before, after), rows = overlap.shared, overlap.rows[1]
    measured, trained, noun = overlap.measured, overlap.trained, "file" if overlap.files else "row"
    if after:
        number = f"all {noun}s" if after == rows else f"{after:,} of {count(rows or 0, noun)}"
        earlier = "" if before is None else f" ({before:,} before)"
        return f"{number} of {measured} {'is' if after == 1 else 'are'} in {trained} as well{earlier}"
    known = f"no {noun}" if after == 0 else f"not every {noun}"
    return f"{known} of {measured} is in {trained} as well; {before or 0:,} were before"


def _files(change: Change) -> str:
    """The files of a folder, by what became of them and by their endings."""
    dataset = change.dataset
    if dataset is not None and dataset.row_change is not None and dataset.row_change.cells:
        number, verb = count(len(change.names), "file"), "is" if len(change.names) == 1 else "are"
        marks = {name[:1] for name in change.names}
        what = _BECAME[marks.pop()] if len(marks) == 1 else "changed, new or gone"
        return f"{dataset.name}: {_cell(dataset.row_change.cells[0], dataset)}; {number} {verb} {what}"
    files = dataset.files if dataset else (None, None)
    many = len(change.names) > _MAX_NAMES and files[1] is not None and files[0] == files[1]
    moved = dataset.moved_files if dataset else ()
    total = f" of {files[1]:,} files" if many and not moved else ""
    aside = {*(f"- {old}" for old, _ in moved), *(f"+ {new}" for _, new in moved)}
    rest = [name for name in change.names if name not in aside]
    copied = dict(dataset.copied_files) if dataset else {}
    copies = [name for name in rest if name[2:] in copied and name.startswith("~")][:_MAX_NAMES]
    parts = [
        *_moved_files(moved),
        *(f"{name[2:]} is a copy of {copied[name[2:]]} now" for name in copies),
        _became([name for name in rest if name not in copies], dataset.file_sizes if dataset else {}),
    ]
    return f"{_dataset(change)}: {'; '.join(filter(None, parts))}{total}"


def _moved_files(files: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Which files have another path now: from folder to folder, where it is the same for all."""
    if not files:
        return
    folders = {tuple(PurePosixPath(path).parent.as_posix() for path in pair) for pair in files}
    old, new = next(iter(folders)) if len(folders) == 1 else files[0]
    alike = len(folders) == 1 and old != new
    first = "" if alike else " (the first)" if len(files) > 1 else ""
    old, new = (old, new) if alike else files[0]
    number = "1 file has" if len(files) == 1 else f"{len(files):,} files have"
    yield f"{number} moved from {old} to {new}{first}"


_BECAME = {"-": "gone", "+": "new", "~": "changed"}


def _became(files: Sequence[str], sizes: Mapping[str, tuple[int, int]]) -> str:
    """What became of files: `march.csv is gone`; of many their number and endings."""
    parts = []
    for mark, what in _BECAME.items():
        names = [name[2:] for name in files if name.startswith(mark)]
        if not names:
            continue
        if len(names) <= _MAX_NAMES:
            named = [f"{name}{_resized(sizes.get(name))}" for name in names]
            parts.append(f"{', '.join(named)} {'is' if len(names) == 1 else 'are'} {what}")
        else:
            parts.append(f"{len(names):,} files are {what} ({_endings(names)}: {names[0]} …)")
    return "; ".join(parts)


def _resized(sizes: tuple[int, int] | None) -> str:
    return f" ({sizes[0]:,} → {count(sizes[1], 'byte')})" if sizes else ""


def files_text(change: Change) -> str:
    """Return which files of a folder are others, where they are few and what is said does not name them."""
    dataset = change.dataset
    if dataset is None or change.kind is ChangeKind.FILES_CHANGED or not dataset.changed_files:
        return ""
    few = len(dataset.changed_files) <= _MAX_NAMES and max(each or 0 for each in dataset.files) > 1
    return f"; {_became(dataset.changed_files, dataset.file_sizes)}" if few else ""


def _endings(names: Sequence[str]) -> str:
    counted = Counter(PurePosixPath(name).suffix or "no ending" for name in names)
    return ", ".join(f"{number:,} {ending}" for ending, number in counted.most_common(_MAX_NAMES))


def _origin(change: Change) -> str:
    before, after = (value or "no import" for value in (change.before, change.after))
    return f"{_dataset(change)} was imported from {before}, and is now from {after}"


def _content(change: Change) -> str:
    """Other bytes: with what rows say, where they were compared."""
    dataset = change.dataset
    if dataset is None:
        return f"{change.subject} has another content"
    rows = dataset.row_change
    if rows is not None:
        found = [_cell(cell, dataset) for cell in rows.cells[:2]]
        found += [
            f"{count(number, 'row')} {what}{group_words(group)}"
            for number, what, group in (
                (rows.added, "more" if not rows.removed else "new", rows.added_group),
                (rows.removed, "fewer" if not rows.added else "gone", rows.removed_group),
            )
            if number
        ]
        if rows.repeated[1] > rows.repeated[0] and rows.key:
            key = ", ".join(rows.key)
            found.insert(0, f"{key} is no longer unique: {count(rows.repeated[1], 'row')} repeat it")
        if rows.changed and not rows.cells:
            columns = some_of(list(rows.columns), most=_MAX_NAMES)
            found.append(
                f"{columns} {'differs' if len(rows.columns) == 1 else 'differ'} in {count(rows.changed, 'row')}"
            )
        found += [
            f"the column{'' if len(names) == 1 else 's'} {some_of(names, most=_MAX_NAMES)} {verb}"
            for names, verb in (
                ([each.column for each in dataset.schema if each.before is None], "came"),
                ([each.column for each in dataset.schema if each.after is None], "went"),
            )
            if names
        ]
        if not found:
            return _order(change)
        return f"{dataset.name}: {'; '.join(found[:_MAX_NAMES])}"
    if dataset.evidence is Evidence.DIGESTS:
        why = f" ({dataset.weaker})" if dataset.weaker and dataset.role[1] != "source" else ""
        return f"{dataset.name} has another content, and more is not known{why}"
    known = "as far as its profile tells, no column differs, and whether its rows are the same is not known"
    return f"{dataset.name} has another content; {known}"


def _dataset(change: Change) -> str:
    return change.dataset.name if change.dataset else change.subject


DATA_TEXTS: Mapping[ChangeKind, Callable[[Change], str]] = {
    ChangeKind.INPUT_ADDED: _input_added,
    ChangeKind.INPUT_REMOVED: _input_removed,
    ChangeKind.ROLE_CHANGED: _role,
    ChangeKind.INPUTS_EXCHANGED: _inputs_exchanged,
    ChangeKind.ROWS_SHARED: _shared,
    ChangeKind.ROWS_REPEATED: _repeated,
    ChangeKind.KEY_REPEATED: _key,
    ChangeKind.TABLE_REPLACED: _replaced,
    ChangeKind.COLUMNS_ADDED: _columns_new,
    ChangeKind.COLUMNS_REMOVED: _columns_gone,
    ChangeKind.COLUMN_RENAMED: _renamed,
    ChangeKind.COLUMN_RETYPED: _retyped,
    ChangeKind.COLUMNS_CHANGED: _columns,
    ChangeKind.COLUMNS_EXCHANGED: _exchanged,
    ChangeKind.ROWS_REARRANGED: _rearranged,
    ChangeKind.ROWS_REPLACED: _rearranged,
    ChangeKind.ROWS_ADDED: _rows,
    ChangeKind.ROWS_REMOVED: _rows,
    ChangeKind.ORDER_CHANGED: _order,
    ChangeKind.FILES_CHANGED: _files,
    ChangeKind.ORIGIN_CHANGED: _origin,
    ChangeKind.CONTENT_CHANGED: _content,
}
