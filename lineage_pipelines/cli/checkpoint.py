"""`lineage checkpoint`: what the log is now, signed, to be kept elsewhere."""

from pathlib import Path

import click

from lineage_pipelines.cli.session import Session, print_answer
from lineage_pipelines.errors import CatalogError


@click.command("checkpoint")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of stdout.")
@click.pass_obj
def command(session: Session, output: Path | None) -> int:
    """Write what the log is now as a signed note, to be kept where its writers cannot change it.

    A checkpoint that is committed to Git as lineage.checkpoint is what `lineage verify` compares with.

    \b
    Examples:
      lineage checkpoint
      lineage checkpoint -o lineage.checkpoint && git add lineage.checkpoint && git commit -m "Anchor the catalog"
    """
    with session.open_catalog() as catalog:
        note = catalog.log.checkpoint()
    if output is None:
        print_answer(note.encode())  # a note is UTF-8 whatever the terminal's encoding is
    else:
        _write(output, note)
        click.echo(f"wrote {output}", err=True)
    return 0


def _write(path: Path, note: str) -> None:
    try:
        path.write_text(note, encoding="utf-8")
    except OSError as error:
        fix = "name a file in a folder that is there, and that this user may write to"
        raise CatalogError(f"the checkpoint cannot be written: {error.strerror}", where=str(path), fix=fix) from error
