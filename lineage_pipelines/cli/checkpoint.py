"""`lineage checkpoint`: what the log is now, signed, to be kept elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.context import Session

if TYPE_CHECKING:
    from lineage_pipelines.catalog import Catalog


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
        click.echo(note, nl=False)
    elif output is not None:
        output.write_text(note, encoding="utf-8")
        click.echo(f"wrote {output}", err=True)
    return 0


def _write_tiles(catalog: "Catalog", folder: Path, note: str) -> None:
    from lineage_pipelines.catalog import write_tiles

    count = write_tiles(folder, note, (entry.leaf() for entry in catalog.walk()))  # which may have grown since
    click.echo(f"wrote {count:,} tiles and the checkpoint to {folder}", err=True)
