"""The one module that may import Dagster's private modules; each line says what it is for."""

# The type that define_asset_job returns; Dagster does not export it.
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,
)

__all__ = ["AssetJob"]
