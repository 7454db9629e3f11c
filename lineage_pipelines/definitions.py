"""The code location: what `workspace.yaml` points to."""
