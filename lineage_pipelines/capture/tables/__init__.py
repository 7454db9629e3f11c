"""Tables: schema, profile, digests of rows."""
