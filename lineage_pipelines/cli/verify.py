"""`lineage verify`: can the catalog be trusted?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.context import Session, answer, format_option

if TYPE_CHECKING:
    from lineage_pipelines.catalog import Settings

_EVERY = 1000


@click.command("verify")
@click.option(
    "--from",
    "anchor",
    metavar="CHECKPOINT",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was kept elsewhere; by default lineage.checkpoint of the last commit.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 when something could not be checked, too.")
@format_option
@click.pass_obj
def command(session: Session, anchor: Path | None, strict: bool, form: str) -> int:  # noqa: FBT001  # click passes it
    """Walk the whole catalog: entries, signatures, order, model files, and a checkpoint kept elsewhere.

    Exits with 1 when something is wrong.

    \b
    Examples:
      lineage verify
      lineage verify --from /mnt/audit/lineage.checkpoint --strict
    """
    from lineage_pipelines import queries, reports
    from lineage_pipelines.artifacts import ArtifactStore

    settings = session.settings()
    text, name = _anchor(settings, anchor)
    with session.open_catalog() as catalog:
        claims = queries.verify_catalog(
            catalog,
            anchor=text,
            anchor_name=name,
            artifacts=ArtifactStore(settings.artifacts),
            progress=_tell if sys.stderr.isatty() else lambda *_: None,
        )
    answer(form, document=lambda: reports.verify_document(claims), plain=lambda: reports.verify_json(claims))
    verdicts = {claim.verdict for claim in claims}
    failed = queries.Verdict.FAIL in verdicts or (strict and queries.Verdict.NOT_CHECKED in verdicts)
    return 1 if failed else 0


def _anchor(settings: "Settings", given: Path | None) -> tuple[str | None, str]:
    from lineage_pipelines import queries

    if given is not None:
        return given.read_text(encoding="utf-8", errors="replace"), str(given)
    return queries.committed_anchor(settings.project_dir), f"{queries.ANCHOR} of the last commit"


def _tell(what: str, number: int) -> None:
    if number % _EVERY == 0:
        click.echo(f"\r{number:,} {what} \r", err=True, nl=False)
