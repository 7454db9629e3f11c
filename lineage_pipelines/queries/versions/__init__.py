"""Versions: log, what changed, bisect, retention, loading."""
