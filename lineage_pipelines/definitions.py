"""Definitions of the code location that `workspace.yaml` points to."""

from lineage_pipelines.flights.assets import defs

__all__ = ["defs"]
