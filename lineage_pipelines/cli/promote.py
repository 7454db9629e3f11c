"""`lineage promote`, `reject`, `rollback`, `retire`: decisions about versions, recorded with their reasons."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.session import Session, answer, decider, echo_note, format_option

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.records.decisions.decision import Decision

_reason = click.option("--reason", required=True, help="The reason, recorded in the log.")
_alias = click.option("--alias", default="production", show_default=True, help="The alias.")


@click.command("promote")
@click.argument("ref")
@click.option("--to", "alias", required=True, metavar="ALIAS", help="The alias to point to this version.")
@_reason
@click.option("--override", is_flag=True, help="Promote against the policy; marked as an override everywhere.")
@format_option
@click.pass_obj
def promote(session: Session, /, ref: str, alias: str, reason: str, *, override: bool, form: str) -> int:
    """Point an alias to a version, if the project's policy allows it.

    Exits with 1 and changes nothing if the policy forbids it.

    \b
    Examples:
      lineage promote flight_delay@4 --to production --reason "better on every origin"
      lineage promote flight_delay@5 --to production --reason "the old one is down" --override
    """
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.queries.registry.decision_drafts import (
        draft_promotion,
    )
    from lineage_pipelines.queries.registry.policy_in_force import find_policy
    from lineage_pipelines.records.values.identity_proof import IdentityProof
    from lineage_pipelines.records.values.model_name import check_alias
    from lineage_pipelines.reports.views.history import decision_document, decision_json, policy_difference

    with session.open_for_writing() as catalog:
        entry = resolve(catalog, ref)
        before = find_policy(catalog, entry.model, check_alias(alias))
        decision = draft_promotion(
            catalog,
            entry,
            alias,
            by=decider(),
            known_by=IdentityProof.OS,
            reason=reason,
            project_dir=session.settings().project_dir,
            override=override,
        )
        allowed = decision.override or all(rule.passed for rule in decision.rules)
        seq = catalog.registry.decide(decision) if allowed else None
    if seq is not None:
        session.start_mirroring()
    changed = policy_difference(before.change.policy, decision.policy) if before is not None else ""
    if before is not None and changed:
        echo_note(f"note: the policy of {alias} is not the one in force since entry {before.seq}: {changed}")
    answer(
        form,
        document=lambda: decision_document(decision, seq),
        plain=lambda: decision_json(decision, seq),
    )
    return 0 if allowed else 1


@click.command("reject")
@click.argument("ref")
@_alias
@_reason
@click.pass_obj
def reject(session: Session, ref: str, alias: str, reason: str) -> int:
    """Record that a version must not get an alias, and why.

    \b
    Example:
      lineage reject flight_delay@5 --reason "trained on a month in Celsius"
    """
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.queries.registry.decision_drafts import (
        draft_rejection,
    )
    from lineage_pipelines.records.values.model_name import check_alias

    with session.open_for_writing() as catalog:
        entry = resolve(catalog, ref)
        check_alias(alias)
        decision = draft_rejection(catalog, entry, alias, by=decider(), reason=reason)
        return _commit(session, catalog, decision)


@click.command("rollback")
@click.argument("model")
@_alias
@_reason
@click.pass_obj
def rollback(session: Session, model: str, alias: str, reason: str) -> int:
    """Point an alias back to the version that it named before.

    The alias of one partition is rolled back by its name: 'flight_delay[west]'.

    \b
    Example:
      lineage rollback flight_delay --reason "complaints since noon"
    """
    from lineage_pipelines.queries.refs import known_partition
    from lineage_pipelines.queries.registry.decision_drafts import (
        draft_rollback,
    )
    from lineage_pipelines.records.values.model_name import check_alias

    with session.open_for_writing() as catalog:
        name, identity = known_partition(catalog, model)
        check_alias(alias)
        decision = draft_rollback(catalog, name, alias, identity=identity, by=decider(), reason=reason)
        return _commit(session, catalog, decision)


@click.command("retire")
@click.argument("model")
@_alias
@_reason
@click.pass_obj
def retire(session: Session, model: str, alias: str, reason: str) -> int:
    """Remove an alias, so that it names no version; of one partition by its name: 'flight_delay[west]'.

    \b
    Example:
      lineage retire flight_delay --reason "the product ended"
    """
    from lineage_pipelines.queries.refs import known_partition
    from lineage_pipelines.queries.registry.decision_drafts import (
        draft_retirement,
    )
    from lineage_pipelines.records.values.model_name import check_alias

    with session.open_for_writing() as catalog:
        name, identity = known_partition(catalog, model)
        check_alias(alias)
        decision = draft_retirement(catalog, name, alias, identity=identity, by=decider(), reason=reason)
        return _commit(session, catalog, decision)


def _commit(session: Session, catalog: "Catalog", decision: "Decision") -> int:
    from lineage_pipelines.records.values.identity_proof import IdentityProof

    seq = catalog.registry.decide(replace(decision, known_by=IdentityProof.OS))
    session.start_mirroring()
    what = decision.ref if decision.version is not None else "no version"
    echo_note(f"entry {seq}: {decision.action} {what}, {decision.alias}")
    return 0
