"""The only room that knows MLflow: a mirror of the catalog, and a registry to import from.

MLflow is imported where it is needed, and nowhere else (docs/adr/0016).
"""
