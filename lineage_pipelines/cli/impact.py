"""`lineage impact SUBJECT`: which versions used a file, commit or package."""

from pathlib import Path

import click

from lineage_pipelines.cli.graph_options import answer_drawn, drawing_options
from lineage_pipelines.cli.session import Session, full_option


@click.command("impact")
@click.argument("subject")
@click.option("--in", "alias", metavar="ALIAS", help="Only versions that this alias names now, for example production.")
@full_option("Give each version a line of its own, and name every input.")
@drawing_options
@click.pass_obj
def command(session: Session, subject: str, *, alias: str | None, full: bool, form: str, output: Path | None) -> int:
    """List every version that used SUBJECT, directly or through a preparation step, versions in production first.

    SUBJECT is a path, a file inside a tracked directory, the first characters of an MD5, SHA-256 or commit, a
    package with or without its version, or a REF.

    \b
    Examples:
      lineage impact data/raw/weather-2013-07.csv
      lineage impact scikit-learn==1.9.1 --in production
      lineage impact fe42635a876d --format svg -o impact.svg
    """
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.errors import NotFoundError
    from lineage_pipelines.queries.graph.impact import impact, impact_graph
    from lineage_pipelines.queries.graph.subject import Places, find_subject
    from lineage_pipelines.queries.index_check import check_usage
    from lineage_pipelines.records.values.model_name import check_alias
    from lineage_pipelines.reports.views.impact import impact_document, impact_json

    alias = check_alias(alias) if alias is not None else None
    settings = session.settings()
    places = Places(artifacts=ArtifactStore(settings.artifacts), project_dir=settings.project_dir)
    with session.open_catalog() as catalog:
        try:
            found = find_subject(catalog, subject, places)
        except NotFoundError:
            check_usage(catalog, ())  # an altered index does not know it, either
            raise
        result = impact(catalog, found, alias=alias)
    answer_drawn(
        form,
        output,
        document=lambda: impact_document(result, full=full),
        plain=lambda: impact_json(result),
        graph=lambda: impact_graph(result),
        full=full,
    )
    return 0
