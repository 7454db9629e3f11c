"""Alignment: the things of two versions side by side, by name, each of either side once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.records.values.canonical import Json

Thing = TypeVar("Thing")
_Part = str | int
_Path = tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class Pair(Generic[Thing]):
    """What has one name on either side; None where there is none."""

    name: str
    before: Thing | None
    after: Thing | None


def paired(first: Iterable[Thing], second: Iterable[Thing], name: Callable[[Thing], str]) -> tuple[Pair[Thing], ...]:
    """Return the things of both sides by their names, in their own order.

    A name that occurs again on one side gets `#2`, so that no thing hides another. What stands at other places on
    the two sides comes by the middle of both: the order is the same whichever side is the first.
    """
    left, right = _named(first, name), _named(second, name)
    places = {each: [*(side[each][0] for side in (left, right) if each in side)] for each in left | right}
    ordered = sorted(places, key=lambda each: (sum(places[each]) / len(places[each]), each))
    nothing = (0, None)
    return tuple(Pair(each, left.get(each, nothing)[1], right.get(each, nothing)[1]) for each in ordered)


def _named(things: Iterable[Thing], name: Callable[[Thing], str]) -> dict[str, tuple[int, Thing]]:
    found: dict[str, tuple[int, Thing]] = {}
    for place, thing in enumerate(things):
        plain, again = name(thing), 1
        unique = plain
        while unique in found:
            again += 1
            unique = f"{plain}#{again}"
        found[unique] = (place, thing)
    return found


def kind_of(before: object, after: object) -> Kind:
    """Return what became of a thing that is not the same on both sides."""
    return Kind.ADDED if before is None else Kind.REMOVED if after is None else Kind.CHANGED


def same_value(before: Json, after: Json) -> bool:
    """Return whether two plain values are one, of one type: 1 is neither 1.0 nor "1", nor True."""
    return type(before) is type(after) and before == after


def flatten(values: Mapping[str, Json]) -> dict[str, Json]:
    """Return nested values by dotted names, items of lists by index: `boosting.leaves[1]`.

    An empty mapping or list is a value itself. Where two places would have one name (a key may hold a dot), their
    keys are quoted: `"a.b"` beside `"a"."b"`.
    """
    leaves = list(_leaves(values, ()))
    shared: dict[str, int] = {}
    for path, _ in leaves:
        plain = _written(path, quoted=False)
        shared[plain] = shared.get(plain, 0) + 1
    flat: dict[str, Json] = {}
    for path, leaf in leaves:
        plain = _written(path, quoted=False)
        flat[plain if shared[plain] == 1 else _written(path, quoted=True)] = leaf
    return flat


def _leaves(value: Json, path: _Path) -> Iterator[tuple[_Path, Json]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
        if not value and path:
            yield path, {}
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
        if not value:
            yield path, []
    else:
        yield path, value


def _written(path: _Path, *, quoted: bool) -> str:
    import json

    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (json.dumps(part, ensure_ascii=False) if quoted else part)
    return text


def changed_values(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[dict[str, tuple[Json, Json]], int]:
    """Return the flat values that differ, by name, and how many are the same. None where a side has none."""
    changed: dict[str, tuple[Json, Json]] = {}
    same = 0
    for name in sorted({**before, **after}):
        if name in before and name in after and same_value(before[name], after[name]):
            same += 1
        else:
            changed[name] = (before.get(name), after.get(name))
    return changed, same
