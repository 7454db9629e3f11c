"""`lineage doctor`: is this machine set up?"""

import click

from lineage_pipelines.cli.session import Session, answer, format_option


@click.command("doctor")
@format_option
@click.pass_obj
def command(session: Session, form: str) -> int:
    """Check that this machine is set up, and that no interrupted work was left behind.

    Exits with 1 if a check fails.

    \b
    Example:
      lineage doctor
    """
    from lineage_pipelines.queries.doctor import examine
    from lineage_pipelines.reports.views.doctor import doctor_document, doctor_json

    findings = examine(session.settings())
    answer(form, document=lambda: doctor_document(findings), plain=lambda: doctor_json(findings))
    return 1 if any(finding.failed for finding in findings) else 0
