"""The one module that may import Dagster's private modules; each line says what it is for."""

import contextlib
import warnings
from collections.abc import Iterator

import dagster as dg

# The type that define_asset_job returns; Dagster does not export it.
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,
)

__all__ = ["AssetJob", "without_beta_warnings"]


@contextlib.contextmanager
def without_beta_warnings() -> Iterator[None]:
    """Use a beta feature of Dagster without telling the user's users, who have not chosen it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield
