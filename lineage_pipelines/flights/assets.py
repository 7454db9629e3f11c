"""The flights pipeline as Dagster assets."""
