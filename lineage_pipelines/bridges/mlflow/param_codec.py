"""Param codec: MLflow's text values as typed values: parameters, metrics and tags, without secrets and NaN."""

import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from lineage_pipelines.capture.secrets import find_secrets, find_tokens, is_secret_name, token_shape
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import to_json

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_TRUTH = {"True": True, "False": False}


def read_value(text: str) -> Json:
    """Return the number or truth value whose Python text this is, exactly; any other text as it is.

    `7`, `0.1` and `True` are values. `007`, `1e-3`, `nan`, `true` and a number of twenty digits stay text: what was
    given to MLflow cannot be told from them.
    """
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) and repr(number) == text else text


WITHHELD = "(left out: it looks like a secret)"
_LOOKS_SECRET = "left out, it looks like a secret"  # noqa: S105  # words, no password
_UNWRITABLE = "left out, its text has no form that a record may hold"
_NUMBER = re.compile(r"-?[0-9][0-9.e+-]{0,39}")
_WORDS: Mapping[str, Json] = {"True": True, "False": False, "None": None}
_RESERVED = ("$float", "$int")
_CLIPPED = 1.79e308
"""MLflow's SQL store writes an infinite number as the largest finite one."""
_LONGEST_GAP = 80


def is_plain(said: Json) -> bool:
    """Say whether values can be kept as they are, but for numbers that are none; looking at all texts at once.

    No text has a secret's shape, no key is a secret's name, and all have a form that a record may hold.
    """
    texts = [*_texts(said)]
    whole = "\n".join(texts)
    if "\0" in whole or not (whole.isascii() or _encodes(whole)) or any(find_tokens(whole.encode())):
        return False
    return not any(_is_odd_key(key) for key in _keys(said))


@lru_cache(50_000)  # runs of one experiment log the same names
def _is_odd_key(key: str) -> bool:
    return is_secret_name(key) or key in _RESERVED


_looks_secret = lru_cache(50_000)(token_shape)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(said: Json) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, Mapping):
        yield from said
        for value in said.values():
            yield from _texts(value)
    elif isinstance(said, list | tuple):
        for value in said:
            yield from _texts(value)


def _keys(said: Json) -> Iterator[str]:
    if isinstance(said, Mapping):
        yield from said
    for value in said.values() if isinstance(said, Mapping) else said if isinstance(said, list | tuple) else ():
        if isinstance(value, Mapping | list | tuple):
            yield from _keys(value)


def shown_text(text: str | None, longest: int) -> str:
    """Return a text of people's, cut; nothing where it looks like a secret."""
    words = plain(text or "")[:longest]
    return "" if token_shape(words) else words


def typed(text: str) -> Json:
    """Return the number, truth value or None that a text is, where writing it again gives the same text; else the text.

    `0.10` stays text: a version number would lose its zero.
    """
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    for read in (int, float):
        try:
            value = read(text)
        except ValueError:
            continue
        if str(value) == text and math.isfinite(value):
            return value
    return text


def read_parameters(texts: Mapping[str, str]) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return the parameters of a run as a record holds them, and what was left out: `parameters.x: why`."""
    values = {name: typed(text) for name, text in texts.items()}
    odd = () if is_plain(values) else tuple(values)
    gaps: list[str] = []
    for name in odd:
        one = {name: values[name]}
        why = _LOOKS_SECRET if find_secrets(one) else "" if _writable(one) else _UNWRITABLE
        if why:
            del values[name]
            gaps.append(f"parameters.{_named(name)}: {why}")
    return values, tuple(gaps)


def read_metrics(numbers: Mapping[str, float]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the metrics of a run that are finite, and what was left out: `evaluation.metrics.x: why`."""
    finite = {name: float(value) for name, value in numbers.items() if math.isfinite(value) and abs(value) < _CLIPPED}
    gaps = [
        f"evaluation.metrics.{_named(name)}: left out, MLflow says {_odd(value)}, which is no number"
        for name, value in numbers.items()
        if name not in finite
    ]
    for name in tuple(finite):
        if _looks_secret(name) or not _is_writable_key(name):
            del finite[name]
            gaps.append(f"evaluation.metrics.{_named(name)}: {_UNWRITABLE}")
    return finite, tuple(gaps)


def _odd(value: float) -> str:
    return "NaN" if math.isnan(value) else "infinity" if value > 0 else "minus infinity"


def _named(name: str) -> str:
    return "(a name that looks like a secret)" if token_shape(name) else plain(name)[:_LONGEST_GAP]


@lru_cache(50_000)
def _is_writable_key(name: str) -> bool:
    return _writable({name: 0})


def _writable(value: object) -> bool:
    try:
        to_json(value)
    except RecordError:
        return False
    return True


def plain(text: str) -> str:
    """Return a text in which U+FFFD or `?` stands for what no record may hold: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if not _writable(text) else text


def without_secrets(said: Json) -> Json:
    """Return everything that MLflow said as a blob may hold it: no secrets, and no number that is none."""
    return _finite(said) if is_plain(said) else _hidden(said)


def _finite(said: Json) -> Json:
    if isinstance(said, Mapping):
        return {name: _finite(value) for name, value in said.items()}
    if isinstance(said, list | tuple):
        return [_finite(value) for value in said]
    return _odd(said) if isinstance(said, float) and not math.isfinite(said) else said


def _kept(said: Json) -> Json:
    if isinstance(said, Mapping):
        return {_key(name): _kept(value) for name, value in said.items()}
    if isinstance(said, list | tuple):
        return [_kept(value) for value in said]
    if isinstance(said, float) and not math.isfinite(said):
        return _odd(said)
    return plain(said) if isinstance(said, str) else said


def _hidden(said: Json) -> Json:
    if isinstance(said, Mapping):
        return {
            WITHHELD if token_shape(name) else _key(name): _hidden_value(name, value) for name, value in said.items()
        }
    if isinstance(said, list | tuple):
        return [_hidden(value) for value in said]
    return WITHHELD if isinstance(said, str) and token_shape(said) else _kept(said)


def _hidden_value(name: str, value: Json) -> Json:
    if isinstance(value, Mapping | list | tuple):
        return _hidden(value)
    return WITHHELD if find_secrets({name: value}) else _kept(value)


def _key(name: str) -> str:
    return f"{plain(name)} " if name in _RESERVED else plain(name)
