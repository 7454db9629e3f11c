"""`lineage log MODEL`: the versions of a model."""

import click

from lineage_pipelines.cli.session import Session, answer, format_option, limit_option, page_size


@click.command("log")
@click.argument("model")
@limit_option("versions")
@format_option
@click.pass_obj
def command(session: Session, model: str, limit: int | None, form: str) -> int:
    """List the versions of MODEL, newest first, and mark the data that changed.

    \b
    Example:
      lineage log flight_delay
    """
    from lineage_pipelines.queries.versions.version_log import log_versions
    from lineage_pipelines.reports.views.log import log_document, log_json

    with session.open_catalog() as catalog:
        versions = log_versions(catalog, model, limit=page_size(limit, form))
    answer(
        form,
        document=lambda: log_document(versions),
        plain=lambda: log_json(versions),
        full=limit is not None,
        whole="-n 0",
    )
    return 0
