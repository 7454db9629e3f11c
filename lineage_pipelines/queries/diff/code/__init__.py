"""Code and environment changes."""
