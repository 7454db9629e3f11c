"""YAML fields that several components have, with their descriptions and examples."""

from importlib import import_module
from typing import Annotated, Any

import dagster as dg

from lineage_pipelines.errors import CaptureError


def _resolve_project(context: dg.ResolutionContext, value: str) -> str:
    return str(context.resolve_source_relative_path(context.resolve_value(value, as_type=str)))


ProjectPath = Annotated[
    str,
    dg.Resolver(
        _resolve_project,
        model_field_type=str,
        description="Any folder of the DVC project, relative to this file.",
        examples=["../../.."],
    ),
]
ModelKey = Annotated[
    str, dg.Resolver.default(description="The asset key of the model, parts joined by `/`.", examples=["churn"])
]
Alias = Annotated[
    str, dg.Resolver.default(description="The alias, in small letters.", examples=["production", "staging"])
]
Seconds = Annotated[int, dg.Resolver.default(description="The interval between two looks.", examples=[60])]
SensorName = Annotated[str, dg.Resolver.default(description="The name of the sensor.", examples=["retraining"])]


def referenced_model(key: str) -> dg.AssetsDefinition:
    """Return an asset that stands for a model that another component defines."""
    return dg.AssetsDefinition(specs=[dg.AssetSpec(dg.AssetKey.from_user_string(key))])


def import_object(path: str) -> Any:  # noqa: ANN401  # whatever is imported
    """Import `package.module:name`.

    Raises:
        CaptureError: it is not of this form, or there is no such module or name.
    """
    module, _, name = path.partition(":")
    fix = "write the module and the name: shop.training:churn"
    if not module or not name:
        raise CaptureError(f"{path!r} is no import path", where="defs.yaml", fix=fix)
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise CaptureError(f"{path!r} cannot be imported: {error}", where="defs.yaml", fix=fix) from error
    except AttributeError as error:
        raise CaptureError(f"{module} has no {name}", where="defs.yaml", fix=fix) from error
