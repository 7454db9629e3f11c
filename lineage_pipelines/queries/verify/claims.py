"""Claims: the claims of a catalog that `lineage verify` checks, each with a verdict and what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_SHOWN = 5


class Verdict(StrEnum):
    """The result of a check."""

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


class Defect(NamedTuple):
    """One thing that is wrong."""

    text: str
    entries: Sequence[int] = ()
    """The places in the log of the entries concerned."""


def conclude(claim: str, wrong: Sequence[Defect], right: str) -> CheckedClaim:
    """Return a claim that fails if anything is wrong with it, and passes otherwise.

    Args:
        claim: its name.
        wrong: what is wrong.
        right: the detail if nothing is wrong.
    """
    if not wrong:
        return CheckedClaim(claim=claim, verdict=Verdict.PASS, detail=right)
    words = tuple(defect.text for defect in wrong)
    more = f"; and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
    return CheckedClaim(
        claim=claim,
        verdict=Verdict.FAIL,
        detail="; ".join(words[:_SHOWN]) + more,
        wrong=words,
        entries=tuple(sorted({seq for defect in wrong for seq in defect.entries})),
    )


def not_checked(claim: str, detail: str) -> CheckedClaim:
    """Return a claim that was not checked."""
    return CheckedClaim(claim=claim, verdict=Verdict.NOT_CHECKED, detail=detail)
