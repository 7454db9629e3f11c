"""The code location: what `workspace.yaml` points to."""

from lineage_pipelines.flights.assets import defs

__all__ = ["defs"]
