"""`lineage reconcile`: what a crash left behind between the catalog and Dagster."""

import click

from lineage_pipelines.cli.context import Session, answer, format_option


@click.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@format_option
@click.pass_obj
def command(session: Session, dry_run: bool, form: str) -> int:  # noqa: FBT001  # click passes it
    """Report versions to Dagster whose event was lost; find events that no record stands behind.

    Needs DAGSTER_HOME. Exits with 1 when an event has no record.

    \b
    Examples:
      lineage reconcile --dry-run
      lineage reconcile
    """
    from lineage_pipelines import reports
    from lineage_pipelines.orchestration import reconcile_here

    with session.open_catalog() as catalog:
        found = reconcile_here(catalog, dry_run=dry_run)
    rows = [(each.what, each.subject, each.done, each.detail) for each in found]
    answer(form, document=lambda: reports.reconciled_document(rows), plain=lambda: reports.reconciled_json(rows))
    return 1 if any(each.done == "ALARM" for each in found) else 0
