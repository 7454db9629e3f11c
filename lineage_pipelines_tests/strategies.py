"""Hypothesis strategies: any value that a record may hold, by the declared types of its fields.

A field that is added to a value is covered from then on, without a change here.
"""

import string
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from lineage_pipelines.errors import visible
from lineage_pipelines.records.statement.lineage_record import (
    PREDICATE_TYPES,
    SCHEMA_VERSION,
    LineageRecord,
    ModelIdentity,
)
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import Value, field_types
from lineage_pipelines.records.values.digest import Digest, DigestSet

_HEX = "0123456789abcdef"
_EXACT = 2**53 - 1

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
"""Text that a record may hold: neither NUL nor half a surrogate pair."""

paths = texts.map(lambda text: visible(text).replace("..", "_"))
"""Paths that a record may have; see `check_paths`."""
keys = texts.filter(lambda key: key not in {"$float", "$int"})

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
"""Finite numbers, integers beyond 2**53 and whole floats among them."""

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
"""Free values, as parameters are."""

raw_json: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-_EXACT, _EXACT) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
"""JSON as a newer schema may have written it: no tags of ours, numbers as JCS knows them."""

model_names = st.from_regex(r"[a-z0-9]([a-z0-9_-]|\.(?=[a-z0-9])){0,15}", fullmatch=True)
sha256 = st.text(_HEX, min_size=64, max_size=64)
md5 = st.text(_HEX, min_size=32, max_size=32)
digests = st.builds(Digest, st.just("sha256"), sha256) | st.builds(Digest, st.just("md5"), md5)
digest_sets = st.builds(
    DigestSet,
    md5=st.none() | md5 | md5.map(lambda text: text + ".dir"),
    sha256=st.none() | sha256,
)
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 30)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: moments,
    Digest: digests,
    DigestSet: digest_sets,
    Mapping[str, float]: st.dictionaries(texts, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    Mapping[str, int]: st.dictionaries(keys, st.integers(), max_size=3),
}


def fields(kind: Any, schema: int) -> st.SearchStrategy[Any]:
    """Return values of a field's declared type."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if typing.get_origin(kind) is types.UnionType:
        (inner,) = [member for member in typing.get_args(kind) if member is not types.NoneType]
        return st.none() | fields(inner, schema)
    if typing.get_origin(kind) is Mapping:
        return st.dictionaries(keys, json_values, max_size=3)
    if typing.get_origin(kind) is tuple:
        return st.lists(fields(typing.get_args(kind)[0], schema), max_size=2).map(tuple)
    if issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    return values(kind, schema)


def values(kind: type[Value], schema: int = SCHEMA_VERSION) -> st.SearchStrategy[Any]:
    """Return instances of one value class, with fields of a newer schema now and then."""
    hints = field_types(kind, schema)
    known: dict[str, st.SearchStrategy[Any]] = {name: fields(hint, schema) for name, hint in hints.items()}
    known |= {name: paths for name in ("path", "file") if hints.get(name) is str}
    if kind is ModelIdentity:
        known["name"] = model_names
    if kind is Partition:
        known["identity"] = st.text(st.characters(categories=["L", "Nd", "P"]), min_size=1, max_size=12)
    if kind is LineageRecord:
        known["schema_version"] = st.just(schema)
    unknown = st.dictionaries(texts.filter(lambda name: name not in hints), raw_json, max_size=2)
    return st.builds(kind, **known, extra=st.just({}) | unknown)


records: st.SearchStrategy[LineageRecord] = st.deferred(
    lambda: st.one_of([values(LineageRecord, schema) for schema in PREDICATE_TYPES])
)
"""Any valid record, of every schema."""

hex_prefixes = st.text(_HEX, min_size=6, max_size=64)
words = st.text(string.ascii_lowercase, min_size=1, max_size=8)
