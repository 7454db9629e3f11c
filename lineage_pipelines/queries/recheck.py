"""Decisions made again: does each still follow from the policy and the records that it names?"""

from collections.abc import Iterator, Sequence

from lineage_pipelines.catalog import Catalog
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.queries.policy import judge, parse_policy
from lineage_pipelines.records import Action, Decision, Digest, LineageRecord


def recheck_decisions(catalog: Catalog, decisions: Sequence[tuple[int, Decision]]) -> Iterator[str]:
    """Yield what is wrong with decisions, in words, each with its place in the log.

    Args:
        catalog: the catalog.
        decisions: place and decision, in order.
    """
    named: dict[tuple[str, str], Digest | None] = {}
    for seq, decision in decisions:
        where = f"entry {seq} (decision)"
        alias = (decision.model, decision.alias)
        if decision.previous != named.get(alias):
            yield f"{where} says that {decision.alias} named another version before than it did"
        yield from (f"{where} {wrong}" for wrong in _recheck(catalog, decision))
        if decision.moves_alias:
            named[alias] = decision.record


def _recheck(catalog: Catalog, decision: Decision) -> Iterator[str]:
    if decision.version is None:
        return
    record = _record(catalog, decision.record)
    if record is None or record.model.name != decision.model:
        yield f"is about {decision.model}@{decision.version}, which has another record"
        return
    if decision.action is not Action.PROMOTE:
        return
    try:
        policy = parse_policy(decision.policy, where="the policy then in force")
    except CatalogError as error:
        yield f"holds no policy: {error.what}"
        return
    rules = judge(policy, record, _record(catalog, decision.previous))
    if rules != decision.rules:
        yield "does not follow from the policy then in force"
    elif not decision.override and not all(rule.passed for rule in rules):
        yield "was made against the policy then in force, and not as an override"


def _record(catalog: Catalog, digest: Digest | None) -> LineageRecord | None:
    try:
        return catalog.by_digest(digest.hex).record if digest is not None else None
    except (NotFoundError, CatalogError):
        return None
