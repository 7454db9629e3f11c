"""Diff: why two versions differ. What is the same takes one line; what differs is shown."""

import dataclasses
import math
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

from lineage_pipelines.queries.diff.changes import Sentence, VersionDiff, VersionSide
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import Value, format_time, to_json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Ranked, Table
from lineage_pipelines.reports.formatting import short_digest, shorten, utc_time
from lineage_pipelines.reports.views.diff_evaluation import comparability_warnings
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

_MOST_SENTENCES = 10


_LONGEST_SENTENCE = 600


_HAS_IDENTITY = ("Data", "Preparation", "Code", "Environment", "Parameters", "Evaluation")
"""Parts that are listed as identical; the others are left out when they are empty."""


def diff_document(diff: VersionDiff, *, full: bool = False, sentences_last: bool = False) -> Document:
    """Say why two versions are different.

    Args:
        diff: the comparison.
        full: whether to unfold what is identical, and to show patches and long tables whole.
        sentences_last: whether the ranked sentences end the document, where a terminal's reader is left; otherwise
            they begin it.
    """
    sentences = list(_sentences(diff.sentences, full=full))
    parts = list(_parts(diff, full=full))
    body = [block for part in parts for block in _shown(part, full=full)]
    folded = list(_folded(parts, full=full))
    first, last = ([], sentences) if sentences_last else (sentences, [])
    return Document([*_head(diff), *first, *_sides(diff), *body, *folded, *last])


def _head(diff: VersionDiff) -> Iterator[Block]:
    yield Heading(f"Why is {shorten(diff.second.ref)} different from {shorten(diff.first.ref)}?", 1)
    for sentence in comparability_warnings(diff.evaluation):
        yield Paragraph(sentence, "warn")
    if diff.first.model != diff.second.model:
        yield Paragraph(f"These are two models: {shorten(diff.first.model)} and {shorten(diff.second.model)}.", "warn")
    if diff.first.digest == diff.second.digest:
        yield Paragraph("It is not: both are the same version.")


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


def _unknown(side: VersionSide) -> str:
    """Return the facts that a version lacks, shortly."""
    paths = dict.fromkeys(line.partition(":")[0] for line in side.missing)
    return shorten(", ".join(paths), _LONGEST_SENTENCE)


def _side(word: str, side: VersionSide) -> list[str]:
    names = ", ".join(shorten(alias, 60) for alias in side.aliases) or "–"
    return [word, shorten(side.ref), short_digest(side.digest.hex), utc_time(side.recorded), names]


def _sentences(sentences: Sequence[Sentence], *, full: bool) -> Iterator[Block]:
    yield Heading("What differs, the most likely explanation first")
    shown = sentences if full else sentences[:_MOST_SENTENCES]
    yield Ranked([(shorten(sentence.text, _LONGEST_SENTENCE), sentence.layer) for sentence in shown])
    if len(shown) < len(sentences):
        yield Paragraph(f"  … and {len(sentences) - len(shown):,} that explain less (--full)", "dim")


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
    """Return a comparison, nothing folded away and nothing cut."""
    written = _object_json(diff)
    sides = {name: written.pop(name) for name in _SIDES}
    return {**{name: _side_json(side) for name, side in sides.items()}, "identical": diff.identical, **written}


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
