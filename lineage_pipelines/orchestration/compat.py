"""Compatibility with Dagster: the one module that may import its private modules, each line with its reason."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import dagster as dg

# What is raised where a context has no code location: in a run without a process of its own.
from dagster._check import CheckError

# The wrapper in which an op keeps its fields.
from dagster._core.definitions.definition_config_schema import DefinitionConfigSchema

# The type that define_asset_job returns; Dagster does not export it.
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,
)

# Python's keywords and the words that Dagster keeps for itself: an op or output of that name is refused.
from dagster._core.definitions.utils import DISALLOWED_NAMES as RESERVED_NAMES

# A method that returns one object for each instance: Dagster tells definitions apart by identity.
from dagster._utils.cached_method import cached_method

# Cron expressions as Dagster's schedules read them: whether one is valid, and when it was due.
from dagster._utils.schedules import get_latest_completed_cron_tick
from dagster._utils.schedules import is_valid_cron_string as is_valid_cron

# What components of Dagster's own libraries are made with, and Dagster does not export: `translation` of a defs.yaml,
# and the writer of defs.yaml files.
from dagster.components.component_scaffolding import scaffold_component as write_component
from dagster.components.utils.translation import TranslationFn, TranslationFnResolver

__all__ = [
    "RESERVED_NAMES",
    "AssetJob",
    "TranslationFn",
    "TranslationFnResolver",
    "cached_method",
    "decorated_function",
    "fetch_planned",
    "is_valid_cron",
    "latest_cron_tick",
    "replace_config_schema",
    "repository_of",
    "without_beta_warnings",
    "write_component",
]


def decorated_function(asset: dg.AssetsDefinition) -> object:
    """Return the function that Dagster's decorator made an asset of; Dagster has no public way to it.

    None for an asset that nothing makes, such as an output of a frozen stage.
    """
    if not asset.is_executable:
        return None
    function = getattr(asset.node_def, "compute_fn", None)
    return getattr(function, "decorated_fn", function)


def fetch_planned(instance: dg.DagsterInstance, asked: dg.AssetRecordsFilter, *, limit: int, cursor: str | None) -> Any:  # noqa: ANN401
    """Return a page of an asset's planned materializations; Dagster 1 has no other way to them than this one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return instance.fetch_planned_materializations(asked, limit=limit, cursor=cursor)


def latest_cron_tick(cron: str, now: datetime) -> datetime:
    """Return when a cron expression, in UTC, was last due."""
    return get_latest_completed_cron_tick(cron, now, "UTC")


def replace_config_schema(op: dg.OpDefinition, change: Callable[[Any], Any]) -> None:
    """Replace the shape of an op's configuration: a `dagster.Config` says itself which shape it has."""
    field = op.config_schema.as_field()
    replaced = dg.Field(change(field.config_type), description=field.description)
    vars(op)["_config_schema"] = DefinitionConfigSchema(replaced)


def repository_of(context: dg.OpExecutionContext) -> dg.RepositoryDefinition | None:
    """Return the code location that a run belongs to; None in a run that was started from Python alone."""
    try:
        return context.repository_def
    except CheckError:
        return None


@contextlib.contextmanager
def without_beta_warnings() -> Iterator[None]:
    """Use a beta or preview feature of Dagster without a warning to people who have not chosen it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield
