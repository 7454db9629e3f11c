"""`lineage import mlflow`: read another system's models into the catalog."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.progress import progress_line
from lineage_pipelines.cli.session import Session, answer, format_option, user_name

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.settings import Settings


@click.group("import")
def command() -> None:
    """Read models of other systems into the catalog.

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
    "--model", "models", metavar="NAME", multiple=True, help="Only this registered model; repeat it for more."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be imported: nothing is written.")
@click.option(
    "--artifacts",
    type=click.Choice(["copy", "none"]),
    default="copy",
    show_default=True,
    help="Whether model files are copied into the artifact store.",
)
@click.option(
    "--rename", "renames", metavar="THEIRS=OURS", multiple=True, help="Give a model another name; repeat it for more."
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
    renames: Sequence[str],
    form: str,
) -> int:
    """Read the registered models of MLflow into the catalog, which is made when there is none.

    Every version becomes a record that says what is declared, inferred and missing. No model is loaded. What was
    imported before is left as it is, so that it can be run again, after a kill too. Exits with 1 when something was
    skipped or could not be read.

    \b
    Examples:
      lineage import mlflow --tracking-uri http://mlflow.example.org --dry-run
      lineage import mlflow --tracking-uri sqlite:///mlflow.db --model "Flight delays" --rename "Flight delays=delays"
    """
    from lineage_pipelines.bridges.mlflow.registry_import.importer import check_registry, import_registry
    from lineage_pipelines.reports.views.import_ import import_document, import_json

    settings = session.settings()
    address = tracking_uri or settings.mlflow
    if not address:
        raise click.UsageError("which MLflow? Give --tracking-uri, or set MLFLOW_TRACKING_URI")
    renamed = _renamed(renames)
    check_registry(address, models)
    with _opened(settings, dry_run=dry_run) as catalog, progress_line() as show:
        found = import_registry(
            address,
            catalog=catalog,
            artifacts=settings.artifacts,
            project_dir=settings.project_dir,
            by=user_name(),
            models=models,
            renamed=renamed,
            copy=artifacts == "copy",
            dry_run=dry_run,
            progress=lambda model, done, count: show(f"{model[:50]}: {done:,} of {max(count, done):,} versions"),
        )
    answer(form, document=lambda: import_document(found), plain=lambda: import_json(found))
    return 0 if found.is_clean else 1


def _renamed(renames: Sequence[str]) -> dict[str, str]:
    """Return MLflow's names and ours.

    Raises:
        BadParameter: one has not the form THEIRS=OURS, or a model is renamed twice.
    """
    found: dict[str, str] = {}
    for text in renames:
        theirs, equals, ours = text.rpartition("=")  # ours has no `=` in it
        if not (theirs and equals and ours) or theirs in found:
            raise click.BadParameter(f"write THEIRS=OURS once for a model, not {text[:80]!r}", param_hint="--rename")
        found[theirs] = ours
    return found


@contextmanager
def _opened(settings: "Settings", *, dry_run: bool) -> "Iterator[Catalog | None]":
    """Open the catalog, which an import makes; a dry run only reads it, and there may be none.

    Nothing that is imported is owed to a mirror: it would be written back to where it came from.
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
