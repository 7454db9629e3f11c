"""Codec: values to JSON and back, by their declared field types.

One rule for every value of this room: a field that is None is left out, everything else is written, and what a newer
schema added is kept in `extra` and written again, so that `encode(decode(bytes)) == bytes`.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values import canonical
from lineage_pipelines.records.values.canonical import Json, Where, in_words
from lineage_pipelines.records.values.digest import Digest, DigestSet


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


SINCE_2 = types.MappingProxyType({"since": 2})
"""Metadata of a field that schema 2 added to the record: schema 1 neither writes nor reads it."""
NOT_ENCODED = types.MappingProxyType({"encoded": False})
"""Metadata of a field that is not part of the JSON object."""

_Encoder = Callable[[Any, Where], Json]
_Decoder = Callable[[Any, Where], Any]
"""Both take a value and its place, for errors."""


def to_json(value: Any, where: Where = "record", *, schema: int | None = None, drop: bool = False) -> Json:  # noqa: ANN401  # any field of any value
    """Encode a value, or anything a field may hold.

    Args:
        value: what to encode.
        where: its place, for errors.
        schema: the version of the record's schema to write; None for every field there is.
        drop: whether facts that this schema has no field for are left out; else they are refused.

    Raises:
        RecordError: something in it has no exact JSON form, or no field in this schema.
    """
    return _encoding(schema, drop).encode(value, where)


class _Encoding:
    """How values are written in one version of the schema."""

    def __init__(self, schema: int | None, *, drop: bool) -> None:
        self._schema = schema
        self._drop = drop
        self._encoders: dict[type, _Encoder] = {str: _text_to_json}
        """Of the most frequent types. A class joins them when its first value is met."""

    def encode(self, value: Any, where: Where) -> Json:  # noqa: ANN401
        return self._encoders.get(type(value), self._encode_any)(value, where)

    def _encode_any(self, value: Any, where: Where) -> Json:  # noqa: ANN401
        if isinstance(value, Value | DigestSet):
            encode = self._encoders[type(value)] = self._object_encoder(type(value))
            return encode(value, where)
        if isinstance(value, Digest | StrEnum):
            return str(value)
        if isinstance(value, datetime):
            return format_time(value)
        if isinstance(value, tuple):
            return [self.encode(item, (where, i)) for i, item in enumerate(value)]
        return canonical.tag(value, where=where)

    def _object_encoder(self, kind: type) -> _Encoder:
        encoders = tuple((name, self._field_encoder(hint)) for name, hint in field_types(kind, self._schema).items())
        later = () if self._drop else tuple(field_types(kind).keys() - field_types(kind, self._schema).keys())

        def encode(value: Any, where: Where) -> Json:  # noqa: ANN401
            plain: dict[str, Json] = dict(getattr(value, "extra", ()))
            for name, write in encoders:
                item = getattr(value, name)
                if item is not None:
                    plain[name] = write(item, (where, name))
            for name in later:
                if getattr(value, name):
                    fix = "leave it out, or write the record in the newest schema"
                    raise RecordError(f"schema {self._schema} has no field {name}", where=in_words(where), fix=fix)
            return plain

        return encode

    def _field_encoder(self, hint: Any) -> _Encoder:  # noqa: ANN401
        if hint is float or hint == float | None:
            return _plain_float
        return _floats_to_json if hint == Mapping[str, float] else self.encode


@functools.cache
def _encoding(schema: int | None, drop: bool) -> _Encoding:  # noqa: FBT001
    return _Encoding(schema, drop=drop)


def _text_to_json(value: str, where: Where) -> Json:
    return canonical.check_text(value, where=where)


def _floats_to_json(value: Mapping[str, float], where: Where) -> Json:
    return {
        canonical.check_text(name, where=where): _plain_float(number, (where, name)) for name, number in value.items()
    }


def _plain_float(value: float, where: Where) -> Json:
    # The schema says float, so the tag would say nothing; only finiteness is at stake.
    canonical.tag_number(float(value), where=where)
    return float(value)


def from_json(kind: Any, plain: Json, where: Where = "record", *, schema: int | None = None) -> Any:  # noqa: ANN401
    """Decode `plain` as `kind`, a field type of this room, in a version of the record's schema (None: every field).

    Raises:
        RecordError: it is not that type.
    """
    return _decoder(kind, schema)(plain, where)


@functools.cache
def _decoder(kind: Any, schema: int | None) -> _Decoder:  # noqa: ANN401
    origin, members = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        some = [member for member in members if member is not types.NoneType]
        return _decoder(some[0], schema) if len(some) == 1 else _free  # Json itself is one of many
    if origin is tuple:
        return functools.partial(_tuple_from_json, _decoder(members[0], schema))
    if kind == Mapping[str, float]:
        return _floats_from_json
    if origin is Mapping:
        return lambda plain, where: canonical.untag(_expect(dict, plain, where))
    return _scalar_decoder(kind, schema) if isinstance(kind, type) else _free


def _scalar_decoder(kind: type, schema: int | None) -> _Decoder:
    if dataclasses.is_dataclass(kind) and kind is not Digest:
        return _object_decoder(kind, schema)
    if kind in _FROM_TEXT:
        return functools.partial(_from_text, _FROM_TEXT[kind])
    if issubclass(kind, StrEnum):
        return functools.partial(_enum, kind)
    return _float if kind is float else functools.partial(_plain, kind)


_FROM_TEXT: dict[type, Callable[[str], object]] = {Digest: Digest.parse, datetime: parse_time}


def _free(plain: Json, where: Where) -> Json:  # noqa: ARG001  # as every decoder
    return canonical.untag(plain)


def _plain(kind: type, plain: Json, where: Where) -> Json:
    return plain if type(plain) is kind else _expect(kind, canonical.untag(plain), where)


def _float(plain: Json, where: Where) -> float:
    return float(_expect((int, float), plain, where))


def _from_text(parse: Callable[[str], object], plain: Json, where: Where) -> object:
    return parse(_expect(str, plain, where))


def _enum(kind: type[StrEnum], plain: Json, where: Where) -> StrEnum:
    text = _expect(str, plain, where)
    try:
        return kind(text)
    except ValueError as error:
        raise RecordError(f"{text!r} must be one of {', '.join(kind)}", where=in_words(where)) from error


def _tuple_from_json(decode: _Decoder, plain: Json, where: Where) -> tuple[Any, ...]:
    return tuple([decode(item, (where, i)) for i, item in enumerate(_expect(list, plain, where))])


def _floats_from_json(plain: Json, where: Where) -> dict[str, float]:
    return {name: _float(number, (where, name)) for name, number in _expect(dict, plain, where).items()}


_AS_IT_IS: Mapping[Any, type] = {hint: kind for kind in (str, int, bool, float) for hint in (kind, kind | None)}
"""By the type of a field, the type of a value that is taken as JSON has it: most are, and this is ten times as fast."""


def _object_decoder(kind: type, schema: int | None) -> _Decoder:
    hints = field_types(kind, schema)
    decoders = tuple((name, _AS_IT_IS.get(hint), _decoder(hint, schema)) for name, hint in hints.items())

    def decode(plain: Any, where: Where) -> Any:  # noqa: ANN401
        if type(plain) is not dict:
            _expect(dict, plain, where)
        known: dict[str, Any] = {
            name: value if type(value := plain[name]) is exact else read(value, (where, name))
            for name, exact, read in decoders
            if name in plain
        }
        unknown = {name: plain[name] for name in plain if name not in known} if len(known) < len(plain) else {}
        if unknown and kind is DigestSet:
            raise RecordError(f"unknown digest algorithm {sorted(unknown)}", where=in_words(where))
        try:
            return kind(**known, extra=unknown) if kind is not DigestSet else kind(**known)
        except TypeError as error:
            missing = sorted(hints.keys() - known.keys())
            raise RecordError(f"fields are missing, among {missing}", where=in_words(where)) from error

    return decode


def _expect(kind: Any, plain: Any, where: Where) -> Any:  # noqa: ANN401
    if not isinstance(plain, kind) or (isinstance(plain, bool) and kind is not bool):
        found = "nothing" if plain is None else type(plain).__name__
        name = getattr(kind, "__name__", "a number")
        raise RecordError(f"expected {name}, found {found}", where=in_words(where))
    return plain


def field_types(kind: type, schema: int | None = None) -> dict[str, Any]:
    """Return the encoded fields of a value class and their types, in a version of the record's schema (None: all)."""
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind) if _is_encoded(f, schema)}


def _is_encoded(field_: dataclasses.Field[Any], schema: int | None) -> bool:
    since: int = field_.metadata.get("since", 1)
    return field_.name != "extra" and field_.metadata.get("encoded", True) and (schema is None or since <= schema)
