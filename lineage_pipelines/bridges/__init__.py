"""Other systems of record."""
