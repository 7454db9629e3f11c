"""The only room that knows SQL: the append-only log of records and its indexes."""
