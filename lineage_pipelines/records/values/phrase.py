"""Phrase: counts and short lists in plain words, for messages of every room."""

from collections.abc import Sequence


def count(value: int, noun: str) -> str:
    """Write `1 file`, `1,234 files`."""
    return f"{value:,} {noun}" + ("" if value == 1 else "s")


def some_of(names: Sequence[str], *, most: int = 10) -> str:
    """Return names in one line, the first `most` of them, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")
