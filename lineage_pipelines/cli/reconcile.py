"""`lineage reconcile`: what a crash left behind, between the catalog and Dagster and on this machine."""

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
"""Hours. A century; more than a calendar has would be none."""


@click.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--older-than",
    metavar="HOURS",
    type=click.FloatRange(min=0, max=_LONGEST),
    default=24.0,
    show_default=True,
    help="How old a temporary file is that nobody is writing any more.",
)
@format_option
@click.pass_obj
def command(session: Session, /, *, dry_run: bool, older_than: float, form: str) -> int:
    """Report versions to Dagster whose event was lost; find events that no record stands behind.

    Also gives up attempts whose process is dead, and removes the folders and half-written files that were left. Where
    MLflow mirrors the catalog, it is told what it lacks, and what differs there is listed.

    Needs DAGSTER_HOME. Exits with 1 when an event or a version in MLflow has no record, or MLflow refuses or is away.

    \b
    Examples:
      lineage reconcile --dry-run
      lineage reconcile
    """
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.orchestration.operations.reconcile import reconcile_here
    from lineage_pipelines.reports.views.reconcile import reconciled_document, reconciled_json

    if math.isnan(older_than):
        raise click.BadParameter("not a number of hours", param_hint="--older-than")
    store = ArtifactStore(session.settings().artifacts)
    with session.open_catalog() if dry_run else session.open_for_writing() as catalog:
        age = timedelta(hours=older_than)
        found = [
            *reconcile_here(catalog, artifacts=store, older_than=age, dry_run=dry_run),
            *_drift(session.settings(), catalog, dry_run=dry_run),
        ]
    answer(
        form,
        document=lambda: reconciled_document(found, mirrored=session.settings().mlflow is not None),
        plain=lambda: reconciled_json(found),
    )
    return 1 if any(finding.failed for finding in found) else 0


def _drift(settings: "Settings", catalog: "Catalog", *, dry_run: bool) -> "Iterator[Finding]":
    if settings.mlflow is None:
        return
    from lineage_pipelines.bridges.mlflow.delivery_worker import open_mirror
    from lineage_pipelines.bridges.mlflow.mirror_comparison import compare

    with progress_count() as progress:
        yield from compare(catalog, open_mirror(settings), dry_run=dry_run, progress=progress)
