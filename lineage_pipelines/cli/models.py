"""`lineage models`: what there is."""

import click

from lineage_pipelines.cli.context import Session, answer, format_option


@click.command("models")
@format_option
@click.pass_obj
def command(session: Session, form: str) -> int:
    """List the models of the catalog.

    \b
    Example:
      lineage models --format json
    """
    from lineage_pipelines import reports

    with session.open_catalog() as catalog:
        models = catalog.models()
    answer(form, document=lambda: reports.models_document(models), plain=lambda: reports.models_json(models))
    return 0
