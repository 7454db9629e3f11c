"""Variable references: parameters that a launch took from environment variables, recorded by the variables' names.

Dagster writes one as `{"env": NAME}` and gives the function its value, which may be a password. A record has the
reference, as it was launched, and never the value.
"""

import os
from collections.abc import Iterator, Mapping

from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.values.canonical import Json

_KEY = "env"


def refer_to_variables(plain: Mapping[str, Json], launched: Mapping[str, Json]) -> dict[str, Json]:
    """Return parameters with references for the values that came from environment variables.

    Where the two have another shape (an alias, a choice between classes), every value that one of the variables named
    there has is replaced.

    Args:
        plain: the values, as training got them.
        launched: the configuration of the launch, in which values may be references.
    """
    others = [value for name, value in launched.items() if name not in plain]
    return {
        name: _refer(value, launched[name]) if name in launched else _by_value(value, others)
        for name, value in plain.items()
    }


def _refer(plain: Json, launched: Json) -> Json:
    if _is_reference(launched) and not isinstance(plain, Mapping):
        return launched
    if isinstance(plain, Mapping) and isinstance(launched, Mapping):
        return refer_to_variables(plain, launched)
    if isinstance(plain, list | tuple) and isinstance(launched, list | tuple) and len(plain) == len(launched):
        return [_refer(value, given) for value, given in zip(plain, launched, strict=True)]
    return _by_value(plain, launched)


def with_defaults(launched: Mapping[str, Json], defaults: Mapping[str, Json]) -> dict[str, Json]:
    """Return a configuration completed from defaults, nested ones too; a default may be a reference itself."""
    merged = {**defaults, **launched}
    for name in launched.keys() & defaults.keys():
        given, default = launched[name], defaults[name]
        if isinstance(given, Mapping) and isinstance(default, Mapping) and not _is_reference(given):
            merged[name] = with_defaults(given, default)
    return merged


def referred_variables(values: Json) -> frozenset[str]:
    """Return the names of the environment variables that values refer to."""
    return frozenset(_referred(values))


def read_variables(values: Json) -> Json:
    """Return values with those of the environment variables in the place of references.

    Raises:
        CaptureError: a variable is not set.
    """
    if _is_reference(values):
        (name,) = referred_variables(values)
        if name not in os.environ:
            fix = f"set it, or pass it on: --pass-env {name}"
            raise CaptureError(f"a parameter is the environment variable {name}, which is not set", fix=fix)
        return os.environ[name]
    if isinstance(values, Mapping):
        return {name: read_variables(value) for name, value in values.items()}
    return [read_variables(value) for value in values] if isinstance(values, list | tuple) else values


def _is_reference(value: Json) -> bool:
    return isinstance(value, Mapping) and list(value) == [_KEY] and isinstance(value[_KEY], str)


def _referred(values: Json) -> Iterator[str]:
    if _is_reference(values):
        yield values[_KEY]  # type: ignore[index, call-overload, misc]
    elif isinstance(values, Mapping | list | tuple):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from _referred(value)


def _by_value(plain: Json, launched: Json) -> Json:
    variables = referred_variables(launched) & os.environ.keys()
    return _replaced(plain, {os.environ[name]: name for name in sorted(variables)}) if variables else plain


def _replaced(plain: Json, names: Mapping[str, str]) -> Json:
    if isinstance(plain, Mapping):
        return {name: _replaced(value, names) for name, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_replaced(value, names) for value in plain]
    return {_KEY: names[str(plain)]} if str(plain) in names else plain
