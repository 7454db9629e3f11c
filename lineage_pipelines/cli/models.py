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
    from lineage_pipelines import queries, reports
    from lineage_pipelines.records import PRODUCTION

    with session.open_catalog() as catalog:
        models = catalog.models()
        holders = {model.name: queries.find_holder(catalog, model.name, PRODUCTION) for model in models}
    live = {name: holder.version for name, holder in holders.items() if holder is not None}
    answer(
        form, document=lambda: reports.models_document(models, live), plain=lambda: reports.models_json(models, live)
    )
    return 0
