"""Parameter changes: which effective parameters differ, and which of them only because their default moved."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lineage_pipelines.queries.diff.alignment import changed_values, flatten, same_value
from lineage_pipelines.queries.diff.changes import Kind, ParameterChange
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json


@dataclass(frozen=True, slots=True)
class ParameterComparison:
    """The parameters of two versions, by their dotted names."""

    changes: tuple[ParameterChange, ...]
    same: Mapping[str, Json]


def compare_parameters(first: LineageRecord, second: LineageRecord) -> ParameterComparison:
    """Return the parameters that differ and those that are the same, by their dotted names.

    A default has moved when each side has the value that is recorded as its default. A record holds effective values
    and does not say who set them: a user who typed the very default cannot be distinguished.

    Args:
        first: the version on the left.
        second: the version on the right.
    """
    before, after = flatten(first.parameters), flatten(second.parameters)
    changed, _ = changed_values(before, after)
    moved = _moved(first, second)
    changes = tuple(
        ParameterChange(
            name=name,
            kind=_kind(name in before, name in after),
            before=values[0],
            after=values[1],
            default_moved=None if moved is None else _top(name, moved) in moved,
        )
        for name, values in changed.items()
    )
    return ParameterComparison(changes, {name: before[name] for name in sorted(before) if name not in changed})


def _kind(was: bool, is_: bool) -> Kind:  # noqa: FBT001  # two sides
    return Kind.CHANGED if was and is_ else Kind.ADDED if is_ else Kind.REMOVED


def _top(name: str, parameters: Collection[str]) -> str:
    """The parameter that a dotted name is a part of, or the name itself."""
    owners = (each for each in parameters if name == each or name.startswith((f"{each}.", f"{each}[")))
    return max(owners, key=len, default=name)


def _moved(first: LineageRecord, second: LineageRecord) -> frozenset[str] | None:
    """The parameters whose default differs and is the value on both sides; None where defaults are not recorded."""
    defaults = (first.parameter_defaults, second.parameter_defaults)
    if defaults[0] is None or defaults[1] is None:
        return None
    both = first.parameters.keys() & second.parameters.keys() & defaults[0].keys() & defaults[1].keys()
    return frozenset(
        name
        for name in both
        if not same_value(defaults[0][name], defaults[1][name])
        and _equal(first.parameters[name], defaults[0][name])
        and _equal(second.parameters[name], defaults[1][name])
    )


def _equal(value: Json, default: Json) -> bool:
    """Whether a value is a default; a float whose default is written `1` in the code is recorded as 1.0."""
    if isinstance(value, Mapping) and isinstance(default, Mapping):
        return value.keys() == default.keys() and all(_equal(value[key], default[key]) for key in value)
    if isinstance(value, list | tuple) and isinstance(default, list | tuple):
        return len(value) == len(default) and all(map(_equal, value, default))
    if isinstance(value, bool) or isinstance(default, bool):
        return value is default
    return value == default
