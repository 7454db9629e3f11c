"""What a plain YAML word means, by the rules that DVC reads and writes with (YAML 1.2, as ruamel.yaml has it).

PyYAML alone follows YAML 1.1, where `yes` is true, `1:30` is ninety and `1e-3` is text; in dvc.lock that would turn a
recorded parameter into another one. Dates stay text: JSON has none.
"""

import re

_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_FLOAT = re.compile(
    r"""[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
    |[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN)""",
    re.VERBOSE,
)
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)")
_NUMBER_STARTS = frozenset("-+.0123456789")
_BASES = {"0b": 2, "0o": 8, "0x": 16}

Scalar = None | bool | int | float | str


def resolve_plain(text: str) -> Scalar:
    """Return what an unquoted word stands for.

    Raises:
        ValueError: it looks like a number and is none, such as `0x_`.
    """
    if text[:1] in _NUMBER_STARTS:
        return _number(text)
    if text in _NULL:
        return None
    return _BOOL.get(text, text)


def _number(text: str) -> Scalar:
    if _FLOAT.fullmatch(text):
        return to_float(text)
    if _INT.fullmatch(text):
        return to_int(text)
    return text


def to_int(text: str) -> int:
    """Read a YAML integer: decimal (leading zeros allowed), `0b`, `0o` or `0x`, with underscores."""
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    return sign * int(digits, _BASES.get(digits[:2], 10))


def to_float(text: str) -> float:
    """Read a YAML float; `.inf` and `.nan` are floats too."""
    digits = text.replace("_", "").lower()
    return float(digits.replace(".inf", "inf").replace(".nan", "nan"))


def to_bool(text: str) -> bool:
    """Read a YAML boolean.

    Raises:
        ValueError: it is none.
    """
    if text not in _BOOL:
        raise ValueError(text)
    return _BOOL[text]
