"""Partitions of a model: which one a run is for, and what its inputs are."""
