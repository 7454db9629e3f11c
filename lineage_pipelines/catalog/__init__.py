"""The only room that knows SQL: the append-only log, its indexes, and `Catalog`, composed of them."""
