"""Findings about data, in plain words."""

from collections.abc import Iterator

from lineage_pipelines.queries.diff import scores
from lineage_pipelines.queries.diff.changes import DatasetChange, Evidence, Kind, OverlapChange, SchemaChange, Sentence
from lineage_pipelines.queries.diff.column_sentences import column_finding, find_exchanged
from lineage_pipelines.queries.diff.overlaps import TRAINED_ON
from lineage_pipelines.queries.diff.periods import Period, find_period
from lineage_pipelines.queries.diff.words import percent, some

_NOTABLE_SHARE = 0.005
_MOST_COLUMNS = 8
"""How many columns of a dataset get a sentence of their own."""


def data_sentences(change: DatasetChange) -> Iterator[Sentence]:
    """Say what differs in one dataset, each finding once."""
    weight = 1.0 if _is_trained_on(change) else scores.ELSEWHERE
    for text, subject, score in _findings(change):
        yield Sentence(text=text, layer="data", subject=subject, score=score * weight)


def _is_trained_on(change: DatasetChange) -> bool:
    return any(role in TRAINED_ON for role in change.role) or change.name in TRAINED_ON


def overlap_sentences(change: OverlapChange) -> Iterator[Sentence]:
    """Say how many rows were both trained and measured on."""
    (before, after), rows = change.shared, change.rows[1]
    share = (after or 0) / rows if rows else 0.0
    if after:
        whole = after == rows
        count = "all rows" if whole else f"{after:,} of {some(rows or 0, 'row')}"
        told = "" if before is None else f" ({before:,} before)"
        text = f"{count} of {change.measured} {'is' if after == 1 else 'are'} in {change.trained}, too{told}"
        score = scores.ALL_TRAINED_ON if whole else scores.CHECK_FAILS + share
        score = score if share >= _NOTABLE_SHARE and after > (before or 0) else scores.SLIGHTLY_SHIFTED
    else:
        known = "no row" if after == 0 else "not every row"
        text = f"{known} of {change.measured} is in {change.trained}, too, as {before or 0:,} were before"
        score = scores.CHECK_FAILS
    yield Sentence(text=text, layer="data", subject=change.measured, score=score)


Finding = tuple[str, str, float]
"""Text, subject and score."""


def _findings(change: DatasetChange) -> Iterator[Finding]:
    name = change.name
    if change.kind is Kind.ADDED:
        yield f"{name} is an input that there was not before ({_rows(change.rows[1])})", name, scores.COLUMN_NEW
    elif change.kind is Kind.REMOVED:
        yield f"{name} is no input any more ({_rows(change.rows[0])} before)", name, scores.COLUMN_GONE
    elif change.kind is Kind.CHANGED and change.same_rows:
        types = "".join(f"; {_schema_words(name, each)}" for each in change.schema)
        yield f"{name} holds the same rows, in another order or encoding{types}", name, scores.ORDER_ONLY
    elif change.kind is Kind.CHANGED:
        yield from _content(change)
    if change.role[0] != change.role[1] and None not in change.role:
        yield f"{name} plays another part: {change.role[0]} before, {change.role[1]} now", name, scores.COLUMN_GONE


def _content(change: DatasetChange) -> Iterator[Finding]:
    period = find_period(change)
    found = [
        *_duplicates(change),
        *_schema(change),
        *_columns(change, period),
        *_row_changes(change),
        *_row_counts(change, period),
    ]
    if not any(score > scores.ROWS_MORE for _, _, score in found):
        found.extend(_rest(change))
    yield from found


def _duplicates(change: DatasetChange) -> Iterator[Finding]:
    before, after = change.duplicates
    rows = change.rows[1]
    if before is None or after is None or not rows or after == before:
        return
    share = (after - before) / rows
    verb = "repeat others" if after > before else "repeated others before and are gone"
    points = min(abs(share) * 100, 20.0)
    score = scores.DUPLICATES + points if abs(share) >= _NOTABLE_SHARE else scores.SLIGHTLY_SHIFTED
    yield f"{change.name}: {some(abs(after - before), 'row')} {verb} ({percent(abs(share))})", change.name, score


def _schema(change: DatasetChange) -> Iterator[Finding]:
    for each in change.schema:
        subject = f"{change.name}.{each.column}"
        yield _schema_words(change.name, each), subject, _schema_score(each)


def _schema_words(name: str, change: SchemaChange) -> str:
    if change.renamed_from is not None:
        return f"{name}: the column {change.renamed_from} is called {change.column} now, with the same content"
    if change.kind is Kind.ADDED:
        return f"{name} has a new column, {change.column}"
    if change.kind is Kind.REMOVED:
        return f"{name} has no column {change.column} any more"
    before, after = (column.type if column else "nothing" for column in (change.before, change.after))
    return f"{name}.{change.column} is {after} now and was {before}"


def _schema_score(change: SchemaChange) -> float:
    if change.renamed_from is not None:
        return scores.COLUMN_RENAMED
    return scores.COLUMN_NEW if change.kind is Kind.ADDED else scores.COLUMN_GONE


def _columns(change: DatasetChange, period: Period) -> Iterator[Finding]:
    exchanged = list(find_exchanged(change.columns))
    for one, other in exchanged:
        text = f"{change.name}: {one.column} holds what {other.column} held, and {other.column} what {one.column} held"
        yield text, f"{change.name}.{one.column}", scores.UNIT
    told = {column.column for pair in exchanged for column in pair} | period.columns
    for column in [column for column in change.columns if column.column not in told][:_MOST_COLUMNS]:
        text, score = column_finding(column, change, period)
        yield f"{change.name}.{column.column}{_where(change)}: {text}", f"{change.name}.{column.column}", score


def _where(change: DatasetChange) -> str:
    row_change = change.row_change
    if row_change is None or not row_change.partitions:
        return ""
    place, (touched, there) = next(iter(row_change.partitions.items()))
    return f" (of {place})" if touched * 2 > row_change.changed and there else ""


def _row_changes(change: DatasetChange) -> Iterator[Finding]:
    rows = change.row_change
    for name, moved in rows.shifted.items() if rows else ():
        held = f"{some(abs(moved), 'row')} {'above' if moved > 0 else 'below'} it"
        text = f"{change.name}.{name} moved along the rows: each row holds what the one {held} held"
        yield text, f"{change.name}.{name}", scores.UNIT
    if rows is None or not rows.changed:
        return
    columns = ", ".join(f"{name} in {count:,}" for name, count in list(rows.columns.items())[:4])
    places = next(iter(rows.partitions), "")
    gathered = f", most of them of {places}" if places else ""
    text = f"{change.name}: {some(rows.changed, 'row')} that were there before are otherwise now{gathered} ({columns})"
    yield text, change.name, scores.ROWS_GATHER if places else scores.ROWS_CHANGED


def _row_counts(change: DatasetChange, period: Period) -> Iterator[Finding]:
    before, after = change.rows
    if before is None or after is None or before == after:
        return
    more = after - before
    lost = min(-more / before * 100, scores.FEWER_MOST) if more < 0 else 0.0
    score = scores.ROWS_FEWER + lost if more < 0 else scores.GOES_ON if period.moved else scores.ROWS_MORE
    word = "more" if more > 0 else "fewer"
    told = "".join(f"; {words}" for words in period.words)
    yield (
        f"{change.name} has {some(abs(more), 'row')} {word}: {before:,} before, {after:,} now{told}",
        change.name,
        score,
    )


def _rest(change: DatasetChange) -> Iterator[Finding]:
    if change.changed_files:
        shown = ", ".join(change.changed_files[:3])
        more = f" and {len(change.changed_files) - 3} more" if len(change.changed_files) > 3 else ""  # noqa: PLR2004
        yield f"{change.name}: files differ: {shown}{more}", change.name, scores.BYTES_ONLY
    elif change.evidence is Evidence.DIGESTS:
        why = f"; {change.weaker}" if change.weaker else ""
        yield f"{change.name} has other bytes, and more is not known{why}", change.name, scores.BYTES_ONLY
    elif change.rows[0] == change.rows[1] and not any(column.weight >= scores.PSI_LEAST for column in change.columns):
        yield from _same_columns(change)


def _same_columns(change: DatasetChange) -> Iterator[Finding]:
    """As many rows, and in the columns nothing that tells: are the rows others, or is it not known?"""
    exactly = not change.columns and not change.schema
    if change.same_rows is None:
        known = "no column differs as far as its profile tells" if exactly else "the columns hold much the same values"
        text = f"{change.name} has other bytes; {known}, and whether its rows are the same is not known"
        yield text, change.name, scores.BYTES_ONLY
        return
    values = "exactly the values that they held" if exactly else "much the same values as before"
    ask = "" if change.evidence is Evidence.DATA else " (--rows says which, where the data is at hand)"
    text = f"{change.name}: the columns hold {values}, but moved against each other by rows{ask}"
    yield text, change.name, scores.ROWS_MOVED_AGAINST_EACH_OTHER


def _rows(count: int | None) -> str:
    return "rows unknown" if count is None else some(count, "row")
