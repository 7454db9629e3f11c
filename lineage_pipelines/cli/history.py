"""`lineage history MODEL`: which version an alias named when, and who decided that."""

import click

from lineage_pipelines.cli.session import Session, answer, format_option, limit_option, page_size, read_instant


@click.command("history")
@click.argument("model")
@click.option("--alias", help="Only this alias.")
@click.option("--at", metavar="TIME", help="Only the version that --alias named at this time: 2026-03-05T12:00Z.")
@limit_option("decisions, approvals and changed policies")
@format_option
@click.pass_obj
def command(session: Session, model: str, *, alias: str | None, at: str | None, limit: int | None, form: str) -> int:
    """List the decisions, approvals and changed policies of MODEL, newest first: what, when, by whom and why.

    MODEL may be one partition: 'flight_delay[west]'.

    \b
    Examples:
      lineage history flight_delay
      lineage history flight_delay -n 50
      lineage history flight_delay --alias production --at 2026-03-05T12:00Z
    """
    from lineage_pipelines.queries.refs import known_partition
    from lineage_pipelines.queries.registry.alias_history import list_decisions, named_at
    from lineage_pipelines.queries.registry.approval_status import list_approvals
    from lineage_pipelines.queries.registry.policy_in_force import list_policies
    from lineage_pipelines.records.values.model_name import check_alias, split_scoped
    from lineage_pipelines.reports.views.history import history_document, history_json

    instant = read_instant(at, "--at") if at is not None else None
    if instant is not None and alias is None:
        raise click.UsageError("--at needs an alias: add --alias production")
    alias = check_alias(alias) if alias is not None else None
    with session.open_catalog() as catalog:
        wanted = known_partition(catalog, model)
        decided = list_decisions(catalog, wanted.model)
        project_dir = session.settings().project_dir
        approved = list_approvals(catalog, wanted.model, project_dir=project_dir) if instant is None else ()
        policies = list_policies(catalog, wanted.model) if instant is None else ()

    def is_wanted(text: str) -> bool:
        name, identity = split_scoped(text)
        return alias in (None, name) and wanted.includes(identity)

    decided = [each for each in decided if is_wanted(each.decision.alias)]
    approved = [each for each in approved if is_wanted(each.approval.alias)]
    policies = [each for each in policies if each.before is not None and alias in (None, each.change.alias)]
    if instant is not None:
        decided = named_at(decided, instant)
    answer(
        form,
        document=lambda: history_document(decided, approved, policies, limit=page_size(limit, form)),
        plain=lambda: history_json(decided, approved, policies, limit=page_size(limit, form)),
        full=limit is not None,
        whole="-n 0",
    )
    return 0
