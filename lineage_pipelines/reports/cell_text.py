"""Cell text: what was done to cells, and in which group of rows, in words of the trade."""

import re

from lineage_pipelines.queries.diff.rows.row_change import MAX_MAPPING, Effect, EffectKind, GroupKind, RowGroup, Way
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.formatting import amount, later, quoted, scaled

_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_MAX_VALUES = 3
_REWRITTEN = {
    "number": "is written with a decimal point: the same numbers",
    "decimal comma": "is written with a decimal comma: the same numbers",
    "time": "is written as YYYY-MM-DD: the same times",
}


def group_words(group: RowGroup | None) -> str:
    """Say in which group the touched rows are, and whether they are the whole of it."""
    place = group_place(group) if group is not None else ""
    if group is None or not place:
        return ""
    if group.rows < group.touched:
        return f", {group.rows:,} of them {place}"
    if group.kind in (GroupKind.FIRST, GroupKind.LAST):
        end = place.removeprefix("the ").removesuffix(" rows")
        return f": {place}" if group.rows == group.of else f", all among the {end} {group.of:,} rows"
    return f": those {place}" if group.rows == group.of else f", all {place}"


def group_place(group: RowGroup) -> str:  # noqa: PLR0911  # one case a kind
    """Return where a group of rows is: `with country=CH`, `with read_at from 2026-03-27 on`."""
    if group.kind is GroupKind.FIRST:
        return "the first rows"
    if group.kind is GroupKind.LAST:
        return "the last rows"
    if group.kind is GroupKind.MISSING:
        return f"without {group.column}"
    if not group.values:
        return f"in a group of {group.column} of fewer than 5 rows"
    if group.kind is GroupKind.RANGE:
        low, high = (value.replace("T", " ") if _TIME.match(value) else value for value in (*group.values, "", "")[:2])
        if low and high:
            return f"with {group.column} from {low} to {high}"
        return f"with {group.column} from {low} on" if low else f"with {group.column} up to {high}"
    return f"with {group.column} = {' or '.join(quoted(value) for value in group.values)}"


def effect_words(effect: Effect, *, several: bool = False) -> str:
    """Return what was done to cells of one column or of several: `is × 100`, `is set to 0`, `0 and 1 are exchanged`."""
    words = _effect_words(effect)
    for one, many in (("is ", "are "), ("has ", "have "), ("holds ", "hold "), ("differs ", "differ ")):
        if several and words.startswith(one):
            return many + words.removeprefix(one)
    return words


def _effect_words(effect: Effect) -> str:  # noqa: C901, PLR0911, PLR0912  # one case a kind
    match effect.kind:
        case EffectKind.DELAYED:
            return f"is {later(effect.offset or 0.0)}"
        case EffectKind.DAY_MONTH:
            return "has day and month exchanged"
        case EffectKind.SCALED:
            return _scaled(effect)
        case EffectKind.EXCHANGED | EffectKind.MAPPED if not effect.mapping:
            return "has other values"
        case EffectKind.EXCHANGED:
            values = effect.mapping[0]
            return f": {_value(values[0])} and {_value(values[1])} are exchanged"
        case EffectKind.SET if effect.value is None:
            return "has another value"
        case EffectKind.SET:
            return f"is set to {_value(effect.value)}"
        case EffectKind.MISSING:
            return "is missing now"
        case EffectKind.FILLED:
            filled = f"is {_value(effect.value)} now" if effect.value is not None else "has values now"
            return f"{filled} where it was missing"
        case EffectKind.MAPPED:
            return _mapped(effect)
        case kind if kind in _OF_TEXT:
            return _text_words(effect)
        case EffectKind.REWRITTEN:
            return _rewritten(effect)
        case EffectKind.CLIPPED:
            return f"is clipped at {_bounds(effect)}"
        case EffectKind.ROUNDED:
            return _rounded(effect)
        case EffectKind.NOISE:
            return "differs by less than 1e-11 of its value (another order of a computation)"
        case EffectKind.SHUFFLED:
            return "has its values in other rows"
        case EffectKind.SWAPPED:
            return f"holds what {effect.other} held, and the reverse,"
        case EffectKind.SHIFTED:
            shift = effect.value if isinstance(effect.value, int) else 0
            return f"moved along the rows by {count(abs(shift), 'row')}{held_words(shift)}"
        case _:
            means = effect.means
            moved = f" (mean {amount(means[0])} → {amount(means[1])})" if None not in means else ""
            return f"has other values{moved}"


def _scaled(effect: Effect) -> str:
    if effect.ratio == -1 and not effect.offset:
        return "has the other sign"
    if effect.ratio == 1 and effect.offset:
        return f"is {'greater' if effect.offset > 0 else 'less'} by {amount(abs(effect.offset))}"
    about = "about " if effect.way is Way.ABOUT else ""
    return f"is {about}{scaled(effect.ratio or 1.0, effect.offset or 0.0)}"


def _mapped(effect: Effect) -> str:
    verb = "is written" if any(isinstance(new, str) for _, new in effect.mapping) else "→"
    became: dict[str, list[str]] = {}
    for old, new in effect.mapping:
        became.setdefault(_value(old), []).append(_value(new))
    pairs = [f"{old} {verb} {' or '.join(new)}" for old, new in became.items()]
    rest = len(pairs) - _MAX_VALUES
    more = " and others" if len(effect.mapping) >= MAX_MAPPING else f" and {rest} more" if rest > 0 else ""
    return f": {', '.join(pairs[:_MAX_VALUES])}{more}"


def _rewritten(effect: Effect) -> str:
    if effect.value is None:
        return "holds the same values, written otherwise"
    return _REWRITTEN.get(str(effect.value), f"is written as {effect.value}: the same times")


_OF_TEXT = frozenset(
    (
        EffectKind.CASE,
        EffectKind.BLANKS,
        EffectKind.MOJIBAKE,
        EffectKind.ZEROS,
        EffectKind.ESCAPED,
        EffectKind.ACCENTS,
        EffectKind.AFFIXED,
        EffectKind.CUT,
    )
)


def _text_words(effect: Effect) -> str:  # noqa: PLR0911  # one case a kind
    lost = effect.way is Way.LOST
    match effect.kind:
        case EffectKind.ESCAPED:
            return f"is {'no longer ' if lost else ''}escaped as HTML (& as &amp;)"
        case EffectKind.ACCENTS:
            return f"has {'lost its' if lost else 'got'} accents"
        case EffectKind.AFFIXED:
            text = str(effect.value)
            where = "before" if text.endswith("…") else "behind"
            verb = "has lost" if lost else "has"
            return f"{verb} {quoted(text.strip('…'))} {where} it"
        case EffectKind.CUT:
            return f"is cut to {count(effect.digits or 0, 'character')}"
        case EffectKind.CASE:
            return f"is in {effect.way.value if effect.way else 'another'} case now"
        case EffectKind.BLANKS:
            return f"has {'lost' if effect.way is Way.LOST else 'other'} blanks around or between words"
        case EffectKind.MOJIBAKE:
            repaired = effect.way is Way.REPAIRED
            return "is decoded rightly now (it was UTF-8 read as Latin-1)" if repaired else "is UTF-8 read as Latin-1"
        case _:
            return f"has {'lost' if effect.way is Way.LOST else 'other'} leading zeros"


def _bounds(effect: Effect) -> str:
    value = effect.value
    if isinstance(value, list | tuple):
        return " and ".join(_value(each) for each in value)
    return _value(value)


def _rounded(effect: Effect) -> str:
    if effect.way is Way.SINGLE:
        return "is rounded to 32 bits"
    verb = "cut" if effect.way is Way.FLOOR else "rounded"
    if isinstance(effect.value, str):
        return f"is {verb} to the {effect.value}"
    digits = effect.digits or 0
    to = "whole numbers" if digits == 0 else count(digits, "decimal") if digits > 0 else f"{10**-digits:,}s"
    return f"is {verb} to {to}"


def _value(value: Json) -> str:
    return quoted(value) if isinstance(value, str) else amount(value)


def held_words(shift: int) -> str:
    """Return from which row each value came, where a column moved along the rows."""
    return f": each holds what the row {'above' if shift > 0 else 'below'} held"
