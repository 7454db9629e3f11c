"""Claims: what a check has come to: a claim of the catalog, its verdict, and what is wrong by its place in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_SHOWN = 5


class Verdict(StrEnum):
    """What a check has come to."""

    PASS = "PASS"  # noqa: S105  # no password
    FAIL = "FAIL"
    NOT_CHECKED = "NOT CHECKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedClaim:
    """One claim that the catalog makes, and whether it holds."""

    claim: str
    verdict: Verdict
    detail: str
    wrong: tuple[str, ...] = ()
    """Everything that is wrong, of which `detail` shows the beginning."""
    entries: tuple[int, ...] = ()
    """The places in the log of what is wrong, in order."""


class Wrong(NamedTuple):
    """One thing that is wrong."""

    words: str
    entries: Sequence[int] = ()
    """The places in the log that it is about."""


def conclude(claim: str, wrong: Sequence[Wrong], right: str) -> CheckedClaim:
    """Return a claim that fails when anything is wrong with it, and holds otherwise.

    Args:
        claim: its name.
        wrong: what is wrong.
        right: what is said when nothing is.
    """
    if not wrong:
        return CheckedClaim(claim=claim, verdict=Verdict.PASS, detail=right)
    words = tuple(found.words for found in wrong)
    more = f"; and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
    return CheckedClaim(
        claim=claim,
        verdict=Verdict.FAIL,
        detail="; ".join(words[:_SHOWN]) + more,
        wrong=words,
        entries=tuple(sorted({seq for found in wrong for seq in found.entries})),
    )


def not_checked(claim: str, detail: str) -> CheckedClaim:
    """Return a claim that nobody could check."""
    return CheckedClaim(claim=claim, verdict=Verdict.NOT_CHECKED, detail=detail)
