"""`lineage log MODEL`: its versions."""

import click

from lineage_pipelines.cli.context import Session, answer, format_option


@click.command("log")
@click.argument("model")
@format_option
@click.pass_obj
def command(session: Session, model: str, form: str) -> int:
    """List the versions of MODEL, newest first, with what changed in the data.

    \b
    Example:
      lineage log flight_delay
    """
    from lineage_pipelines import queries, reports

    with session.open_catalog() as catalog:
        versions = queries.log_versions(catalog, model)
    answer(form, document=lambda: reports.log_document(versions), plain=lambda: reports.log_json(versions))
    return 0
