"""Bytes by their digests: hashing, and remembering what has not changed."""
