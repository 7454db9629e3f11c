"""`lineage checkpoint`: what the log is now, signed, to be kept elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.session import Session, print_answer
from lineage_pipelines.errors import CatalogError

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog


@click.command("checkpoint")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of stdout.")
@click.option(
    "--tiles",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for the hash of every entry, too: with it `lineage verify` names the entries that were changed.",
)
@click.pass_obj
def command(session: Session, output: Path | None, tiles: Path | None) -> int:
    """Write what the log is now as a signed note, to be kept where its writers cannot change it.

    A checkpoint that is committed to Git as lineage.checkpoint is what `lineage verify` compares with.

    \b
    Examples:
      lineage checkpoint
      lineage checkpoint -o lineage.checkpoint && git add lineage.checkpoint && git commit -m "Anchor the catalog"
      lineage checkpoint --tiles /mnt/audit/flights
    """
    with session.open_catalog() as catalog:
        note = catalog.checkpoint()
        if tiles is not None:
            _write_tiles(catalog, tiles, note)
    if output is None and tiles is None:
        print_answer(note.encode())  # a note is UTF-8 whatever the terminal's encoding is
    elif output is not None:
        _write(output, note)
        click.echo(f"wrote {output}", err=True)
    return 0


def _write(path: Path, note: str) -> None:
    try:
        path.write_text(note, encoding="utf-8")
    except OSError as error:
        fix = "name a file in a folder that is there, and that this user may write to"
        raise CatalogError(f"the checkpoint cannot be written: {error.strerror}", where=str(path), fix=fix) from error


def _write_tiles(catalog: "Catalog", folder: Path, note: str) -> None:
    from lineage_pipelines.catalog.transparency.tiles import write_tiles

    count = write_tiles(folder, note, (entry.leaf() for entry in catalog.walk()))  # which may have grown since
    click.echo(f"wrote {count:,} tiles and the checkpoint to {folder}", err=True)
