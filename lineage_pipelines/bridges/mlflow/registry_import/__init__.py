"""Import of an MLflow registry into the catalog, graded, with what is missing listed for each version."""
