"""`lineage reconcile`: repair what a crash left inconsistent between the catalog, Dagster, MLflow and this machine."""

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.progress import progress_count
from lineage_pipelines.cli.session import Session, answer, format_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.records.values.finding import Finding
    from lineage_pipelines.settings import Settings

_LONGEST = 24.0 * 365 * 100
"""Hours: a century. Much more would be beyond the range of dates."""


@click.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Show what would be done, without doing it.")
@click.option(
    "--older-than",
    metavar="HOURS",
    type=click.FloatRange(min=0, max=_LONGEST),
    default=24.0,
    show_default=True,
    help="The age from which a temporary file counts as abandoned.",
)
@format_option
@click.pass_obj
def command(session: Session, /, *, dry_run: bool, older_than: float, form: str) -> int:
    """Report versions to Dagster whose event was lost, and find events without a record.

    Also closes the attempts of dead processes, and removes the folders and incomplete files that they left. If MLflow
    mirrors the catalog, versions that it lacks are sent to it, and other differences are listed.

    Needs DAGSTER_HOME. Exits with 1 if an event or a version in MLflow has no record, or if MLflow refuses an update
    or is unreachable.

    \b
    Examples:
      lineage reconcile --dry-run
      lineage reconcile
    """
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.orchestration.operations.reconcile import reconcile_here
    from lineage_pipelines.reports.views.reconcile import reconciled_document, reconciled_json

    if math.isnan(older_than):
        raise click.BadParameter("not a number", param_hint="--older-than")
    store = ArtifactStore(session.settings().artifacts)
    with session.open_catalog() if dry_run else session.open_for_writing() as catalog:
        age = timedelta(hours=older_than)
        findings = [
            *reconcile_here(catalog, artifacts=store, older_than=age, dry_run=dry_run),
            *_drift(session.settings(), catalog, dry_run=dry_run),
        ]
    answer(
        form,
        document=lambda: reconciled_document(findings, mirrored=session.settings().mlflow is not None),
        plain=lambda: reconciled_json(findings),
    )
    return 1 if any(finding.failed for finding in findings) else 0


def _drift(settings: "Settings", catalog: "Catalog", *, dry_run: bool) -> "Iterator[Finding]":
    if settings.mlflow is None:
        return
    from lineage_pipelines.bridges.mlflow.delivery_worker import open_mirror
    from lineage_pipelines.bridges.mlflow.mirror_comparison import compare

    with progress_count() as progress:
        yield from compare(catalog, open_mirror(settings), dry_run=dry_run, progress=progress)
