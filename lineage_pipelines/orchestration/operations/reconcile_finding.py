"""Reconcile finding: one thing that a crash left behind, and what was done about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One thing that did not fit."""

    what: str
    """`record without event`, `event without record`, `attempt without end`, `stray folder` or `half-written file`."""
    subject: str
    done: str
    """What was done about it, what would be, `waiting`, or `ALARM`."""
    detail: str
