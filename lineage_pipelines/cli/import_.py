"""`lineage import mlflow`: import the models of another system into the catalog."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.progress import progress_line
from lineage_pipelines.cli.session import Session, answer, decider, format_option

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.settings import Settings


@click.group("import")
def command() -> None:
    """Import models of other systems into the catalog.

    \b
    Example:
      lineage import mlflow --tracking-uri http://mlflow.example.org --dry-run
    """


@command.command("mlflow")
@click.option(
    "--tracking-uri",
    metavar="URI",
    help="MLflow's server or store; by default MLFLOW_TRACKING_URI, then pyproject.toml.",
)
@click.option(
    "--model", "models", metavar="NAME", multiple=True, help="Import only this registered model; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Show what would be imported, without writing anything.")
@click.option(
    "--artifacts",
    type=click.Choice(["copy", "none"]),
    default="copy",
    show_default=True,
    help="Whether to copy model files into the artifact store.",
)
@click.option(
    "--artifact-root",
    "roots",
    metavar="FOLDER",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of this machine that model files may be copied from; may be repeated.",
)
@click.option(
    "--max-size",
    metavar="GB",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Copy no model folder that is larger.",
)
@click.option(
    "--rename", "renames", metavar="THEIRS=OURS", multiple=True, help="Give a model another name; may be repeated."
)
@format_option
@click.pass_obj
def mlflow(
    session: Session,
    /,
    *,
    tracking_uri: str | None,
    models: Sequence[str],
    dry_run: bool,
    artifacts: str,
    roots: Sequence[Path],
    max_size: float,
    renames: Sequence[str],
    form: str,
) -> int:
    """Import the registered models of MLflow into the catalog, which is created if missing.

    Every version becomes a record that states what is declared, inferred and missing. No model is loaded. Versions
    that were imported before are left as they are, so the command can be repeated, also after an interruption. Exits
    with 1 if something was skipped or could not be read.

    \b
    Examples:
      lineage import mlflow --tracking-uri http://mlflow.example.org --dry-run
      lineage import mlflow --tracking-uri sqlite:///mlflow.db --model "Flight delays" --rename "Flight delays=delays"
    """
    from lineage_pipelines.bridges.mlflow.registry_import.folder_copy import copy_rules
    from lineage_pipelines.bridges.mlflow.registry_import.importer import check_registry, import_registry
    from lineage_pipelines.bridges.mlflow.server import is_tracking_uri
    from lineage_pipelines.reports.views.import_ import import_document, import_json

    settings = session.settings()
    address = tracking_uri or settings.mlflow
    if not address:
        raise click.UsageError("no MLflow server is configured: give --tracking-uri or set MLFLOW_TRACKING_URI")
    if not is_tracking_uri(address):
        what = f"{address[:100]} is no address of MLflow: http://HOST:PORT, sqlite:///mlflow.db or a folder"
        raise click.BadParameter(what, param_hint="--tracking-uri")
    renamed = _renamed(renames)
    check_registry(address, models)
    with _opened(settings, dry_run=dry_run) as catalog, progress_line() as show:
        result = import_registry(
            address,
            catalog=catalog,
            artifacts=settings.artifacts,
            project_dir=settings.project_dir,
            by=decider(),
            models=models,
            renamed=renamed,
            copy=artifacts == "copy",
            rules=copy_rules(address, roots, max_size),
            dry_run=dry_run,
            progress=lambda model, done, count: show(f"{model[:50]}: {done:,} of {max(count, done):,} versions"),
        )
    answer(form, document=lambda: import_document(result), plain=lambda: import_json(result))
    return 0 if result.is_clean else 1


def _renamed(renames: Sequence[str]) -> dict[str, str]:
    """Return our name of each renamed model, by its name in MLflow.

    Raises:
        BadParameter: a text is not of the form THEIRS=OURS, or a model is renamed twice.
    """
    result: dict[str, str] = {}
    for text in renames:
        theirs, equals, ours = text.rpartition("=")  # ours has no `=` in it
        if not (theirs and equals and ours) or theirs in result:
            raise click.BadParameter(f"write THEIRS=OURS once for a model, not {text[:80]!r}", param_hint="--rename")
        result[theirs] = ours
    return result


@contextmanager
def _opened(settings: "Settings", *, dry_run: bool) -> "Iterator[Catalog | None]":
    """Open the catalog, which is created if missing; a dry run only reads it, and yields None if there is none.

    Imported versions are not sent to a mirror: they would be written back to where they came from.
    """
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.errors import NotFoundError

    if not dry_run:
        with Catalog(settings.catalog, create=True, keys=settings.keys, mirrors=()) as catalog:
            yield catalog
        return
    try:
        opened = Catalog(settings.catalog, create=False, read_only=True, keys=settings.keys)
    except NotFoundError:
        yield None
        return
    with opened:
        yield opened
