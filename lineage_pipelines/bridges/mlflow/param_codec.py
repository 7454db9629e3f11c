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

    `7`, `0.1` and `True` are values. `007`, `1e-3`, `nan`, `true` and a number of twenty digits stay text: they do
    not show what MLflow was given.
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


def is_plain(content: Json) -> bool:
    """Return whether a value can be stored as it is, apart from numbers that are not finite.

    Then no text looks like a secret, no key is the name of one, and a record may hold all of them.
    """
    texts = [*_texts(content)]
    whole = "\n".join(texts)
    if "\0" in whole or not (whole.isascii() or _encodes(whole)) or any(find_tokens(whole.encode())):
        return False
    return not any(_is_odd_key(key) for key in _keys(content))


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


def _texts(content: Json) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        yield from content
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _texts(value)


def _keys(content: Json) -> Iterator[str]:
    if isinstance(content, Mapping):
        yield from content
    for value in (
        content.values() if isinstance(content, Mapping) else content if isinstance(content, list | tuple) else ()
    ):
        if isinstance(value, Mapping | list | tuple):
            yield from _keys(value)


def shown_text(text: str | None, longest: int) -> str:
    """Return a text that a user wrote, cut to `longest`; an empty one where it looks like a secret."""
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
        f"evaluation.metrics.{_named(name)}: left out, it is {_odd(value)} in MLflow"
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


def without_secrets(content: Json) -> Json:
    """Return content of MLflow as a blob may hold it: without secrets, with words for numbers that are not finite."""
    return _finite(content) if is_plain(content) else _hidden(content)


def _finite(content: Json) -> Json:
    if isinstance(content, Mapping):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return _odd(content) if isinstance(content, float) and not math.isfinite(content) else content


def _cleaned(content: Json) -> Json:
    if isinstance(content, Mapping):
        return {_key(name): _cleaned(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_cleaned(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return _odd(content)
    return plain(content) if isinstance(content, str) else content


def _hidden(content: Json) -> Json:
    if isinstance(content, Mapping):
        return {
            WITHHELD if token_shape(name) else _key(name): _hidden_value(name, value) for name, value in content.items()
        }
    if isinstance(content, list | tuple):
        return [_hidden(value) for value in content]
    return WITHHELD if isinstance(content, str) and token_shape(content) else _cleaned(content)


def _hidden_value(name: str, value: Json) -> Json:
    if isinstance(value, Mapping | list | tuple):
        return _hidden(value)
    return WITHHELD if find_secrets({name: value}) else _cleaned(value)


def _key(name: str) -> str:
    return f"{plain(name)} " if name in _RESERVED else plain(name)
