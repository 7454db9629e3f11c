"""Decision rules: what a rollback, a retirement or a rejection has to rest on, when it is committed and verified later.

A rollback goes back to what the alias has named before: any other version is promoted, under the policy. What the
policy says is stated by promotions alone.
"""

from collections.abc import Collection, Iterator

from lineage_pipelines.records.decisions.decision import Action, Decision
from lineage_pipelines.records.values.digest import Digest


def unfounded(decision: Decision, named: Collection[Digest]) -> str | None:
    """Return why a decision has no ground, as the end of a sentence about it; None if it has.

    Args:
        decision: the decision; whether a promotion follows from its policy is not looked at.
        named: the records that its alias has named before, all that are in question.
    """
    return next(_reasons(decision, named), None)


def _reasons(decision: Decision, named: Collection[Digest]) -> Iterator[str]:
    action, names_one = decision.action, decision.version is not None and decision.record is not None
    if action is Action.RETIRE and (decision.version is not None or decision.record is not None):
        yield "retires an alias, and names a version"
    if action is Action.RETIRE and decision.previous is None:
        yield f"retires {decision.alias}, which named no version"
    if action is not Action.RETIRE and not names_one:
        yield f"is a {action} decision that names no version"
    if action is Action.ROLLBACK and decision.record not in named:
        yield f"goes back to {decision.ref}, which {decision.alias} has never named"
    if action is Action.ROLLBACK and decision.record == decision.previous:
        yield f"goes back to {decision.ref}, which {decision.alias} names already"
    if action is not Action.PROMOTE and (decision.rules or decision.override or decision.approvals):
        yield "states what a policy says, and is no promotion"
