"""Lineage graph: trace and impact."""
