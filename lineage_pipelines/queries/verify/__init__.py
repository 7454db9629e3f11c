"""Verification of the catalog: log, checkpoints, decisions, files."""
