"""Indexes derived from the log: usage, aliases, impact."""
