"""`lineage pin`: protect the data of versions that are or were in production from `dvc gc`."""

from collections.abc import Sequence
from functools import partial

import click

from lineage_pipelines.cli.progress import progress_count
from lineage_pipelines.cli.session import Session, answer, format_option


@click.command("pin")
@click.argument("refs", metavar="[REF]...", nargs=-1)
@click.option(
    "--push/--no-push", default=True, show_default=True, help="Upload the data that DVC's default remote lacks."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, without doing it.")
@format_option
@click.pass_obj
def command(session: Session, *, refs: Sequence[str], push: bool, dry_run: bool, form: str) -> int:
    """Protect the data of REF from `dvc gc`, and upload what the remote lacks.

    Without a REF, every version that is or ever was in production. Every object is read and hashed. Exits with 1 if
    data is missing or was altered, or if the remote still lacks some of it.

    \b
    Examples:
      lineage pin
      lineage pin flight_delay@4 --no-push
      lineage pin --dry-run
    """
    from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
    from lineage_pipelines.datasets.workspace.pins import Pinned, Pinning
    from lineage_pipelines.queries.versions.retention import PinResult, find_data_to_keep
    from lineage_pipelines.reports.views.pin import pin_document, pin_json

    with session.open_catalog() as catalog:
        needed = find_data_to_keep(catalog, refs)
    pinned, pushed = Pinned(), None
    if needed.data:
        project = DvcProject(session.settings().project_dir)
        with progress_count() as progress:
            read = partial(progress, "data files")
            pinning = Pinning(project, folders=needed.folders, dry_run=dry_run, progress=read)
            pinned = pinning.pin(list(needed.data))
            pushed = pinning.push() if push else None
    result = PinResult(kept=needed, pinned=pinned, pushed=pushed, dry_run=dry_run, wants_push=push)
    answer(form, document=lambda: pin_document(result), plain=lambda: pin_json(result))
    return 0 if result.is_complete else 1
