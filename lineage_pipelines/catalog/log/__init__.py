"""The append-only log: entries, reading, writing."""
