"""Values to JSON and back, by their declared field types.

One rule for every value of this room: a field that is None is left out, everything else is written, and what a newer
schema added is kept in `extra` and written again, so that `encode(decode(bytes)) == bytes`.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records import canonical
from lineage_pipelines.records.canonical import Json
from lineage_pipelines.records.digest import Digest, DigestSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Base of everything that a record says."""

    extra: Mapping[str, Json] = field(default_factory=dict)
    """Fields that this version of the schema does not know, as they were read."""


def format_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds.

    Raises:
        RecordError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise RecordError(f"the time {moment} has no zone", fix="use datetime.now(UTC)")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Read what `format_time` wrote.

    Raises:
        RecordError: the text is not such a time.
    """
    try:
        moment = datetime.fromisoformat(text)  # not strptime, which takes milliseconds to import
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or format_time(moment) != text:
        raise RecordError(f"not a time: {text!r}", fix="write 2013-06-30T12:00:00.000000Z")
    return moment


_HINTS: dict[type, dict[str, Any]] = {}
_FROM_TEXT: dict[type, Callable[[str], object]] = {Digest: Digest.parse, datetime: parse_time}


def to_json(value: Any, where: str = "record") -> Json:  # noqa: ANN401  # any field of any value
    """Encode a value, or anything a field may hold.

    Raises:
        RecordError: something in it has no exact JSON form.
    """
    if isinstance(value, Value | DigestSet):
        return _object_to_json(value, where)
    if isinstance(value, Digest | StrEnum):
        return str(value)
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return [to_json(item, f"{where}[{i}]") for i, item in enumerate(value)]
    return canonical.tag(value, where=where)


def _object_to_json(value: object, where: str) -> Json:
    plain: dict[str, Json] = dict(getattr(value, "extra", {}))
    hints = _hints(type(value))
    for name, hint in hints.items():
        item = getattr(value, name)
        if item is not None:
            plain[name] = _field_to_json(item, hint, f"{where}.{name}")
    return plain


def _field_to_json(item: Any, hint: Any, where: str) -> Json:  # noqa: ANN401
    if hint is float or hint == float | None:
        return _plain_float(item, where)
    if hint == Mapping[str, float]:
        return {canonical.check_text(k, where=where): _plain_float(v, f"{where}.{k}") for k, v in item.items()}
    return to_json(item, where)


def _plain_float(value: float, where: str) -> Json:
    # The schema says float, so the tag would say nothing; only finiteness is at stake.
    canonical.tag_number(float(value), where=where)
    return float(value)


def from_json(kind: Any, plain: Json, where: str = "record") -> Any:  # noqa: ANN401
    """Decode `plain` as `kind`, a field type of this room.

    Raises:
        RecordError: it is not that type.
    """
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _optional(kind, plain, where)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        return tuple(from_json(item, each, f"{where}[{i}]") for i, each in enumerate(_expect(list, plain, where)))
    if kind == Mapping[str, float]:
        return {k: from_json(float, v, f"{where}.{k}") for k, v in _expect(dict, plain, where).items()}
    if origin is Mapping:
        return canonical.untag(_expect(dict, plain, where))
    if isinstance(kind, type):
        return _scalar(kind, plain, where)
    return canonical.untag(plain)


def _optional(kind: Any, plain: Json, where: str) -> Any:  # noqa: ANN401
    members = [m for m in typing.get_args(kind) if m is not types.NoneType]
    if len(members) > 1:  # Json itself
        return canonical.untag(plain)
    return from_json(members[0], plain, where)


def _scalar(kind: type, plain: Json, where: str) -> Any:  # noqa: ANN401
    if dataclasses.is_dataclass(kind) and kind is not Digest:
        return _object_from_json(kind, _expect(dict, plain, where), where)
    if kind in _FROM_TEXT:
        return _FROM_TEXT[kind](_expect(str, plain, where))
    if issubclass(kind, StrEnum):
        return _enum(kind, _expect(str, plain, where), where)
    if kind is float:
        return float(_expect((int, float), plain, where))
    return _expect(kind, canonical.untag(plain), where)


def _enum(kind: type[StrEnum], text: str, where: str) -> StrEnum:
    try:
        return kind(text)
    except ValueError as error:
        raise RecordError(f"{text!r} is none of {', '.join(kind)}", where=where) from error


def _object_from_json(kind: type, plain: dict[str, Json], where: str) -> Any:  # noqa: ANN401
    hints = _hints(kind)
    known = {name: from_json(hint, plain[name], f"{where}.{name}") for name, hint in hints.items() if name in plain}
    unknown = {name: item for name, item in plain.items() if name not in hints}
    if unknown and kind is DigestSet:
        raise RecordError(f"unknown digest algorithm {sorted(unknown)}", where=where)
    try:
        return kind(**known, extra=unknown) if kind is not DigestSet else kind(**known)
    except TypeError as error:
        missing = sorted(set(hints) - set(known))
        raise RecordError(f"fields are missing, among {missing}", where=where) from error


def _expect(kind: Any, plain: Any, where: str) -> Any:  # noqa: ANN401
    if not isinstance(plain, kind) or (isinstance(plain, bool) and kind is not bool):
        found = "nothing" if plain is None else type(plain).__name__
        name = getattr(kind, "__name__", "a number")
        raise RecordError(f"expected {name}, found {found}", where=where)
    return plain


def _hints(kind: type[Any]) -> dict[str, Any]:
    if kind not in _HINTS:
        _HINTS[kind] = _resolve_hints(kind)
    return _HINTS[kind]


def _resolve_hints(kind: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    return {f.name: hints[f.name] for f in fields if f.name != "extra"}
