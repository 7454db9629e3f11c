"""Transparency log: Merkle tree (RFC 9162), signatures, checkpoints."""
