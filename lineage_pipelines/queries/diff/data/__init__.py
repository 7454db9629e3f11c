"""Data changes: datasets, columns, preparation."""
