"""Formatting of sizes, counts, times, digests and recorded values; and of text so that it is safe to show."""

import html
import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from lineage_pipelines.errors import visible
from lineage_pipelines.records.statement.metric import metric_text
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.identity_proof import IdentityProof
from lineage_pipelines.reports.document import Block, Paragraph, Table

_UNITS = ("B", "kB", "MB", "GB", "TB")
_KILO = 1000
_WHOLE = 100
_DAY = 86_400
_HOUR = 3_600
_SHORT = 12


def escape_html(text: str) -> str:
    """Return text that can stand anywhere in a page: control and bidirectional characters shown, markup escaped."""
    return html.escape(visible(text), quote=True)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def beginning(text: str, columns: int) -> str:
    """Return as many characters of a text as have room in so many columns of a terminal."""
    taken = 0
    for place, character in enumerate(text):
        taken += _columns(character)
        if taken > columns:
            return text[:place]
    return text


def size(count: int) -> str:
    """Write bytes as `1.4 MB` (decimal units)."""
    value, unit = float(count), 0
    while value >= _KILO and unit < len(_UNITS) - 1:
        value, unit = value / _KILO, unit + 1
    return f"{count:,} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def number(value: float | None) -> str:
    """Write a metric with five significant digits; a dash where it is unknown."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= _KILO else metric_text(value)


def signed(value: float | None) -> str:
    """Write an amount with its sign; a dash where it is unknown."""
    return f"{'+' if value is not None and value > 0 else ''}{number(value)}"


def percent(share: float | None) -> str:
    """Write a share as `53.8 %`; a dash where it is unknown."""
    if share is None:
        return "–"
    shown = share * 100
    return f"{shown:z,.0f} %" if abs(shown) >= _WHOLE else f"{shown:z.3g} %"


def amount(value: Json) -> str:
    """Write a number that is no metric with four significant digits, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value_text(value)
    if isinstance(value, int) or (abs(value) >= _KILO and math.isfinite(value)):
        return f"{value:,.0f}"
    return f"{value:.4g}"


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


def span(seconds: Json) -> str:
    """Write a length of time in its largest unit: `12.5 days`, `3.2 hours`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return str(seconds)
    for length, unit in ((_DAY, "days"), (_HOUR, "hours"), (60, "minutes")):
        if abs(seconds) >= length:
            return f"{amount(seconds / length)} {unit if abs(seconds) != length else unit[:-1]}"
    return f"{amount(seconds)} s"


def later(seconds: float) -> str:
    """Write by how much times differ: `5 hours later`."""
    return f"{span(abs(seconds))} {'later' if seconds > 0 else 'earlier'}"


def value_of_column(value: str, kind: str) -> str:
    """Write a value of a column, a time as one: a profile lists it in seconds. In quotes where blanks would hide."""
    try:
        return moment(float(value)) if kind == "time" else quoted(value)
    except ValueError:
        return value


def quoted(value: str) -> str:
    """Write a value of a column; in quotes where blanks would not be seen."""
    return value if value and value == value.strip() else repr(value)


def scaled(ratio: float, offset: float) -> str:
    """Write what was done to every number: `× 0.5556 + 255.4 (as °F to K)`."""
    if ratio == -1 and not offset:
        return "with the other sign"
    if 0 < abs(ratio) < 1 and not offset and float(f"{1 / ratio:.10g}").is_integer():
        text = f"÷ {amount(1 / ratio)}"
    else:
        text = f"× {amount(float(ratio))}" if ratio != 1 else ""
    if offset:
        text += f" {'+' if offset > 0 else '−'} {amount(abs(float(offset)))}"  # noqa: RUF001  # a minus sign
    from lineage_pipelines.queries.diff.units import conversion_name  # most documents convert nothing

    unit = conversion_name(ratio, offset)
    return text.strip() + (f" (as {unit})" if unit else "")


def short_digest(digest: str | None) -> str:
    """Return the first characters of a digest or revision, enough to recognise it."""
    return digest.rpartition(":")[2][:_SHORT] if digest else "–"


def person(name: str, known_by: IdentityProof | None = None) -> str:
    """Write one name for one person, `(claimed)` where nothing proves that it was this one.

    Args:
        name: an account, which Dagster's runs have as `user:ann`; or what launched a run: `schedule:nightly`.
        known_by: how it is known; None where that is not known.
    """
    plain = name.removeprefix("user:")
    return f"{plain} (claimed)" if known_by is not None and known_by.is_claimed and plain != name else plain


def utc_time(time: datetime) -> str:
    """Write a time in UTC to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(begun: datetime, ended: datetime) -> str:
    """Write how long something took."""
    seconds = (ended - begun).total_seconds()
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


# Recorded values and comparisons

MAX_CELL = 120
"""Characters of a value in a cell; JSON has the rest."""
_SHARES = ("nulls", "rate", "empty", "infinite")


def shorten(text: str, length: int = MAX_CELL) -> str:
    """Return text on one line, its middle replaced by an ellipsis where it is longer than `length` characters."""
    shown = visible(text)
    half = length // 2
    return shown if len(shown) <= length else f"{shown[:half]}…{shown[-half + 1 :]}"


def fit(text: str, columns: int) -> str:
    """Return text on one line that takes no more than so many columns of a terminal, its middle left out."""
    shown = visible(text)
    if width(shown) <= columns:
        return shown
    head, tail = beginning(shown, columns // 2), beginning(shown[::-1], columns - columns // 2 - 1)[::-1]
    return f"{head}…{tail}"


def first_clauses(text: str, columns: int) -> str:
    """Return as many clauses of a sentence, separated by semicolons, as fit in so many columns; at least the first."""
    clauses = text.split("; ")
    fitting = [end for end in range(1, len(clauses) + 1) if width("; ".join(clauses[:end])) <= columns]
    return fit("; ".join(clauses[: max(fitting, default=1)]), columns)


def value_text(value: Json) -> str:
    """Write a recorded value for a cell."""
    if isinstance(value, bool) or value is None:
        return "none" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else number(value)
    return shorten(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def value_pair(values: tuple[Json, Json]) -> tuple[str, str]:
    """Write two values so that a difference shows: the text "1" and the number 1, 0.1 and 0.1000001."""
    before, after = (value_text(value) for value in values)
    if before == after and values[0] != values[1]:
        before, after = (json.dumps(value, ensure_ascii=False) for value in values)
    return before, after


def digest_pair(values: tuple[Json, Json]) -> tuple[str, str]:
    """Write two digests or revisions by their first characters."""
    before, after = (short_digest(value) if isinstance(value, str) else "–" for value in values)
    return before, after


def arrow(before: str, after: str) -> str:
    """Write a value before and after: `before → after`."""
    return f"{before} → {after}"


def count_change(values: tuple[int | None, int | None]) -> str:
    """Write two counts and their difference: `52,341 → 56,653 (+4,312)`."""
    before, after = values
    known = " → ".join("unknown" if value is None else f"{value:,}" for value in values)
    if before is None or after is None:
        return known
    return f"{after:,}" if before == after else f"{known} ({after - before:+,})"


def fact_text(name: str, value: Json) -> str:
    """Write a fact of a column's profile, shares in percent."""
    if name in _SHARES and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{name} {value * 100:.3g} %"
    return f"{name} {value_text(value)}"


def facts_table(facts: Mapping[str, tuple[Json, Json]], what: str) -> Table:
    """Return facts before and after, a row each."""
    return Table([what, "before", "now"], [[shorten(name), *value_pair(values)] for name, values in facts.items()])


def first_rows(rows: Sequence[Sequence[str]], limit: int, noun: str) -> tuple[Sequence[Sequence[str]], Iterable[Block]]:
    """Return the first rows, and a paragraph that says how many more there are."""
    if len(rows) <= limit:
        return rows, ()
    return rows[:limit], [Paragraph(f"  … and {len(rows) - limit:,} more {noun} (--full)", "dim")]
