"""Run changes: parameters, evaluation, decisions."""
