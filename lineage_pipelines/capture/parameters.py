"""Effective parameters: what training was really configured with, defaults included, as values a record can hold.

Called before training, so that what cannot be recorded is refused while nothing has been spent on it.
"""

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from lineage_pipelines.capture.scalars import (
    describe_type,
    duration_seconds,
    format_moment,
    is_missing,
    plain_scalar,
)
from lineage_pipelines.capture.secrets import find_secrets, shown_key
from lineage_pipelines.capture.variable_references import refer_to_variables
from lineage_pipelines.errors import CaptureError, RecordError
from lineage_pipelines.records.values.canonical import Json, canonical_bytes
from lineage_pipelines.records.values.codec import to_json

_WHERE = "parameters"
# A record nests 64 levels in all; parameters are a few levels down (of candidates, five), and a tagged number is one.
_MAX_DEPTH = 56
_MAX_VALUE_BYTES = 64 * 1024
_MAX_TOTAL_BYTES = 1024 * 1024
# Each takes a byte at least; a list of millions is refused before it is copied.
_MAX_ITEMS = _MAX_TOTAL_BYTES
_MAX_INT_BITS = 8 * 1024
_LONG_PATH = 200


def effective_parameters(value: object, launched: Mapping[str, Json] | None = None) -> Mapping[str, Json]:
    """Return parameters as plain values: text, numbers, booleans, null, lists and mappings with text keys.

    Scalars of numpy and pandas become Python's, an `Enum` its value, a `Path` its POSIX text, a `Decimal` or
    `Fraction` its exact text, a time its RFC 3339 text in UTC, a duration its seconds, a set its sorted list. A value
    that came from an environment variable is a reference to it, `{"env": NAME}`.

    Args:
        value: a dataclass, a pydantic model or Dagster `Config`, or a mapping; None for no parameters.
        launched: the configuration that it was made of, in which values may be references; with defaults.

    Raises:
        CaptureError: something in it cannot be recorded: a DataFrame, an array, a function, NaN, a key that is not
            text, a time without zone, a secret, more than 64 kB in one value or 1 MB in all, nested too deeply. The
            message names the key, and never the value.
    """
    if value is None:
        return {}
    fields = _fields(value)
    if fields is None:
        raise _refused(value, _WHERE, "parameters are a dataclass, a pydantic model, a dagster.Config or a mapping")
    plain = _Walk().mapping(fields, _WHERE, _MAX_DEPTH)
    plain = refer_to_variables(plain, launched or {})
    _refuse_secrets(plain)
    _check_sizes(plain)
    return plain


def class_defaults(kind: type) -> dict[str, Any]:
    """Return the defaults of a parameter class, by field; fields without one are left out.

    Args:
        kind: a dataclass, a pydantic model or a Dagster `Config`; any other class has no defaults.
    """
    if dataclasses.is_dataclass(kind):
        return dict(_dataclass_defaults(kind))
    fields: Mapping[str, Any] = getattr(kind, "model_fields", None) or {}
    return {
        name: field.get_default(call_default_factory=True) for name, field in fields.items() if not field.is_required()
    }


def _dataclass_defaults(kind: type) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(kind):
        if field.default is not dataclasses.MISSING:
            yield field.name, field.default
        elif field.default_factory is not dataclasses.MISSING:
            yield field.name, field.default_factory()


def parameter_defaults(kind: type) -> Mapping[str, Json]:
    """Return the defaults of a parameter class as a record holds them; what cannot be recorded is left out.

    Args:
        kind: the class of the value that `effective_parameters` takes.
    """
    plain: dict[str, Json] = {}
    for name, value in class_defaults(kind).items():
        with contextlib.suppress(CaptureError):
            plain |= effective_parameters({name: value})
    return plain


def _fields(value: object) -> Mapping[Any, object] | None:
    """The named parts of a value that has them."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        # Through the class's fields, not through `dump`: a nested value stays what it is until it is looked at.
        names = getattr(type(value), "model_fields", None)
        return {name: getattr(value, name) for name in names} | _extra(value) if names is not None else dump()
    return None


def _extra(value: object) -> dict[str, object]:
    return dict(getattr(value, "model_extra", None) or {})


class _Walk:
    """One conversion, with its count of items."""

    def __init__(self) -> None:
        self.left = _MAX_ITEMS

    def mapping(self, fields: Mapping[Any, object], where: str, left: int) -> dict[str, Json]:
        plain: dict[str, Json] = {}
        for key, item in fields.items():
            name = _plain_key(key, where)
            plain[name] = self.plain(item, f"{where}.{shown_key(name)}", left - 1)
        return plain

    def plain(self, value: object, where: str, left: int) -> Json:
        self.left -= 1
        if left == 0:
            raise CaptureError(f"nested deeper than {_MAX_DEPTH}", where=_short(where), fix="flatten it")
        if self.left < (len(value) if isinstance(value, dict | list | tuple | set | frozenset) else 0):
            raise _too_large(where, "more values than a record holds")
        if hasattr(value, "env_var_name"):  # Dagster's EnvVar: text or a number that is no value
            return {"env": str(value.env_var_name)}
        value = plain_scalar(value)
        fields = _fields(value)
        if fields is not None:
            return self.mapping(fields, where, left)
        if isinstance(value, list | tuple):
            return [self.plain(item, f"{where}[{i}]", left - 1) for i, item in enumerate(value)]
        if isinstance(value, set | frozenset):
            return sorted((self.plain(item, f"{where}{{}}", left - 1) for item in value), key=_sort_key)
        return _plain_leaf(value, where)


def _plain_key(key: object, where: str) -> str:
    if not isinstance(key, str):
        kind = describe_type(key)
        raise CaptureError(f"a key is {kind}, not text", where=_short(where), fix="write the keys as text: str(key)")
    return _plain_text(key, where)


def _sort_key(value: Json) -> bytes:
    return canonical_bytes(to_json(value, _WHERE))


def _plain_leaf(value: object, where: str) -> Json:
    if value is None or isinstance(value, bool):
        return value
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds) and not is_missing(value):
            return convert(value, where)
    raise _refused(value, where)


def _plain_enum(value: Enum, where: str) -> Json:
    inner = plain_scalar(value.value)
    return _plain_leaf(inner, where) if isinstance(inner, str | int | float) else value.name


def _plain_text(value: str, where: str) -> str:
    text = str.__str__(value)
    if len(text) > _MAX_VALUE_BYTES:
        raise _too_large(where, f"text of {len(text):,} characters")
    return _check_text(text, where)


def _check_text(text: str, where: str) -> str:
    try:
        to_json(text, where)
    except RecordError as error:
        raise CaptureError(error.what, where=_short(where), fix="write it without those characters") from error
    return text


def _plain_int(value: int, where: str) -> int:
    if value.bit_length() > _MAX_INT_BITS:
        raise _too_large(where, f"a number of {value.bit_length():,} bits")
    return int(value)


def _plain_float(value: float, where: str) -> float:
    number = float(value)
    if number - number != 0:  # NaN and both infinities
        raise CaptureError(f"the number is not finite ({number})", where=where, fix="use None for 'no limit'")
    return number


def _plain_decimal(value: Decimal, where: str) -> str:
    if not value.is_finite():
        raise CaptureError(f"the number is not finite ({value})", where=where, fix="use None for 'no limit'")
    return _plain_text(str(value), where)


def _plain_moment(value: dt.datetime, where: str) -> str:
    text = format_moment(value)
    if text is None:
        raise CaptureError("the time has no zone", where=where, fix="give it one: datetime(…, tzinfo=UTC)")
    return text


# In this order: an Enum may be text too, and a moment is a date.
_CONVERSIONS: tuple[tuple[type | tuple[type, ...], Callable[[Any, str], Json]], ...] = (
    (Enum, _plain_enum),
    (str, _plain_text),
    (int, _plain_int),
    (float, _plain_float),
    (PurePath, lambda value, where: _plain_text(value.as_posix(), where)),
    (Decimal, _plain_decimal),
    (Fraction, lambda value, where: _plain_text(str(value), where)),
    (dt.datetime, _plain_moment),
    ((dt.date, dt.time), lambda value, _: value.isoformat()),
    (dt.timedelta, lambda value, _: duration_seconds(value)),
)


def _refused(value: object, where: str, fix: str = "") -> CaptureError:
    if hasattr(value, "get_secret_value"):
        return _secret_error([_short(where)])
    named = " (a missing value)" if is_missing(value) else ""
    if callable(value):
        fix = fix or "name it by text, such as 'log1p', and look it up inside the training function"
    fix = fix or "pass data as an input and keep parameters to text, numbers, booleans, lists and mappings"
    return CaptureError(
        f"{describe_type(value)}{named} cannot be recorded as a parameter", where=_short(where), fix=fix
    )


def _refuse_secrets(plain: Mapping[str, Json]) -> None:
    found = find_secrets(plain)
    if found:
        raise _secret_error([f"{_WHERE}.{path}" for path in found])


def _secret_error(paths: list[str]) -> CaptureError:
    return CaptureError(
        "a parameter looks like a secret; secrets never enter a record",
        where=", ".join(_short(path) for path in paths[:10]),
        fix="read it from an environment variable or a Dagster resource where it is used, not from the parameters",
    )


def _check_sizes(plain: Mapping[str, Json]) -> None:
    total = 0
    for key, value in plain.items():
        try:
            size = len(canonical_bytes(to_json(value, f"{_WHERE}.{key}")))
        except RecordError as error:
            raise CaptureError(error.what, where=_short(error.where), fix=error.fix) from error
        total += size + len(key.encode())
        if size > _MAX_VALUE_BYTES:
            raise _too_large(f"{_WHERE}.{key}", f"{size:,} bytes, more than {_MAX_VALUE_BYTES:,} in one value")
    if total > _MAX_TOTAL_BYTES:
        raise _too_large(_WHERE, f"{total:,} bytes, more than {_MAX_TOTAL_BYTES:,} in all")


def _too_large(where: str, how: str) -> CaptureError:
    return CaptureError(
        f"too large to record: {how}",
        where=_short(where),
        fix="put it into a file that DVC tracks and declare it as an input",
    )


def _short(where: str) -> str:
    # Sixty nested keys make a long path; both of its ends say the most.
    return where if len(where) <= _LONG_PATH else f"{where[: _LONG_PATH // 2]}…{where[-_LONG_PATH // 2 :]}"
