"""Limits of MLflow on names and texts: those of its SQL store, the narrowest."""

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.model_name import split_scoped

LONGEST_KEY = 250
LONGEST_PARAMETER = 6000
LONGEST_TAG = 8000
LONGEST_DIGEST = 36
"""Of a dataset: an MD5 of DVC fits whole, a SHA-256 does not."""
_ODD = re.compile(r"[^/\w.\- ]")
_Value = TypeVar("_Value")


def valid_keys(values: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return the same values by keys that MLflow takes, no two of them alike.

    A name that it takes stays as it is. Another one has `_` for each letter that is refused; where that is some other
    value's name, or is cut, it ends with the beginning of a digest of the whole name.
    """
    plain = {name: _plain(name) for name in values}
    taken = {key for name, key in plain.items() if name == key}
    found: dict[str, _Value] = {}
    for name, key in plain.items():
        clear = key == name or (key not in taken and key not in found and len(name) <= LONGEST_KEY)
        found[key if clear else _marked(key, name)] = values[name]
    return found


def valid_alias(alias: str) -> str:
    """Return an alias by a name that MLflow takes: `production[west]` is `production-west` there.

    Where a letter of the identity is refused, the name ends with the beginning of a digest of the whole.
    """
    name, identity = split_scoped(alias)
    if identity is None:
        return name
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", identity)
    return f"{name}-{plain}" if plain == identity else _marked(f"{name}-{plain}", alias)


def _plain(name: str) -> str:
    key = _ODD.sub("_", name)[:LONGEST_KEY]
    if posixpath.normpath(key) != key or key.startswith(("/", "..")) or key == ".":
        key = key.replace("/", "_").strip(".") or "_"
    return key


def _marked(key: str, name: str) -> str:
    return f"{key[: LONGEST_KEY - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def as_text(value: Json) -> str:
    """Return a parameter's value as MLflow would write it: Python's own text, JSON of lists and maps, cut to fit."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    return cut(text, LONGEST_PARAMETER)


def cut(text: str, longest: int) -> str:
    """Return a text, its end replaced by `…` where it is too long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def valid_tags(values: Mapping[str, str | None]) -> dict[str, str]:
    """Return tags without those that have no value, each short enough."""
    return {name: cut(value, LONGEST_TAG) for name, value in values.items() if value}


def filter_value(text: str) -> str:
    """Return a text as a value in a filter of MLflow's searches.

    Raises:
        ValueError: it holds both kinds of quotation marks, which MLflow's filters cannot say.
    """
    mark = "'" if "'" not in text else '"'
    if mark in text:
        raise ValueError(f"a filter of MLflow cannot hold {text[:80]!r}")
    return f"{mark}{text}{mark}"


def chunks(values: Iterable[_Value], size: int) -> Iterable[list[_Value]]:
    """Yield values in lists of at most `size`."""
    part: list[_Value] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
