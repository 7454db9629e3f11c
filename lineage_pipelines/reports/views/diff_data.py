"""Data differences from one version to another: rows, schema, columns, files."""

from collections.abc import Iterator

from lineage_pipelines.queries.diff.changes import (
    ColumnChange,
    DatasetChange,
    Evidence,
    Kind,
    OverlapChange,
    SchemaChange,
)
from lineage_pipelines.queries.diff.explanation.scores import PSI_MIN
from lineage_pipelines.queries.diff.rows.row_change import RowChange
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.cell_text import group_place
from lineage_pipelines.reports.document import Block, Heading, Listing, Pairs, Paragraph, Pictures, Table
from lineage_pipelines.reports.figures import Distributions, Picture, Shares
from lineage_pipelines.reports.formatting import (
    arrow,
    count_change,
    digest_pair,
    fact_text,
    first_rows,
    later,
    moment,
    scaled,
    shorten,
    span,
    value_of_column,
)

_MAX_COLUMNS = 10
_MAX_FILES = 12
_MAX_PICTURES = 8
_MAX_VALUES = 8
_ALL = 1_000_000
_WHAT = {
    Kind.IDENTICAL: "identical",
    Kind.CHANGED: "content differs",
    Kind.ADDED: "a new input",
    Kind.REMOVED: "no input any more",
}
_KNOWN_FROM = {
    Evidence.DIGESTS: "digests alone",
    Evidence.PROFILES: "the recorded profiles",
    Evidence.DATA: "both snapshots, read again",
}
_WEAKER_FROM = {Evidence.DIGESTS: "from digests", Evidence.PROFILES: "from profiles", Evidence.DATA: "from data"}


def identical_words(change: DatasetChange) -> str:
    """Say in a few words that a dataset is the same."""
    rows = f" ({count(change.rows[1], 'row')})" if change.rows[1] is not None else ""
    return f"{shorten(change.name, 60)} identical{rows}"


def dataset_blocks(change: DatasetChange, *, full: bool) -> Iterator[Block]:
    """Say what happened to one dataset."""
    yield Heading(f"Input {shorten(change.name)}", 3)
    yield Pairs([(name, value) for name, value in _happened(change) if value])
    if change.weaker:
        yield Paragraph(f"  {_WEAKER_FROM[change.evidence]}: {shorten(change.weaker, 400)}", "warn")
    yield from _schema(change, full=full)
    yield from _columns(change, full=full)
    yield from _files(change, full=full)


def overlap_block(change: OverlapChange) -> Block:
    """Say how many rows were both trained and measured on."""
    measured, trained = shorten(change.measured, 60), shorten(change.trained, 60)
    noun = "files" if change.files else "rows"
    return Pairs([(f"{noun} of {measured} that are in {trained}, too", count_change(change.shared))])


def _happened(change: DatasetChange) -> Iterator[tuple[str, str]]:
    same = change.kind is Kind.CHANGED and change.same_rows
    yield "what", "the same rows, in another order or encoding" if same else _WHAT[change.kind]
    yield "path", shorten(change.path)
    if any(value is not None for value in change.rows):
        yield "rows", count_change(change.rows)
    yield from _rows(change.row_change)
    if any(change.duplicates):
        yield "repeated rows", count_change(change.duplicates)
    if change.role[0] != change.role[1] and None not in change.role:
        yield "role", arrow(*(shorten(role or "none") for role in change.role))
    if change.files[0] != change.files[1]:
        yield "files", count_change(change.files)
    if change.kind is not Kind.IDENTICAL:
        yield "digest", arrow(*digest_pair(change.digest))
        yield "known from", _KNOWN_FROM[change.evidence]
    else:
        yield "digest", digest_pair(change.digest)[1]


def _rows(rows: RowChange | None) -> Iterator[tuple[str, str]]:
    if rows is None:
        return
    by = f", identified by {', '.join(shorten(name, 40) for name in rows.key)}" if rows.key else ", compared whole"
    moved = f"{rows.added:,} added, {rows.removed:,} removed, {rows.changed:,} changed, {rows.same:,} the same"
    yield "row by row", moved + by
    yield (
        "changed in",
        ", ".join(f"{shorten(name, 40)} ({n:,})" for name, n in list(rows.columns.items())[:_MAX_FILES]),
    )
    groups = [cells.group for cells in rows.cells if cells.group is not None][:3]
    held = [(shorten(name, 40), f"{abs(n):,} {'above' if n > 0 else 'below'}") for name, n in rows.shifted.items()]
    yield "moved along", ", ".join(f"{name} (from {where})" for name, where in held[:_MAX_FILES])
    places = {group_place(each): f"{each.rows:,} of {each.of:,} rows" for each in groups}
    yield "gathered in", ", ".join(f"{shorten(place, 60)} ({counts})" for place, counts in places.items())


def _schema(change: DatasetChange, *, full: bool) -> Iterator[Block]:
    if not change.schema:
        return
    rows, rest = first_rows([_schema_row(each) for each in change.schema], _ALL if full else 20, "columns")
    yield Table(["column", "what", "type before", "type now"], rows, title="Schema")
    yield from rest


def _schema_row(change: SchemaChange) -> list[str]:
    words = {Kind.ADDED: "new", Kind.REMOVED: "gone", Kind.CHANGED: "another type", Kind.IDENTICAL: "the same"}
    what = f"was called {shorten(change.renamed_from, 60)}" if change.renamed_from is not None else words[change.kind]
    types = (shorten(column.type, 60) if column else "–" for column in (change.before, change.after))
    return [shorten(change.column, 60), what, *types]


def _columns(change: DatasetChange, *, full: bool) -> Iterator[Block]:
    if not change.columns:
        return
    found = [_column_row(column) for column in change.columns]
    rows, rest = first_rows(found, _ALL if full else _MAX_COLUMNS, "columns that moved less")
    head = ["column", "PSI", "distance", "before", "now", "values"]
    yield Table(head, rows, frozenset({"PSI", "distance"}), title="Columns, the one that moved most first")
    yield from rest
    pictures = [picture for column in change.columns if _has_moved(column) and (picture := _picture(column))]
    if pictures:
        yield Pictures(pictures[:_MAX_PICTURES])


def _column_row(column: ColumnChange) -> list[str]:
    before, after = (", ".join(_fact(column, name, pair[i]) for name, pair in column.facts.items()) for i in (0, 1))
    return [
        shorten(column.column, 60),
        _figure(column.psi),
        _figure(column.distance),
        before or "–",
        after or "–",
        "; ".join(_values(column)) or "–",
    ]


def _fact(column: ColumnChange, name: str, value: Json) -> str:
    if column.kind != "time" or value is None or name not in ("min", "max", "mean", "std"):
        return fact_text(name, value)
    return f"{name} {span(value) if name == 'std' else moment(value)}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _values(column: ColumnChange) -> Iterator[str]:
    if column.ratio is not None and column.kind == "time":
        yield later(column.offset or 0.0)
    elif column.ratio is not None:
        yield scaled(column.ratio, column.offset or 0.0)
    for values, word in ((column.vanished, "gone"), (column.appeared, "new")):
        more = f" and {len(values) - 4:,} more" if len(values) > 4 else ""  # noqa: PLR2004
        if values:
            yield f"{word}: {', '.join(shorten(value_of_column(value, column.kind), 30) for value in values[:4])}{more}"


def _has_moved(column: ColumnChange) -> bool:
    """Whether a picture shows a difference: beyond the usual bound of the index, or values that came or went."""
    return column.weight >= PSI_MIN or bool(column.appeared or column.vanished or column.ratio)


def _picture(column: ColumnChange) -> Picture | None:
    note = f"PSI {column.psi:.3g}" if column.psi is not None else ""
    name = shorten(column.column, 60)
    if column.values and column.kind != "time":
        return Shares(name, note, [(shorten(value, 30), a, b) for value, a, b in column.values[:_MAX_VALUES]])
    before, after = (bins if bins is not None and sum(bins.counts) > 0 else None for bins in column.bins)
    if column.kind == "time" or not before or not after:  # an axis of seconds says nothing; the table has the times
        return None
    return Distributions(name, note, before, after)


def _files(change: DatasetChange, *, full: bool) -> Iterator[Block]:
    if change.changed_files:
        shown = change.changed_files[: _ALL if full else _MAX_FILES]
        rest = len(change.changed_files) - len(shown)
        more = f"… and {count(rest, 'more file')} (--full)" if rest else ""
        yield Listing("Files of the directory", [shorten(file, 200) for file in shown], patch=True, more=more)
