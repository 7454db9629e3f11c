"""`lineage show REF`: one version in full."""

import click

from lineage_pipelines.cli.session import Session, answer, format_option


@click.command("show")
@click.argument("ref")
@format_option
@click.pass_obj
def command(session: Session, ref: str, form: str) -> int:
    """Show one version in full: what is missing from its record, data, code, experiment and artifact.

    \b
    Examples:
      lineage show flight_delay@4
      lineage show 3f9c2ab1 --format json
    """
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.queries.registry.alias_history import list_decisions
    from lineage_pipelines.queries.registry.approval_status import list_approvals
    from lineage_pipelines.queries.registry.baseline import previous_version
    from lineage_pipelines.queries.versions.analyses import list_attributions, list_reproductions
    from lineage_pipelines.reports.views.show import show_document, show_json

    with session.open_catalog() as catalog:
        entry = resolve(catalog, ref)
        decided = list_decisions(catalog, entry.model, version=entry.version)
        approved = list_approvals(
            catalog, entry.model, version=entry.version, project_dir=session.settings().project_dir
        )
        reproduced = list_reproductions(catalog, entry.digest)
        attributed = list_attributions(catalog, entry.digest)
        previous = previous_version(catalog, entry) if entry.partition is not None else None
    answer(
        form,
        document=lambda: show_document(entry, decided, approved, reproduced, attributed, previous=previous),
        plain=lambda: show_json(entry, reproduced),
    )
    return 0
