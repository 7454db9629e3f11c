"""Wording: numbers, times and counts as a person reads them."""

from datetime import UTC, datetime, timedelta
from typing import TypeGuard

from lineage_pipelines.queries.diff.rows.row_change import GroupKind, RowGroup
from lineage_pipelines.queries.diff.units import conversion_name
from lineage_pipelines.records.values.canonical import Json

_LARGE = 1000
_TEN_PER_CENT = 0.1
_DAY = 86_400
_HOUR = 3_600


def amount(value: Json) -> str:
    """Write a number with four digits that matter, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= _LARGE:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float) -> str:
    """Write a share."""
    return f"{share * 100:.0f} %" if abs(share) >= _TEN_PER_CENT else f"{share * 100:.2g} %"


def moment(seconds: Json) -> str:
    """Write a time that is given in seconds since 1970: its day, with hour and minute where it is not midnight."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return str(seconds)
    if 0 <= seconds < _DAY:  # a time of the day, or a length
        return str(timedelta(seconds=round(seconds)))
    try:
        at = datetime.fromtimestamp(0, UTC) + timedelta(seconds=round(seconds))
    except OverflowError:  # beyond the year 9999
        return amount(seconds)
    return f"{at:%Y-%m-%d}" if at.hour == at.minute == 0 else f"{at:%Y-%m-%d %H:%M}"


def duration(seconds: Json) -> str:
    """Write a length of time in its largest unit: `12.5 days`, `3.2 hours`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return str(seconds)
    for size, unit in ((_DAY, "days"), (_HOUR, "hours"), (60, "minutes")):
        if abs(seconds) >= size:
            return f"{amount(seconds / size)} {unit}"
    return f"{amount(seconds)} s"


def value_words(value: str, kind: str) -> str:
    """Write a value of a column, a time as one: a profile lists it in seconds."""
    try:
        return moment(float(value)) if kind == "time" else value
    except ValueError:
        return value


def some(count: int, noun: str) -> str:
    """Write a count with its noun: `1 row`, `4,312 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def moved(name: str, before: Json, after: Json) -> str:
    """Say how a fact of a column moved: `mean fell from 71.3 to 22.1`."""
    shares = name in ("nulls", "rate", "empty", "infinite")
    shown = [percent(each) if shares and _is_number(each) else amount(each) for each in (before, after)]
    verb = "changed"
    if _is_number(before) and _is_number(after):
        verb = "rose" if after > before else "fell"
    return f"{name} {verb} from {shown[0]} to {shown[1]}"


def _is_number(value: Json) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def scaled(ratio: float, offset: float) -> str:
    """Say what was done to every number: `0.5556 times what it was minus 17.78 (°F to °C)`."""
    if ratio == -1 and not offset:
        return "what it was with the other sign"
    text = f"{amount(float(ratio))} times what it was" if ratio != 1 else "what it was"
    if offset:
        text += f" {'plus' if offset > 0 else 'minus'} {amount(abs(float(offset)))}"
    unit = conversion_name(ratio, offset)
    return text + (f" ({unit})" if unit else "")


def later(seconds: float) -> str:
    """Say by how much all times differ: `5 hours later`."""
    hours = abs(seconds) / _HOUR
    return f"{amount(hours)} {'hour' if hours == 1 else 'hours'} {'later' if seconds > 0 else 'earlier'}"


def quoted(value: str) -> str:
    """Write a value of a column; in quotes where blanks would not be seen."""
    return value if value and value == value.strip() else repr(value)


def group_words(group: RowGroup) -> str:
    """Write how a group of rows is told: `origin=LGA`, `engine=E000 … E039`, `last 300 rows`."""
    if group.kind in (GroupKind.FIRST, GroupKind.LAST):
        return f"{group.kind} {some(group.of, 'row')}"
    if group.kind is GroupKind.MISSING:
        return f"{group.column} missing"
    between = " … " if group.kind is GroupKind.RANGE else ", "
    return f"{group.column}={between.join(group.values).strip()}" if group.values else group.column
