"""Signature of a training function: which arguments are inputs, and which one is the parameters."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lineage_pipelines.errors import CaptureError


class InputKind(Enum):
    """How an input reaches the function."""

    TABLE = "DataFrame"
    PATH = "Path"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSignature:
    """The arguments of a training function."""

    inputs: Mapping[str, InputKind]
    parameters_name: str | None
    parameters_class: type | None
    takes_context: bool


def read_signature(function: Callable[..., object], inputs: Sequence[str]) -> TrainingSignature:
    """Match the arguments of `function` with its declared inputs.

    An input annotated `pandas.DataFrame` arrives as a table, one annotated `Path` as a private, read-only file or
    folder. One more argument may be annotated with a parameter class, and one may be called `context`.

    Raises:
        CaptureError: an argument is neither, or an input has no argument.
    """
    arguments = inspect.signature(function).parameters
    missing = [name for name in inputs if name not in arguments]
    if missing:
        raise _refusal(function, f"has no argument for the input {missing[0]!r}", f"add the argument {missing[0]!r}")
    rest = [name for name in arguments if name not in inputs and name != "context"]
    if len(rest) > 1:
        raise _refusal(
            function,
            f"has arguments that are neither inputs nor parameters: {', '.join(rest)}",
            "declare them in inputs=",
        )
    name = rest[0] if rest else None
    return TrainingSignature(
        inputs={i: _kind(function, arguments[i]) for i in inputs},
        parameters_name=name,
        parameters_class=_resolve(function, arguments[name]) if name else None,
        takes_context="context" in arguments,
    )


def _kind(function: Callable[..., object], argument: inspect.Parameter) -> InputKind:
    # By its last word: training modules import pandas for type checking only, so the name need not resolve.
    annotation = argument.annotation
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    word = text.strip("'\"").rpartition(".")[2]
    for kind in InputKind:
        if kind.value == word:
            return kind
    raise _refusal(
        function,
        f"takes the input {argument.name!r} as {text!r}",
        "annotate it as pandas.DataFrame or pathlib.Path",
    )


def _resolve(function: Callable[..., object], argument: inspect.Parameter) -> type:
    annotation: Any = argument.annotation
    if isinstance(annotation, str):
        annotation = vars(inspect.getmodule(function)).get(annotation, annotation)
    if not isinstance(annotation, type) or annotation is inspect.Parameter.empty:
        raise _refusal(
            function, f"does not say what {argument.name!r} is", f"annotate {argument.name!r} with a parameter class"
        )
    return annotation


def _refusal(function: Callable[..., object], what: str, fix: str) -> CaptureError:
    name = getattr(function, "__qualname__", repr(function))
    return CaptureError(f"{name} {what}", where=f"{function.__module__}:{name}", fix=fix)
