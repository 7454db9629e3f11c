"""`lineage checkpoint`: what the log is now, signed, to be kept elsewhere."""

from pathlib import Path

import click

from lineage_pipelines.cli.context import Session


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
        note = catalog.checkpoint()
    if output is None:
        click.echo(note, nl=False)
    else:
        output.write_text(note, encoding="utf-8")
        click.echo(f"wrote {output}", err=True)
    return 0
