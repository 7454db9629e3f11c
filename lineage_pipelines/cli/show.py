"""`lineage show REF`: one version, on one screen or in full."""

import click

from lineage_pipelines.cli.session import Session, answer, format_option, full_option


@click.command("show")
@click.argument("ref")
@full_option("Show everything: preparation, parameters, slices, candidates, environment.")
@format_option
@click.pass_obj
def command(session: Session, ref: str, *, full: bool, form: str) -> int:
    """Show one version: gates, whether it is in production, metric, parameters, inputs, commit, and what is missing.

    \b
    Examples:
      lineage show flight_delay@4
      lineage show flight_delay@4 --full
      lineage show 3f9c2ab1 --format json
    """
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.queries.registry.alias_history import find_standing, list_decisions
    from lineage_pipelines.queries.registry.approval_status import list_approvals
    from lineage_pipelines.queries.registry.baseline import previous_version
    from lineage_pipelines.queries.tombstones import list_tombstones, purged_of
    from lineage_pipelines.queries.versions.analyses import list_attributions, list_reproductions
    from lineage_pipelines.reports.views.show import Sequel, full_document, show_document, show_json

    with session.open_catalog() as catalog:
        entry = resolve(catalog, ref)
        project_dir = session.settings().project_dir
        sequel = Sequel(
            standing=find_standing(catalog, entry),
            decided=list_decisions(catalog, entry.model, version=entry.version),
            approved=list_approvals(catalog, entry.model, version=entry.version, project_dir=project_dir),
            reproduced=list_reproductions(catalog, entry.digest),
            attributed=list_attributions(catalog, entry.digest),
            purged=purged_of(entry.record, list_tombstones(catalog)),
            previous=previous_version(catalog, entry) if entry.partition is not None else None,
        )
    answer(
        form,
        document=lambda: (full_document if full else show_document)(entry, sequel),
        plain=lambda: show_json(entry, sequel),
        full=full,
    )
    return 0
