"""The `lineage` command: parse, ask one query, print one report, return one exit code."""
