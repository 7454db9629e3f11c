"""Pipeline: the resolved graph of a DVC project and what DVC recorded for it."""
