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
from typing import Annotated, Any, Literal

import dagster as dg
import pydantic

from lineage_pipelines.capture.parameters import class_defaults, effective_parameters
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.orchestration.training.bounds import constraints, describe_bounds, split_annotation

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
        _refuse_init_only(parameters)
        hints = typing.get_type_hints(parameters, include_extras=True)
        names = [field.name for field in dataclasses.fields(parameters) if field.init]
        return _create(parameters, {name: _FormField(hints[name], defaults.get(name, ...)) for name in names})
    if issubclass(parameters, pydantic.BaseModel):
        fields = {
            name: _FormField(f.annotation, defaults.get(name, ...), f.description or "", constraints(f.metadata))
            for name, f in parameters.model_fields.items()
        }
        return _create(parameters, fields)
    raise CaptureError(
        f"{parameters.__name__} is not a parameter class",
        fix="write a @dataclass(frozen=True), a pydantic model or a dagster.Config",
    )


def build_parameters(parameters: type, config: dg.Config) -> object:
    """Return an instance of the author's class with the values of a launch."""
    if isinstance(config, parameters):
        return config
    return _instance(parameters, _without_choices(config.model_dump(warnings=False)))


class _Choice(enum.Enum):
    """Base of the choices that are made of a Literal."""


def _without_choices(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_choices(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_choices(item) for item in value]
    return value.value if isinstance(value, _Choice) else value


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


@dataclasses.dataclass(frozen=True)
class _FormField:
    """A field of a parameter class."""

    hint: Any
    default: Any
    """`...` for none."""
    description: str = ""
    found: tuple[Any, ...] = ()
    """Constraints that are not in the hint."""


def _refuse_init_only(parameters: type) -> None:
    """Refuse arguments that no instance keeps: the record could not say what a model was trained with."""
    kept = {field.name for field in dataclasses.fields(parameters)}
    for name in inspect.signature(parameters).parameters:
        if name not in kept:
            raise CaptureError(
                f"{parameters.__name__}.{name} is an InitVar, which no instance keeps: no record could state it",
                where=f"{parameters.__module__}:{parameters.__qualname__}",
                fix=f"make {name} a field, and compute what follows from it in a property",
            )


def _create(parameters: type, fields: Mapping[str, _FormField]) -> type[dg.Config]:
    documented = _field_docs(parameters)
    definitions: dict[str, Any] = {}
    for name, field in fields.items():
        kind, own = split_annotation(field.hint)
        found = (*own, *field.found)
        text = " ".join(filter(None, [field.description or documented.get(name), describe_bounds(kind, found)]))
        form = _config_type(kind, f"{parameters.__name__}.{name}", top=True)
        definitions[name] = (
            _annotated(form, found),
            pydantic.Field(default=_config_value(field.default), description=text or None),
        )
    doc = inspect.getdoc(parameters) or ""
    return pydantic.create_model(f"{parameters.__name__}Config", __base__=dg.Config, __doc__=doc, **definitions)


def _annotated(kind: Any, found: tuple[Any, ...]) -> Any:
    return Annotated[(kind, *found)] if found else kind


def _config_type(hint: Any, where: str, *, top: bool = False) -> Any:
    """The nearest type that Dagster's config knows."""
    hint, found = split_annotation(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return _annotated(_choices(hint, where, top=top), found)
    if origin in (typing.Union, types.UnionType):
        members = tuple(_config_type(a, where) for a in args)
        return _annotated(typing.Union[members], found)  # noqa: UP007  # built at run time
    if origin in (tuple, list):
        return _annotated(list[_config_type(args[0], where)], found)  # type: ignore[misc]
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or issubclass(hint, pydantic.BaseModel)):
        return config_class(hint)
    if isinstance(hint, type) and issubclass(hint, _PLAIN) and not issubclass(hint, enum.Enum):
        return _annotated(next(kind for kind in _PLAIN if issubclass(hint, kind)), found)
    return _annotated(hint, found)


def _choices(hint: Any, where: str, *, top: bool) -> Any:
    """A Literal: texts are choices of the form; other values are scalars that are checked."""
    values = [value for value in typing.get_args(hint) if value is not None]
    kinds = {type(value) for value in values}
    kind = next(iter(kinds), None)
    if len(kinds) != 1 or kind not in _PLAIN:
        fix = "write values of one kind: texts, or whole numbers"
        raise CaptureError(f"{where} is {hint}, whose values are not of one kind that a form has", where=where, fix=fix)
    if len(values) < len(typing.get_args(hint)):
        return _choices(Literal[tuple(values)], where, top=False) | None
    if kind is str and top:
        return hint
    if kind is str:  # Dagster takes a Literal as a field only, an Enum also within a list
        return _Choice("_".join(values), {value: value for value in values})  # type: ignore[call-arg]  # a subclass
    return Annotated[kind, pydantic.AfterValidator(_one_of(values))]


def _one_of(values: list[Any]) -> Any:
    def check(value: Any) -> Any:
        if value not in values:
            raise ValueError(f"Input should be one of {', '.join(map(str, values))}")
        return value

    return check


def _config_value(value: Any) -> Any:
    if value is ... or isinstance(value, enum.Enum):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        values = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return config_class(type(value))(**{name: _config_value(item) for name, item in values.items()})
    if isinstance(value, pydantic.BaseModel) and not isinstance(value, dg.Config):
        values = {name: getattr(value, name) for name in type(value).model_fields}
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
