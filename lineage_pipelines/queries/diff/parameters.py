"""Which effective parameters differ, and which of them nobody set."""

from collections.abc import Mapping

from lineage_pipelines.queries.diff.changes import Kind, ParameterChange
from lineage_pipelines.queries.diff.pairing import changed_values, flatten, same_value
from lineage_pipelines.queries.diff.sources import Blobs
from lineage_pipelines.records import Json, LineageRecord


def compare_parameters(
    first: LineageRecord, second: LineageRecord, blobs: Blobs | None = None
) -> tuple[tuple[ParameterChange, ...], int]:
    """Return the parameters that differ, by their dotted names, and how many are the same.

    A record holds effective values and does not say who set them. A default has moved when on both sides the value is
    the one that the parameter class of the stored sources gives when nobody says another; somebody who typed that
    very value cannot be told apart.

    Args:
        first: the version on the left.
        second: the version on the right.
        blobs: the stored sources; without them no default is known.
    """
    before, after = flatten(first.parameters), flatten(second.parameters)
    changed, unchanged = changed_values(before, after)
    tops = {_top(name, (*first.parameters, *second.parameters)) for name in changed}
    moved = _moved(first, second, tops, blobs) if blobs is not None and changed else frozenset()
    changes = tuple(
        ParameterChange(
            name=name,
            kind=_kind(name in before, name in after),
            before=values[0],
            after=values[1],
            default_moved=_top(name, moved) in moved,
        )
        for name, values in changed.items()
    )
    return changes, unchanged


def same_parameters(first: LineageRecord, second: LineageRecord) -> dict[str, Json]:
    """Return the parameters that are the same, by their dotted names: what `compare_parameters` counts."""
    before, after = flatten(first.parameters), flatten(second.parameters)
    changed, _ = changed_values(before, after)
    return {name: before[name] for name in sorted(before) if name not in changed}


def _kind(was: bool, is_: bool) -> Kind:  # noqa: FBT001  # two sides
    return Kind.CHANGED if was and is_ else Kind.ADDED if is_ else Kind.REMOVED


def _top(name: str, parameters: "tuple[str, ...] | frozenset[str]") -> str:
    """The parameter that a dotted name is a part of, or the name itself."""
    owners = (each for each in parameters if name == each or name.startswith((f"{each}.", f"{each}[")))
    return max(owners, key=len, default=name)


def _moved(first: LineageRecord, second: LineageRecord, names: set[str], blobs: Blobs) -> frozenset[str]:
    """Those parameters that both versions have, with the value of the class on either side."""
    from lineage_pipelines.queries.diff.defaults import class_defaults

    both = {name for name in names if name in first.parameters and name in second.parameters}
    if not both:
        return frozenset()
    defaults = [class_defaults(record, blobs) for record in (first, second)]
    known = {name for name in both if name in defaults[0] and name in defaults[1]}
    known = {name for name in known if not same_value(defaults[0][name], defaults[1][name])}
    return frozenset(
        name
        for name in known
        if _equal(first.parameters[name], defaults[0][name]) and _equal(second.parameters[name], defaults[1][name])
    )


def _equal(value: Json, default: Json) -> bool:
    """Whether a value is a default; a float that is written `1` in the code is recorded as 1.0."""
    if isinstance(value, Mapping) and isinstance(default, Mapping):
        return value.keys() == default.keys() and all(_equal(value[key], default[key]) for key in value)
    if isinstance(value, list | tuple) and isinstance(default, list | tuple):
        return len(value) == len(default) and all(map(_equal, value, default))
    if isinstance(value, bool) or isinstance(default, bool):
        return value is default
    return value == default
