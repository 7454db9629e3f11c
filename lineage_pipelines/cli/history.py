"""`lineage history MODEL`: who was live when, by whose decision."""

import click

from lineage_pipelines.cli.context import Session, answer, format_option, read_instant


@click.command("history")
@click.argument("model")
@click.option("--alias", help="Only this alias.")
@click.option("--at", metavar="TIME", help="Only what was named at this instant, 2026-03-05T12:00Z; needs --alias.")
@format_option
@click.pass_obj
def command(session: Session, model: str, alias: str | None, at: str | None, form: str) -> int:
    """List the decisions about MODEL and the approvals, newest first: what, when, by whom, why.

    \b
    Examples:
      lineage history flight_delay
      lineage history flight_delay --alias production --at 2026-03-05T12:00Z
    """
    from lineage_pipelines import queries, reports
    from lineage_pipelines.records import check_alias

    instant = read_instant(at, "--at") if at is not None else None
    if instant is not None and alias is None:
        raise click.UsageError("--at asks which version an alias named: say which, --alias production")
    alias = check_alias(alias) if alias is not None else None
    with session.open_catalog() as catalog:
        queries.known_model(catalog, model)
        decided = queries.list_decisions(catalog, model, alias)
        project_dir = session.settings().project_dir
        approved = queries.list_approvals(catalog, model, alias, project_dir=project_dir) if instant is None else ()
        if instant is not None:
            before = [each for each in decided if each.at <= instant and each.decision.moves_alias]
            decided = before[-1:]
    answer(
        form,
        document=lambda: reports.history_document(decided, approved),
        plain=lambda: reports.history_json(decided, approved),
    )
    return 0
