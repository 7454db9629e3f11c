"""`lineage show REF`: one version, whole."""

import click

from lineage_pipelines.cli.context import Session, answer, format_option


@click.command("show")
@click.argument("ref")
@format_option
@click.pass_obj
def command(session: Session, ref: str, form: str) -> int:
    """Show one version: its data, code, experiment and artifact, what is missing first.

    \b
    Examples:
      lineage show flight_delay@4
      lineage show 3f9c2ab1 --format json
    """
    from lineage_pipelines import queries, reports

    with session.open_catalog() as catalog:
        entry = queries.resolve(catalog, ref)
        decided = queries.list_decisions(catalog, entry.model, version=entry.version)
        approved = queries.list_approvals(
            catalog, entry.model, version=entry.version, project_dir=session.settings().project_dir
        )
        reproduced = queries.list_reproductions(catalog, entry.digest)
        attributed = queries.list_attributions(catalog, entry.digest)
    answer(
        form,
        document=lambda: reports.show_document(entry, decided, approved, reproduced, attributed),
        plain=lambda: reports.show_json(entry, reproduced),
    )
    return 0
