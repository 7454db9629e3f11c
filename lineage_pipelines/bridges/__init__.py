"""Other systems of record: what they hold is mirrored there, read back and imported, and never the truth."""
