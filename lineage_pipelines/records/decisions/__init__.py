"""Decisions about versions: promotion, approval, keys, reproduction, attribution."""
