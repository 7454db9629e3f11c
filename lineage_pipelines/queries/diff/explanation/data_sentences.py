"""Data sentences: findings about datasets, columns, overlaps."""

from collections.abc import Iterator, Sequence

from lineage_pipelines.queries.diff.changes import (
    ColumnChange,
    DatasetChange,
    Evidence,
    Kind,
    OverlapChange,
    SchemaChange,
    Sentence,
)
from lineage_pipelines.queries.diff.data.overlap import TRAINED_ON
from lineage_pipelines.queries.diff.data.periods import Period, find_period
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.rows.row_change import RowChange
from lineage_pipelines.queries.diff.wording import (
    amount,
    group_words,
    later,
    moment,
    moved,
    percent,
    quoted,
    scaled,
    some,
)
from lineage_pipelines.records.values.canonical import Json

_FACTS = ("nulls", "infinite", "empty", "rate", "mean", "min", "max", "std", "distinct", "mean_bytes")
_MAX_FACTS = 3
_HARDLY = 0.01
_LITTLE = 0.05
_MAX_VALUES = 3
_FEW_COLUMNS = 3
_NOTABLE_SHARE = 0.005
_NO_CHANCE = 0.001
_NOTHING = 1e-6
_ALIKE = 0.01


def column_finding(column: ColumnChange, change: DatasetChange, period: Period) -> tuple[str, float]:
    """Return the finding about a column that moved, and its score."""
    shift = f" (PSI {amount(float(f'{column.psi:.2g}'))})" if column.psi is not None else ""
    words = "; ".join(_facts(column, period))
    if column.ratio is not None and column.kind == "time":
        return f"all times are {later(column.offset or 0.0)}", scores.UNIT
    if column.ratio is not None and (column.ratio != 1 or column.offset):
        conversion = scaled(column.ratio, _offset(column))
        return f"it is {conversion}: {words}{shift}" if words else f"it is {conversion}{shift}", scores.UNIT
    score = _score(column, change)
    if period.explains(column) and not _is_apart(column, period):
        score = max(score - scores.SEASON, min(score, scores.SLIGHTLY_SHIFTED))
    values = ", ".join(_values(column)) if column.kind != "time" else ""  # where they begin and end says more
    text = "; ".join(part for part in (values, words) if part) or "its values differ"
    alone = ", and no other column differs" if _is_alone(column, change) else ""
    return f"{text}{shift}{alone}", score


def find_exchanged(columns: Sequence[ColumnChange]) -> Iterator[tuple[ColumnChange, ColumnChange]]:
    """Find pairs of columns of which each holds what the other one held."""
    for place, one in enumerate(columns):
        for other in columns[place + 1 :]:
            if one.kind == other.kind and _holds(one, other) and _holds(other, one):
                yield one, other


def _holds(one: ColumnChange, other: ColumnChange) -> bool:
    """Whether a column has the mean, spread and range now that the other one had."""
    pairs = [(one.facts.get(fact), other.facts.get(fact)) for fact in ("mean", "std", "min", "max")]
    return all(new and old and _alike(new[1], old[0]) for new, old in pairs)


def _alike(one: Json, other: Json) -> bool:
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return False
    return abs(one - other) <= _ALIKE * max(abs(one), abs(other))


def _offset(column: ColumnChange) -> float:
    """The offset, unless it is nothing beside the numbers themselves: what a computation leaves of zero."""
    offset = column.offset or 0.0
    after = [pair[1] for fact in ("min", "max", "mean") if (pair := column.facts.get(fact))]
    size = max((abs(each) for each in after if isinstance(each, int | float)), default=0.0)
    return offset if abs(offset) > _NOTHING * size else 0.0


# Words


def _facts(column: ColumnChange, period: Period) -> Iterator[str]:
    """The facts that say most about how a column moved, at most three."""
    if column.kind == "time":
        times = [_times(name, column) for name in ("nulls", "min", "max", "mean")]
        yield from [words for words in times if words][:_MAX_FACTS]
        return
    names = [name for name in _FACTS if name in column.facts and _seen(column, name)]
    telling = [name for name in names if _tells(column, name)]
    telling.sort(key=lambda name: name != "distinct")  # that there is only one value comes first
    for name in telling[:_MAX_FACTS] or names[:1]:
        yield moved(name, *column.facts[name]) + (_in_new_rows(column, period) if name == "mean" else "")


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
    return name != "mean_bytes" and (name != "std" or abs(after - before) > _LITTLE * max(before, after))


def _in_new_rows(column: ColumnChange, period: Period) -> str:
    mean = _mean_of_new_rows(column, period)
    return f" ({amount(mean)} in the new rows)" if mean is not None else ""


def _mean_of_new_rows(column: ColumnChange, period: Period) -> float | None:
    """What the mean is in the rows that are new, where the others are as they were: it follows from both means."""
    before, after = _numbers(column, "mean")
    nulls = _numbers(column, "nulls")
    gaps = (nulls[1] or 0.0) - (nulls[0] or 0.0)
    if column.ratio is not None or not period.new_share or before is None or after is None or abs(gaps) > _HARDLY:
        return None
    return before + (after - before) / period.new_share


def _numbers(column: ColumnChange, name: str) -> tuple[float | None, float | None]:
    before, after = (
        float(each) if isinstance(each, int | float) else None for each in column.facts.get(name, (None, None))
    )
    return before, after


def _times(name: str, column: ColumnChange) -> str:
    pair = column.facts.get(name)
    if pair is None or (name == "mean" and ("min" in column.facts or "max" in column.facts)):
        return ""
    if name == "nulls":
        return moved(name, *pair)
    verb = {"min": "begins {} and began {}", "max": "ends {} and ended {}"}.get(name, "is {} on average and was {}")
    return verb.format(moment(pair[1]), moment(pair[0]))


def _seen(column: ColumnChange, name: str) -> bool:
    """Whether a difference is seen when both sides are written down."""
    before, after = column.facts[name]
    if before is None or after is None:
        return False
    written = percent if name in ("nulls", "rate", "empty", "infinite") else amount
    return written(before) != written(after)  # type: ignore[arg-type]  # shares are numbers


def _values(column: ColumnChange) -> Iterator[str]:
    """Values that were written otherwise, are gone, or are new, with their shares; else the one that moved most."""
    again = {_plain(value): value for value in column.appeared}
    spelled = {value: again[_plain(value)] for value in column.vanished if _plain(value) in again}
    before = {value: share for value, share, _ in column.values}
    after = {value: share for value, _, share in column.values}
    for old, new in list(spelled.items())[:_MAX_VALUES]:
        yield f"{quoted(old)} is written {quoted(new)} now"
    gone = [value for value in column.vanished if value not in spelled]
    for value in gone[:_MAX_VALUES]:
        yield f"{quoted(value)} is gone{_of(before.get(value))}"
    came = [value for value in column.appeared if value not in spelled.values()]
    for value in came[:_MAX_VALUES]:
        yield f"{quoted(value)} is new{_of(after.get(value))}"
    if column.kind == "text" and not column.appeared and not column.vanished:
        for value, was, is_ in column.values[:1]:
            yield f"{quoted(value)} {'rose' if is_ > was else 'fell'} from {percent(was)} to {percent(is_)}"


def _of(share: float | None) -> str:
    return f" ({percent(share)})" if share else ""


def _plain(value: str) -> str:
    return " ".join(value.split()).casefold()


# Score


def _score(column: ColumnChange, change: DatasetChange) -> float:
    score = scores.SLIGHTLY_SHIFTED + column.weight
    if column.weight >= scores.PSI_LEAST:
        score = scores.SHIFTED + scores.PSI_WEIGHT * min(column.weight, scores.PSI_MOST)
    share = _share_touched(column)
    if share >= _NOTABLE_SHARE:
        points = min(share * scores.VALUES_POINTS, scores.VALUES_MOST)
        score = max(score, scores.VALUES_GONE + points)
    if _is_one_of_few(change) and column.p_value is not None and column.p_value < _NO_CHANCE:
        score = max(score, scores.ONE_COLUMN)
    return score


def _is_apart(column: ColumnChange, period: Period) -> bool:
    """Whether the new rows lie where hardly any row was before."""
    mean, (before, _), (spread, _) = (
        _mean_of_new_rows(column, period),
        _numbers(column, "mean"),
        _numbers(column, "std"),
    )
    if mean is None or before is None or not spread:
        return False
    return abs(mean - before) > scores.APART * spread


def _share_touched(column: ColumnChange) -> float:
    """The share of the rows whose value is gone, or is new."""
    gone, new = set(column.vanished), set(column.appeared)
    went = sum(share for value, share, _ in column.values if value in gone)
    came = sum(share for value, _, share in column.values if value in new)
    return max(went, came)


def _is_one_of_few(change: DatasetChange) -> bool:
    return change.rows[0] == change.rows[1] and 0 < len(change.columns) <= _FEW_COLUMNS and not change.weaker


def _is_alone(column: ColumnChange, change: DatasetChange) -> bool:
    return _is_one_of_few(change) and len(change.columns) == 1 and not change.schema and column.psi is not None


_MAX_COLUMNS = 8
"""How many columns of a dataset get a sentence of their own."""


def data_sentences(change: DatasetChange) -> Iterator[Sentence]:
    """Say what differs in one dataset, each finding once."""
    weight = 1.0 if _is_trained_on(change) else scores.ELSEWHERE
    for text, column, score in _findings(change):
        subject = change.name if column is None else f"{change.name}.{column}"
        yield Sentence(text=text, layer="data", subject=subject, column=column, score=score * weight)


def _is_trained_on(change: DatasetChange) -> bool:
    return any(role in TRAINED_ON for role in change.role) or change.name in TRAINED_ON


def overlap_sentences(change: OverlapChange) -> Iterator[Sentence]:
    """Say how many rows were both trained and measured on."""
    (before, after), rows = change.shared, change.rows[1]
    share = (after or 0) / rows if rows else 0.0
    if after:
        whole = after == rows
        count = "all rows" if whole else f"{after:,} of {some(rows or 0, 'row')}"
        earlier = "" if before is None else f" ({before:,} before)"
        text = f"{count} of {change.measured} {'is' if after == 1 else 'are'} in {change.trained}, too{earlier}"
        score = scores.ALL_TRAINED_ON if whole else scores.CHECK_FAILS + share
        score = score if share >= _NOTABLE_SHARE and after > (before or 0) else scores.SLIGHTLY_SHIFTED
    else:
        known = "no row" if after == 0 else "not every row"
        text = f"{known} of {change.measured} is in {change.trained}, too, as {before or 0:,} were before"
        score = scores.CHECK_FAILS
    yield Sentence(text=text, layer="data", subject=change.measured, score=score)


Finding = tuple[str, str | None, float]
"""Text, the column that it is about or None for the whole dataset, and score."""


def _findings(change: DatasetChange) -> Iterator[Finding]:
    name = change.name
    if change.kind is Kind.ADDED:
        yield f"{name} is an input that there was not before ({_rows(change.rows[1])})", None, scores.COLUMN_NEW
    elif change.kind is Kind.REMOVED:
        yield f"{name} is no longer an input ({_rows(change.rows[0])} before)", None, scores.COLUMN_GONE
    elif change.kind is Kind.CHANGED and change.same_rows:
        types = "".join(f"; {_schema_words(name, each)}" for each in change.schema)
        yield f"{name} holds the same rows, in another order or encoding{types}", None, scores.ORDER_ONLY
    elif change.kind is Kind.CHANGED:
        yield from _content(change)
    if change.role[0] != change.role[1] and None not in change.role:
        yield f"{name} plays another part: {change.role[0]} before, {change.role[1]} now", None, scores.COLUMN_GONE


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
    yield f"{change.name}: {some(abs(after - before), 'row')} {verb} ({percent(abs(share))})", None, score


def _schema(change: DatasetChange) -> Iterator[Finding]:
    for each in change.schema:
        yield _schema_words(change.name, each), each.column, _schema_score(each)


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
        yield text, one.column, scores.UNIT
    covered = {column.column for pair in exchanged for column in pair} | period.columns
    for column in [column for column in change.columns if column.column not in covered][:_MAX_COLUMNS]:
        text, score = column_finding(column, change, period)
        yield f"{change.name}.{column.column}{_where(change)}: {text}", column.column, score


def _where(change: DatasetChange) -> str:
    place = _place(change.row_change)
    return f" (of {place})" if place else ""


def _place(rows: RowChange | None) -> str:
    """The group that holds the most of the changed rows."""
    group = next((cells.group for cells in rows.cells if cells.group is not None), None) if rows else None
    return group_words(group) if rows and group is not None and group.rows * 2 > rows.changed else ""


def _row_changes(change: DatasetChange) -> Iterator[Finding]:
    rows = change.row_change
    for name, distance in rows.shifted.items() if rows else ():
        held = f"{some(abs(distance), 'row')} {'above' if distance > 0 else 'below'} it"
        text = f"{change.name}.{name} moved along the rows: each row holds what the one {held} held"
        yield text, name, scores.UNIT
    if rows is None or not rows.changed:
        return
    columns = ", ".join(f"{name} in {count:,}" for name, count in list(rows.columns.items())[:4])
    places = _place(rows)
    gathered = f", most of them of {places}" if places else ""
    text = f"{change.name}: {some(rows.changed, 'existing row')} changed{gathered} ({columns})"
    yield text, None, scores.ROWS_GATHER if places else scores.ROWS_CHANGED


def _row_counts(change: DatasetChange, period: Period) -> Iterator[Finding]:
    before, after = change.rows
    if before is None or after is None or before == after:
        return
    more = after - before
    lost = min(-more / before * 100, scores.FEWER_MOST) if more < 0 else 0.0
    score = scores.ROWS_FEWER + lost if more < 0 else scores.GOES_ON if period.moved else scores.ROWS_MORE
    word = "more" if more > 0 else "fewer"
    times = "".join(f"; {words}" for words in period.words)
    yield (
        f"{change.name} has {some(abs(more), 'row')} {word}: {before:,} before, {after:,} now{times}",
        None,
        score,
    )


def _rest(change: DatasetChange) -> Iterator[Finding]:
    if change.changed_files:
        shown = ", ".join(change.changed_files[:3])
        more = f" and {len(change.changed_files) - 3} more" if len(change.changed_files) > 3 else ""  # noqa: PLR2004
        yield f"{change.name}: files differ: {shown}{more}", None, scores.BYTES_ONLY
    elif change.evidence is Evidence.DIGESTS:
        why = f"; {change.weaker}" if change.weaker else ""
        yield f"{change.name} has other bytes, and more is not known{why}", None, scores.BYTES_ONLY
    elif change.rows[0] == change.rows[1] and not any(column.weight >= scores.PSI_LEAST for column in change.columns):
        yield from _same_columns(change)


def _same_columns(change: DatasetChange) -> Iterator[Finding]:
    """As many rows, and in the columns nothing that tells: are the rows others, or is it not known?"""
    exactly = not change.columns and not change.schema
    if change.same_rows is None:
        known = "no column differs as far as its profile tells" if exactly else "the columns hold much the same values"
        text = f"{change.name} has other bytes; {known}, and whether its rows are the same is not known"
        yield text, None, scores.BYTES_ONLY
        return
    values = "exactly the values that they held" if exactly else "much the same values as before"
    ask = "" if change.evidence is Evidence.DATA else " (--rows says which, where the data is at hand)"
    text = f"{change.name}: the columns hold {values}, but moved against each other by rows{ask}"
    yield text, None, scores.ROWS_MOVED_AGAINST_EACH_OTHER


def _rows(count: int | None) -> str:
    return "rows unknown" if count is None else some(count, "row")
