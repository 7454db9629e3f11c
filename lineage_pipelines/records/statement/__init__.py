"""The lineage statement: data, code, run, and the record that binds them."""
