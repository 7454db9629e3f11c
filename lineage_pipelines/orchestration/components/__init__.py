"""Components for `dg`: `defs.yaml` instead of Python."""
