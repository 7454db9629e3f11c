"""`lineage checkpoint`: the current state of the log as a signed note, to be kept elsewhere."""

from pathlib import Path

import click

from lineage_pipelines.cli.session import Session, echo_note, output_option, print_answer, write_output


@click.command("checkpoint")
@output_option()
@click.pass_obj
def command(session: Session, output: Path | None) -> int:
    """Write the current state of the log as a signed note, to be kept where its writers cannot change it.

    `lineage verify` compares the log with the checkpoint that is committed to Git as lineage.checkpoint.

    \b
    Examples:
      lineage checkpoint
      lineage checkpoint -o lineage.checkpoint && git add lineage.checkpoint && git commit -m "Anchor the catalog"
    """
    with session.open_catalog() as catalog:
        note, identity = catalog.log.checkpoint(), catalog.log.identity()
    if identity not in session.settings().log:
        echo_note(f'commit the identity of this log in pyproject.toml: [tool.lineage] log = ["{identity}"]')
    if output is None:
        print_answer(note.encode())  # a note is UTF-8 whatever the terminal's encoding is
    else:
        write_output(output, note, what="checkpoint")
    return 0
