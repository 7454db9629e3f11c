"""Bounds of a parameter: what its annotation allows, in words for the launch form."""

import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic.fields import FieldInfo

_WORDS = (
    ("gt", "greater than {}"),
    ("ge", "at least {}"),
    ("lt", "less than {}"),
    ("le", "at most {}"),
    ("multiple_of", "a multiple of {}"),
    ("min_length", "not shorter than {}"),
    ("max_length", "not longer than {}"),
    ("pattern", "of the pattern {}"),
)


def split_annotation(hint: Any) -> tuple[Any, tuple[Any, ...]]:  # noqa: ANN401  # whatever an annotation is
    """Return a type without what annotates it, and the constraints among the annotations."""
    if typing.get_origin(hint) is not typing.Annotated:
        return hint, ()
    kind, *rest = typing.get_args(hint)
    return kind, constraints(rest)


def constraints(annotations: Sequence[Any]) -> tuple[Any, ...]:
    """Return those of some annotations that pydantic enforces as bounds."""
    return tuple(each for each in annotations if isinstance(each, FieldInfo) or list(_bounds(each)))


def describe_bounds(hint: Any, found: Sequence[Any]) -> str:  # noqa: ANN401
    """Say in one sentence what a type and its constraints allow; empty if they allow everything.

    Args:
        hint: the type, as it is annotated.
        found: constraints that are not in the type itself.
    """
    words = ", ".join(dict.fromkeys(_words(hint, found)))
    return f"{words[0].upper()}{words[1:]}." if words else ""


def _words(hint: Any, found: Sequence[Any]) -> Iterator[str]:  # noqa: ANN401
    kind, own = split_annotation(hint)
    for each in (*own, *found):
        yield from _bounds(each)
    if typing.get_origin(kind) is typing.Literal:
        values = [value for value in typing.get_args(kind) if value is not None]
        if not all(isinstance(value, str) for value in values):  # texts are choices of the form itself
            yield f"one of {', '.join(map(str, values))}"
        return
    items = typing.get_origin(kind) in (list, tuple)
    for inner in typing.get_args(kind):
        if inner is not Ellipsis:
            yield from (f"each {word}" if items else word for word in _words(inner, ()))


def _bounds(constraint: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(constraint, FieldInfo):
        for each in constraint.metadata:
            yield from _bounds(each)
        return
    # By the names that annotated-types and pydantic share, whichever class has them.
    for name, words in _WORDS:
        value = getattr(constraint, name, None)
        if value is not None and (name, value) != ("min_length", 0):
            yield words.format(value)
