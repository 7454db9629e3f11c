"""How one column moved, in words and as a score."""

from collections.abc import Iterator, Sequence

from lineage_pipelines.queries.diff import scores
from lineage_pipelines.queries.diff.changes import ColumnChange, DatasetChange
from lineage_pipelines.queries.diff.periods import Period
from lineage_pipelines.queries.diff.words import amount, later, moment, moved, percent, quoted, scaled
from lineage_pipelines.records import Json

_FACTS = ("nulls", "infinite", "empty", "rate", "mean", "min", "max", "std", "distinct", "mean_bytes")
_MOST_FACTS = 3
_HARDLY = 0.01
_LITTLE = 0.05
_MOST_VALUES = 3
_FEW_COLUMNS = 3
_NOTABLE_SHARE = 0.005
_NO_CHANCE = 0.001
_NOTHING = 1e-6
_ALIKE = 0.01


def column_finding(column: ColumnChange, change: DatasetChange, period: Period) -> tuple[str, float]:
    """Return what is to be said of a column that moved, and its score."""
    shift = f" (PSI {amount(float(f'{column.psi:.2g}'))})" if column.psi is not None else ""
    words = "; ".join(_facts(column, period))
    if column.ratio is not None and column.kind == "time":
        return f"all times are {later(column.offset or 0.0)}", scores.UNIT
    if column.ratio is not None and (column.ratio != 1 or column.offset):
        told = scaled(column.ratio, _offset(column))
        return f"it is {told}: {words}{shift}" if words else f"it is {told}{shift}", scores.UNIT
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
        told = [_times(name, column) for name in ("nulls", "min", "max", "mean")]
        yield from [words for words in told if words][:_MOST_FACTS]
        return
    names = [name for name in _FACTS if name in column.facts and _seen(column, name)]
    telling = [name for name in names if _tells(column, name)]
    telling.sort(key=lambda name: name != "distinct")  # one value alone is said before anything else
    for name in telling[:_MOST_FACTS] or names[:1]:
        yield moved(name, *column.facts[name]) + (_in_new_rows(column, period) if name == "mean" else "")


def _tells(column: ColumnChange, name: str) -> bool:
    """Whether a fact says something: not that a mean moved by a hundredth of the spread."""
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
    for old, new in list(spelled.items())[:_MOST_VALUES]:
        yield f"{quoted(old)} is written {quoted(new)} now"
    gone = [value for value in column.vanished if value not in spelled]
    for value in gone[:_MOST_VALUES]:
        yield f"{quoted(value)} is gone{_of(before.get(value))}"
    came = [value for value in column.appeared if value not in spelled.values()]
    for value in came[:_MOST_VALUES]:
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
