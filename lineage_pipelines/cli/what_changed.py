"""`lineage what-changed MODEL`: a time line, for whoever is called at night."""

from datetime import UTC, datetime

import click

from lineage_pipelines.cli.context import Session, answer, format_option


@click.command("what-changed")
@click.argument("model")
@click.option("--since", metavar="REF|TIME", required=True, help="A version, 2026-12-01T00:00Z, or 7d (m, h, d, w).")
@format_option
@click.pass_obj
def command(session: Session, model: str, since: str, form: str) -> int:
    """List what happened to MODEL since a version or an instant, newest last.

    The first line says which version is live and where the metric moved first.

    \b
    Examples:
      lineage what-changed flight_delay --since 7d
      lineage what-changed flight_delay --since flight_delay@4
    """
    from lineage_pipelines import queries, reports
    from lineage_pipelines.artifacts import ArtifactStore

    settings = session.settings()
    with session.open_catalog() as catalog:
        found = queries.what_changed(
            catalog,
            model,
            since,
            now=datetime.now(UTC),
            artifacts=ArtifactStore(settings.artifacts),
            project_dir=settings.project_dir,
        )
    answer(form, document=lambda: reports.timeline_document(found), plain=lambda: reports.timeline_json(found))
    return 0
