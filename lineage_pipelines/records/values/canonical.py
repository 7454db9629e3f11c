"""Canonical bytes: the same content always has the same name.

JSON in the form of RFC 8785 (JCS), with a tag where JSON loses a Python value: `1.0` and `1` are one number in JCS,
and integers from 2**53 on have no exact form. Free values (parameters) therefore travel tagged, `{"$float": "1.0"}`
and `{"$int": "9007199254740992"}`, and come back as they went in.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

import rfc8785

from lineage_pipelines.errors import RecordError

_TYPE_FIX = "use text, whole numbers, finite numbers, true/false, null, lists and mappings"
Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A value as JSON knows it."""
Where = str | tuple["Where", str | int]
"""A place in a value, as a chain of names and indexes: it is put into words (`in_words`) when it is needed."""

_EXACT_INT = 2**53
_MAX_DEPTH = 64
_MAX_STATEMENT_DEPTH = _MAX_DEPTH + 16
"""A value of the greatest depth still fits where the statement puts it (`predicate.candidates[0].parameters`)."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_ALIKE = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]*[1-9])?")
"""A number that JCS writes as Python does: not 1.0, 1e-07 or -0.0, nor an integer that may have no exact form."""
_CONSTANTS = {None: "null", True: "true", False: "false"}
_NESTING = (dict, list)
_TAGS = {"$float": float, "$int": int}


def in_words(where: Where) -> str:
    """Return a place as people read it, `record.data[0].name`."""
    if isinstance(where, str):
        return where
    place, part = where
    return f"{in_words(place)}[{part}]" if isinstance(part, int) else f"{in_words(place)}.{part}"


def canonical_bytes(value: Json) -> bytes:
    """Encode a JSON value by RFC 8785.

    Raises:
        RecordError: the value has no canonical form (NaN, a lone surrogate, an inexact integer, …).
    """
    try:
        return _written(value) or rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise RecordError(f"no canonical form: {error}", fix=_TYPE_FIX) from error


def _written(value: Json) -> bytes | None:
    """Return what `rfc8785.dumps` would, five times as fast; None where it has to say itself."""
    try:
        text = _text(value)
        # Keys are sorted by their UTF-16 code units, which is another order only where there are surrogate pairs.
        paired = len(text.encode("utf-16-le")) != 2 * len(text)
        return None if paired else text.encode()
    except (TypeError, ValueError, RecursionError):
        return None


def _text(value: Any) -> str:  # noqa: ANN401  # whatever it is: rfc8785 refuses what is no JSON
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is dict:
        return "{" + ",".join([f"{encode_basestring(key)}:{_text(item)}" for key, item in sorted(value.items())]) + "}"
    if kind is list:
        return "[" + ",".join([_text(item) for item in value]) + "]"
    if value is None or kind is bool:
        return _CONSTANTS[value]
    if kind is int or kind is float:
        text = repr(value)
        if _ALIKE.fullmatch(text):
            return text
    return rfc8785.dumps(value).decode()


def parse_bytes(data: bytes) -> Json:
    """Parse JSON strictly: UTF-8, no duplicate keys, no NaN, bounded depth.

    Raises:
        RecordError: the bytes are not such JSON.
    """
    try:
        value: Json = _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not valid JSON: {error}", fix="restore the bytes from a copy") from error
    _check_depth(value, _MAX_STATEMENT_DEPTH)
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is given twice")
    return value


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _int(text: str) -> float:
    # JCS writes 1e20 as 100000000000000000000: from 2**53 on, only a float brings such a number back as it was.
    number = int(text)
    return number if abs(number) < _EXACT_INT else _float(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is beyond every number")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_int, parse_float=_float
)


def _check_depth(value: Json, left: int) -> None:
    if left == 0:
        raise RecordError(f"nested deeper than {_MAX_STATEMENT_DEPTH}")
    # Parsed JSON holds nothing else that nests, and a test for Mapping is a third of the time that verifying takes.
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        # At the last level everything is too deep; above it, what does not nest can be passed over.
        if left == 1 or isinstance(item, _NESTING):
            _check_depth(item, left - 1)


def tag(value: Json, *, where: Where = "value", left: int = _MAX_DEPTH) -> Json:
    """Return `value` with a tag wherever plain JSON would lose its type or exactness.

    Args:
        value: any JSON value.
        where: what to call it in an error, or its place in something.
        left: how many levels it may still nest.

    Raises:
        RecordError: a number that is not finite, text that is not Unicode, a key that is not text, or another type.
    """
    if left == 0:
        raise RecordError(f"nested deeper than {_MAX_DEPTH}", where=in_words(where))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return tag_number(value, where=where)
    if isinstance(value, str):
        return check_text(value, where=where)
    if isinstance(value, Mapping):
        return {_check_key(key, where): tag(item, where=(where, key), left=left - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tag(item, where=(where, i), left=left - 1) for i, item in enumerate(value)]
    raise RecordError(f"a {type(value).__name__} cannot be recorded", where=in_words(where), fix=_TYPE_FIX)


def tag_number(value: float, *, where: Where) -> Json:
    """Tag one number where JCS would not bring it back as it is."""
    if isinstance(value, int):
        return value if abs(value) < _EXACT_INT else {"$int": str(value)}
    if not math.isfinite(value):
        raise RecordError(f"the number is not finite ({value})", where=in_words(where))
    return {"$float": repr(value)} if value.is_integer() else value


def check_text(value: str, *, where: Where) -> str:
    """Refuse text that databases and JSON disagree about: NUL and lone surrogates."""
    if "\0" in value or not (value.isascii() or _SURROGATE.search(value) is None):
        raise RecordError("the text holds NUL or half a surrogate pair", where=in_words(where))
    return value


def _check_key(key: object, where: Where) -> str:
    if not isinstance(key, str):
        raise RecordError(f"a key is {type(key).__name__}, not text", where=in_words(where))
    if key in _TAGS:
        raise RecordError(f"the key {key!r} is reserved", where=in_words(where), fix="rename it")
    return check_text(key, where=where)


def untag(value: Json) -> Json:
    """Undo `tag`.

    Raises:
        RecordError: a tag holds something that is not its number.
    """
    if isinstance(value, Mapping):
        if len(value) == 1 and (kind := next(iter(value))) in _TAGS:
            return _untag_number(kind, value[kind])
        return {key: untag(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [untag(item) for item in value]
    return value


def _untag_number(kind: str, text: Json) -> Json:
    try:
        number: Json = _TAGS[kind](text)
    except (TypeError, ValueError) as error:
        raise RecordError(f"{kind} holds {text!r}, not a number") from error
    if not isinstance(text, str) or tag(number) != {kind: text}:
        raise RecordError(f"{kind} holds {text!r}, not the canonical form of a number")
    return number
