"""DVC nodes as Dagster assets."""
