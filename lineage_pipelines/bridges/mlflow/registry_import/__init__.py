"""Import of an MLflow registry into the catalog, completeness, with what is missing listed for each version."""
