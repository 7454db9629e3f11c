"""A comparison as JSON: the names of its values, pairs as `before` and `after`."""

import dataclasses
import math
import typing
from collections.abc import Mapping
from datetime import datetime
from functools import cache

from lineage_pipelines.queries.diff.changes import VersionDiff
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import Value, format_time, to_json
from lineage_pipelines.records.values.digest import Digest

_BEFORE_AFTER = ("before", "after")
_NAMED: Mapping[str, tuple[str, ...]] = {
    "lines": ("added", "removed"),
    "partitions": ("changed", "rows"),
    "values": ("value", "before", "after"),
}
"""Fields whose tuples are no pair of before and after."""
_CALLED = {"stages": "preparation"}
_SHARED_SIDES = ("first", "second")


def diff_json(diff: VersionDiff) -> Json:
    """Return a comparison, nothing folded away and nothing cut."""
    written = _object(diff)
    sides = {name: written.pop(name) for name in _SHARED_SIDES}
    return {**{name: _side(side) for name, side in sides.items()}, "identical": diff.identical, **written}


def _side(side: Json) -> Json:
    """Name the record's digest as every verb does."""
    known = side if isinstance(side, dict) else {}
    return {"record" if name == "digest" else name: value for name, value in known.items()}


def _object(value: object) -> dict[str, Json]:
    hints = _hints(type(value))  # type: ignore[arg-type]  # a class can be hashed
    return {
        _CALLED.get(each.name, each.name): _named(getattr(value, each.name), hints[each.name], each.name)
        for each in dataclasses.fields(value)  # type: ignore[arg-type]  # only dataclasses come here
    } | _derived(value)


def _derived(value: object) -> dict[str, Json]:
    """What a program would otherwise work out again."""
    difference = getattr(value, "difference", None)
    return {"difference": _plain(difference)} if hasattr(value, "difference") else {}


@cache
def _hints(kind: type) -> dict[str, object]:
    return typing.get_type_hints(kind)


def _named(value: object, hint: object, name: str) -> Json:
    """Write a field; the declared type tells a pair from a list of two."""
    if typing.get_origin(hint) is tuple and Ellipsis not in typing.get_args(hint):
        return _parts(value, _NAMED.get(name, _BEFORE_AFTER))
    if isinstance(value, Mapping):
        below = typing.get_args(hint)[1]
        return {str(key): _named(item, below, name) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_named(item, typing.get_args(hint)[0], name) for item in value]
    return _plain(value)


def _parts(value: object, names: tuple[str, ...]) -> Json:
    items = value if isinstance(value, tuple) else ()
    return {name: _plain(item) for name, item in zip(names, items, strict=True)}


def _plain(value: object) -> Json:
    if isinstance(value, Value):
        return to_json(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, Digest):
        return _object(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _leaf(value)


def _leaf(value: object) -> Json:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Digest):
        return value.hex
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it
    return value if isinstance(value, bool | int | float) or value is None else str(value)
