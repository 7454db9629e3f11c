"""`lineage models`: the models of the catalog."""

import click

from lineage_pipelines.cli.session import Session, answer, format_option, full_option


@click.command("models")
@full_option("Show every model, however many.")
@format_option
@click.pass_obj
def command(session: Session, *, full: bool, form: str) -> int:
    """List the models of the catalog.

    \b
    Example:
      lineage models --format json
    """
    from lineage_pipelines.queries.registry.alias_history import find_holder, live_identities
    from lineage_pipelines.records.values.model_name import PRODUCTION
    from lineage_pipelines.reports.views.models import models_document, models_json

    with session.open_catalog() as catalog:
        models = catalog.models()
        live = {
            model.name: {
                identity: holder.version
                for identity in live_identities(catalog, model.name, PRODUCTION)
                if (holder := find_holder(catalog, model.name, PRODUCTION, identity=identity)) is not None
            }
            for model in models
        }
    answer(
        form,
        document=lambda: models_document(models, live),
        plain=lambda: models_json(models, live),
        full=full,
    )
    return 0
