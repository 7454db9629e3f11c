"""Launch form of a model: a parameter class as a Dagster config, and back.

The author writes a plain dataclass (or a pydantic model, or a `dagster.Config`); its fields, defaults and the
docstrings under the fields become the typed form in the UI's launchpad.
"""

import ast
import dataclasses
import enum
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pydantic

from lineage_pipelines.capture.parameters import class_defaults, effective_parameters
from lineage_pipelines.errors import CaptureError

_PLAIN = (bool, int, float, str)


def config_class(parameters: type) -> type[dg.Config]:
    """Return the Dagster config class of a parameter class.

    Raises:
        CaptureError: a default cannot be recorded (a DataFrame, a lambda, a secret, …), or the class is not one of a
            dataclass, a pydantic model and a Dagster config.
    """
    if issubclass(parameters, dg.Config):
        return parameters
    defaults = class_defaults(parameters)
    if dataclasses.is_dataclass(parameters):
        effective_parameters(defaults)
        names = [field.name for field in dataclasses.fields(parameters) if field.init]
        return _create(parameters, {name: (defaults.get(name, ...), "") for name in names})
    if issubclass(parameters, pydantic.BaseModel):
        model_fields = parameters.model_fields
        return _create(parameters, {n: (defaults.get(n, ...), f.description or "") for n, f in model_fields.items()})
    raise CaptureError(
        f"{parameters.__name__} is not a parameter class",
        fix="write a @dataclass(frozen=True), a pydantic model or a dagster.Config",
    )


def build_parameters(parameters: type, config: dg.Config) -> object:
    """Return an instance of the author's class with the values of a launch."""
    if isinstance(config, parameters):
        return config
    return _instance(parameters, config.model_dump())


def _instance(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _instance(hints[name], item) for name, item in value.items()})  # type: ignore[operator]
    if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel) and isinstance(value, Mapping):
        return kind.model_validate(value)
    if typing.get_origin(kind) in (typing.Union, types.UnionType) and value is not None:
        made = (_instance(member, value) for member in typing.get_args(kind))
        return next((each for each in made if each is not value), value)
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        item = typing.get_args(kind)[0]
        return tuple(_instance(item, each) for each in value)
    if isinstance(kind, type) and issubclass(kind, enum.Enum) and not isinstance(value, enum.Enum):
        return kind(value)
    return value


def _create(parameters: type, fields: Mapping[str, tuple[Any, str]]) -> type[dg.Config]:
    hints = typing.get_type_hints(parameters)
    documented = _field_docs(parameters)
    definitions: dict[str, Any] = {}
    for name, (default, description) in fields.items():
        text = description or documented.get(name)
        definitions[name] = (
            _config_type(hints[name]),
            pydantic.Field(default=_config_value(default), description=text),
        )
    doc = inspect.getdoc(parameters) or ""
    return pydantic.create_model(f"{parameters.__name__}Config", __base__=dg.Config, __doc__=doc, **definitions)


def _config_type(hint: Any) -> Any:
    """The nearest type that Dagster's config knows."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        members = tuple(_config_type(a) for a in args)
        return typing.Union[members]  # noqa: UP007  # built at run time
    if origin in (tuple, list):
        return list[_config_type(args[0])]  # type: ignore[misc]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return config_class(hint)
    if isinstance(hint, type) and issubclass(hint, _PLAIN) and not issubclass(hint, enum.Enum):
        return next(kind for kind in _PLAIN if issubclass(hint, kind))
    return hint


def _config_value(value: Any) -> Any:
    if value is ... or isinstance(value, enum.Enum):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        values = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return config_class(type(value))(**{name: _config_value(item) for name, item in values.items()})
    if isinstance(value, tuple | list):
        return [_config_value(item) for item in value]
    return effective_parameters({"value": value})["value"]


def _field_docs(parameters: type) -> dict[str, str]:
    """The docstrings under the fields of a class, from its source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(parameters)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    docs: dict[str, str] = {}
    for field, after in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            docs[field.target.id] = inspect.cleandoc(after.value.value)
    return docs
