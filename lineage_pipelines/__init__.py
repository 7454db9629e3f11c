"""Model lineage for Dagster and DVC: every model explains itself."""

__version__ = "0.1.0"
