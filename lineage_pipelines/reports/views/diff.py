"""Diff: why two versions differ. What is the same takes one line; what differs is shown."""

import dataclasses
import math
import re
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from lineage_pipelines.queries.diff.changes import Kind, StageChange
from lineage_pipelines.queries.diff.explanation.change import Change
from lineage_pipelines.queries.diff.version_diff import VersionDiff, VersionSide
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import Value, format_time, to_json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.phrase import count, some_of
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Ranked, Table
from lineage_pipelines.reports.formatting import arrow, fit, short_digest, shorten, utc_time
from lineage_pipelines.reports.views.diff_evaluation import headline_words
from lineage_pipelines.reports.views.diff_layers import (
    Part,
    code_part,
    data_part,
    decisions_part,
    environment_part,
    evaluation_part,
    other_part,
    parameters_part,
    preparation_part,
)

_MAX_CHANGES = 5
_ROOM, _LINES = 94, 2
"""Columns and lines of a sentence on the first screen."""
_MAX_LAYER = 80
"""Columns of a layer there: one line."""
_MAX_NAMES = 3
_LONGEST = 600
_MAX_PURGED = 5


_HAS_IDENTITY = ("Data", "Preparation", "Code", "Environment", "Parameters", "Evaluation")
"""Parts that are listed as identical; the others are left out when they are empty."""


def diff_document(diff: VersionDiff, *, full: bool = False) -> Document:
    """Say why two versions are different: first what moved, then the changes that explain it, then each layer.

    By default that is one screen: 25 lines of 100 columns.

    Args:
        diff: the comparison.
        full: whether to add every table, with what is identical and with patches whole.
    """
    first = [*_head(diff), *_changes(diff.changes, full=full)]
    if not full:
        return Document(
            [*first, Paragraph(""), Pairs([(name, fit(words, _MAX_LAYER)) for name, words in _layers(diff)])]
        )
    parts = list(_parts(diff, full=True))
    body = [block for part in parts for block in _shown(part, full=True)]
    return Document([*first, *_sides(diff), *body, *_folded(parts, full=True)])


def page_document(diff: VersionDiff) -> Document:
    """Return a comparison for a page: as on one screen, and then every layer in which something differs."""
    parts = list(_parts(diff, full=False))
    body = [block for part in parts for block in _shown(part, full=False)]
    first = [*_head(diff), *_changes(diff.changes, full=True)]
    return Document([*first, *body, *_sides(diff), *_folded(parts, full=False)])


def _head(diff: VersionDiff) -> Iterator[Block]:
    sides = [f"{fit(side.ref, 22)}{_named_by(side)}" for side in (diff.second, diff.first)]
    yield Heading(f"Why is {sides[0]} different from {sides[1]}?", 1)
    if diff.first.digest == diff.second.digest:
        yield Paragraph("It is not: both are the same version.")
        return
    models = [fit(side.model, 22) for side in (diff.first, diff.second)]
    two = f"These are two models: {' and '.join(models)}. " if diff.first.model != diff.second.model else ""
    same = {change.name for change in diff.data if change.same_rows}
    measured = two + headline_words(diff.evaluation, same)
    comparable = (
        diff.evaluation.same_data is not False or set(diff.evaluation.snapshot) <= same
    ) and diff.evaluation.same_code is not False
    yield Paragraph(_brief(measured), "" if comparable else "warn")


def _named_by(side: VersionSide) -> str:
    return f" ({fit(', '.join(side.aliases), 10)})" if side.aliases else ""


def _changes(changes: Sequence[Change], *, full: bool) -> Iterator[Block]:
    if not changes:  # a version and itself
        return
    shown = changes if full else changes[:_MAX_CHANGES]
    texts = (change_text(change) if full else _brief(change_text(change)) for change in shown)
    yield Heading("What differs, the most likely explanation first")
    yield Ranked([(text, str(change.layer)) for text, change in zip(texts, shown, strict=True)])
    if len(shown) < len(changes):
        yield Paragraph(f"  … and {len(changes) - len(shown):,} that explain less (--full)", "dim")


_ASIDES = (re.compile(r" \(as [^()]*\)"), re.compile(r", \d{4}-\d\d-\d\d$"), re.compile(r" \(only by [^()]*\)"))
"""What a sentence is understood without: as which units, on which day it was delivered, by which rows."""


def _brief(text: str) -> str:
    """Shorten a sentence so that it takes two lines, wherever its words end: by its asides first."""
    for aside in _ASIDES:
        if len(textwrap.wrap(text, _ROOM, break_on_hyphens=False)) > _LINES:
            text = aside.sub("", text)
    length = _ROOM * _LINES
    while len(textwrap.wrap(cut := fit(text, length), _ROOM, break_on_hyphens=False)) > _LINES:
        length -= 8
    return cut


def _layers(diff: VersionDiff) -> Iterator[tuple[str, str]]:
    """One line a layer: what differs in it, and what is the same."""
    same = [change.name for change in diff.data if change.kind is Kind.IDENTICAL]
    others = [change.name for change in (*diff.sources, *diff.data) if change.kind is not Kind.IDENTICAL]
    yield "data", _differs(others, same)
    if diff.stages:
        yield "preparation", _preparation(diff.stages)
    files = [*(file.path for file in diff.code.files), *diff.code.opened]
    yield "code", _revision(diff) + _differs(files, diff.code.unchanged, "file")
    environment = [*(package.name for package in diff.environment.packages), *diff.environment.facts]
    yield "environment", _differs(environment, diff.environment.unchanged, "package")
    yield "parameters", _differs([each.name for each in diff.parameters], diff.unchanged_parameters, "parameter")
    measured = diff.evaluation
    metrics = [metric.name for metric in measured.metrics if metric.moved]
    steady = len(measured.metrics) - len(metrics)
    alike = ", ".join(filter(None, (_same(steady, "metric"), _same(measured.unchanged_checks, "check"))))
    moved = [*metrics, *measured.checks]
    yield (
        "evaluation",
        "; ".join(filter(None, (_differs(moved, 0) if moved else "", f"{alike} the same" if alike else ""))),
    )
    if diff.decisions:
        yield "decisions", f"{len(diff.decisions):,} between the two (lineage history)"
    said = list(dict.fromkeys((*diff.first.purged, *diff.second.purged)))
    if said:
        yield "purged", (f"{len(said):,} files, for example " if len(said) > 1 else "") + said[0]


def _differs(moved: Sequence[str], same: int | Sequence[str], noun: str = "") -> str:
    """`train, test differ; 12 files the same`."""
    named = some_of([shorten(name, 30) for name in moved], most=_MAX_NAMES)
    if isinstance(same, int):
        rest = count(same, noun) if same else ""
    else:
        rest = some_of([shorten(name, 30) for name in same], most=_MAX_NAMES)
    if not moved:
        return f"the same ({rest})" if rest else "the same"
    verb = "differs" if len(moved) == 1 else "differ"
    return f"{named} {verb}" + (f"; {rest} the same" if rest else "")


def _preparation(stages: Sequence[StageChange]) -> str:
    """Steps that differ apart from those that are the same and were given, or gave out, something else."""
    moved = [stage for stage in stages if stage.kind is not Kind.IDENTICAL]
    other = [stage.name for stage in moved if stage.differs_itself]
    words = [_differs(other, len(stages) - len(other), "step")]
    for verb, read in (("read", True), ("gave out", False)):
        fed = [shorten(stage.name, 30) for stage in moved if not stage.differs_itself and bool(stage.inputs) is read]
        words += [f"{some_of(fed, most=_MAX_NAMES)} {verb} other data"] if fed else []
    return "; ".join(words)


def _same(number: int, noun: str) -> str:
    return count(number, noun) if number else ""


def _revision(diff: VersionDiff) -> str:
    before, after = (short_digest(revision)[:8] for revision in diff.code.revision)
    dirty = ["*" if dirty else "" for dirty in diff.code.dirty]
    moved = f"{before}{dirty[0]}", f"{after}{dirty[1]}"
    return f"{arrow(*moved)}: " if moved[0] != moved[1] else ""


def _sides(diff: VersionDiff) -> Iterator[Block]:
    yield Heading("The two versions")
    yield Table(
        ["", "version", "record", "committed", "named by"], [_side("before", diff.first), _side("now", diff.second)]
    )
    before, now = _unknown(diff.first), _unknown(diff.second)
    if before and before == now:
        yield Paragraph(f"  not known of either, so that it is not compared: {before}", "warn")
    else:
        sides = (("before", before), ("now", now))
        yield from (Paragraph(f"  not known of the one {word}: {facts}", "warn") for word, facts in sides if facts)
    yield from _purged(diff)


def _purged(diff: VersionDiff) -> Iterator[Block]:
    """Say what was removed from the store, of whichever version."""
    said = dict.fromkeys((*diff.first.purged, *diff.second.purged))
    shown = [shorten(words, 300) for words in list(said)[:_MAX_PURGED]]
    yield from (Paragraph(f"  {words}", "warn") for words in shown)
    if len(said) > _MAX_PURGED:
        yield Paragraph(f"  and {count(len(said) - _MAX_PURGED, 'more file')} purged", "warn")


def _unknown(side: VersionSide) -> str:
    """Return the facts that a version lacks, shortly."""
    paths = dict.fromkeys(line.partition(":")[0] for line in side.missing)
    return shorten(", ".join(paths), _LONGEST)


def _side(word: str, side: VersionSide) -> list[str]:
    names = ", ".join(shorten(alias, 60) for alias in side.aliases) or "–"
    return [word, shorten(side.ref), short_digest(side.digest.hex), utc_time(side.recorded), names]


def _parts(diff: VersionDiff, *, full: bool) -> Iterator[Part]:
    yield data_part(diff, full=full)
    yield preparation_part(diff, full=full)
    yield code_part(diff, full=full)
    yield environment_part(diff, full=full)
    yield parameters_part(diff, full=full)
    yield evaluation_part(diff, full=full)
    yield other_part(diff)
    yield decisions_part(diff, full=full)


def _shown(part: Part, *, full: bool) -> Iterator[Block]:
    """A part in which something differs."""
    if not part.differs:
        return
    yield Heading(part.title)
    yield from part.differs
    if full and part.unfolded:
        yield from part.unfolded
    elif part.same:
        yield Paragraph(f"\n  the same: {part.same}", "dim")


def _folded(parts: Sequence[Part], *, full: bool) -> Iterator[Block]:
    """The parts that are identical, a line each."""
    same = [part for part in parts if not part.differs and part.title in _HAS_IDENTITY]
    if not same:
        return
    yield Heading("Identical")
    yield Pairs([(part.title.lower(), _identical(part)) for part in same])
    if full:
        for part in same:
            yield from [Heading(f"{part.title}, the same in both", 3), *part.unfolded] if part.unfolded else []


def _identical(part: Part) -> str:
    if part.title == "Data":
        return part.same or "none recorded"
    return f"identical, {part.same}" if part.same else "identical"


_BEFORE_AFTER = ("before", "after")


_TUPLE_NAMES: Mapping[str, tuple[str, ...]] = {
    "lines": ("added", "removed"),
    "values": ("value", "before", "after"),
}
"""Fields whose tuples are no pair of before and after."""


_RENAMED = {"stages": "preparation"}


_SIDES = ("first", "second")


def diff_json(diff: VersionDiff) -> Json:
    """Return a comparison, nothing folded away and nothing cut; `changes` come first, most likely first, with text."""
    written = _object_json(replace(diff, changes=()))
    written["changes"] = [change_json(change) for change in diff.changes]
    sides = {name: written.pop(name) for name in _SIDES}
    return {**{name: _side_json(side) for name, side in sides.items()}, "identical": diff.identical, **written}


def change_json(change: Change) -> Json:
    """Return one change: kind, layer, subject, values, evidence and score, and its text."""
    delivery = change.delivery
    return {
        "kind": str(change.kind),
        "layer": str(change.layer),
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
        "columns": list(change.columns),
        "names": list(change.names),
        "evidence": str(change.evidence),
        "delivery": _object_json(delivery) if delivery is not None else None,
        "score": change.score,
        "text": change_text(change),
    }


def _side_json(side: Json) -> Json:
    """Name the record's digest as every verb does."""
    known = side if isinstance(side, dict) else {}
    return {"record" if name == "digest" else name: value for name, value in known.items()}


def _object_json(value: object) -> dict[str, Json]:
    hints = _type_hints(type(value))  # type: ignore[arg-type]  # a class can be hashed
    return {
        _RENAMED.get(each.name, each.name): _field_json(getattr(value, each.name), hints[each.name], each.name)
        for each in dataclasses.fields(value)  # type: ignore[arg-type]  # only dataclasses come here
    } | _derived_json(value)


def _derived_json(value: object) -> dict[str, Json]:
    """What a program would otherwise work out again."""
    difference = getattr(value, "difference", None)
    return {"difference": _value_json(difference)} if hasattr(value, "difference") else {}


@cache
def _type_hints(kind: type) -> dict[str, object]:
    return typing.get_type_hints(kind)


def _field_json(value: object, hint: object, name: str) -> Json:
    """Write a field; the declared type tells a pair from a list of two."""
    if typing.get_origin(hint) is tuple and Ellipsis not in typing.get_args(hint):
        return _tuple_json(value, _TUPLE_NAMES.get(name, _BEFORE_AFTER))
    if isinstance(value, Mapping):
        below = typing.get_args(hint)[1]
        return {str(key): _field_json(item, below, name) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_field_json(item, typing.get_args(hint)[0], name) for item in value]
    return _value_json(value)


def _tuple_json(value: object, names: tuple[str, ...]) -> Json:
    items = value if isinstance(value, tuple) else ()
    return {name: _value_json(item) for name, item in zip(names, items, strict=True)}


def _value_json(value: object) -> Json:
    if isinstance(value, Value):
        return to_json(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, Digest):
        return _object_json(value)
    if isinstance(value, Mapping):
        return {str(key): _value_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value_json(item) for item in value]
    return _scalar_json(value)


def _scalar_json(value: object) -> Json:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Digest):
        return value.hex
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it
    return value if isinstance(value, bool | int | float) or value is None else str(value)
