"""`lineage what-changed MODEL`: a timeline of a model, for incidents."""

from datetime import UTC, datetime

import click

from lineage_pipelines.cli.session import Session, answer, format_option, limit_option, page_size


@click.command("what-changed")
@click.argument("model")
@click.option(
    "--since",
    metavar="REF|TIME",
    required=True,
    help="A version, 2026-12-01T00:00Z, or 7d (m, h, d, w).",
)
@limit_option("events")
@format_option
@click.pass_obj
def command(session: Session, model: str, since: str, limit: int | None, form: str) -> int:
    """List the events of MODEL since a version or a time, newest last.

    The first line shows which version is in production, where the metric first changed, and what differs there.

    \b
    Examples:
      lineage what-changed flight_delay --since 7d
      lineage what-changed flight_delay --since flight_delay@4
    """
    from lineage_pipelines.queries.versions.what_changed import what_changed
    from lineage_pipelines.reports.views.what_changed import timeline_document, timeline_json

    settings = session.settings()
    with session.open_catalog() as catalog:
        timeline = what_changed(
            catalog,
            model,
            since,
            now=datetime.now(UTC),
            artifacts=session.open_artifacts(catalog),
            project_dir=settings.project_dir,
            limit=page_size(limit, form),
        )
    answer(
        form,
        document=lambda: timeline_document(timeline),
        plain=lambda: timeline_json(timeline),
        full=limit is not None,
        whole="-n 0",
    )
    return 0
