"""Past trainings run again, outside the workspace: still the same model, and which change made the difference?

Nothing here writes to the workspace, to DVC's state, to Git, to the catalog or to a Dagster instance.
"""
