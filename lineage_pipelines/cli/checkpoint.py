"""`lineage checkpoint`: the current state of the log as a signed note, to be kept elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import click

from lineage_pipelines.cli.session import Session, echo_note, output_option, print_answer, write_output


@click.command("checkpoint")
@output_option()
@click.option(
    "--witness", "places", metavar="FOLDER", multiple=True, help="Also keep it in this folder outside the project."
)
@click.pass_obj
def command(session: Session, output: Path | None, places: Sequence[str]) -> int:
    """Write the current state of the log as a signed note, to be kept where its writers cannot change it.

    `lineage verify` compares the log with the checkpoint that is committed to Git as lineage.checkpoint.

    \b
    Examples:
      lineage checkpoint
      lineage checkpoint --witness /audit/flights
      lineage checkpoint -o lineage.checkpoint && git add lineage.checkpoint && git commit -m "Anchor the catalog"
    """
    with session.open_catalog() as catalog:
        note, identity = catalog.log.checkpoint(), catalog.log.identity()
    if identity not in session.settings().log:
        echo_note(f'commit the identity of this log in pyproject.toml: [tool.lineage] log = ["{identity}"]')
    _keep(session, places, note)
    if output is None and places:
        return 0
    if output is None:
        print_answer(note.encode())  # a note is UTF-8 whatever the terminal's encoding is
    else:
        write_output(output, note, what="checkpoint")
    return 0


def _keep(session: Session, places: Sequence[str], note: str) -> None:
    from lineage_pipelines.queries.verify.witnesses import keep_in_folder

    settings = session.settings()
    for place in places:
        echo_note(f"kept in {keep_in_folder(Path(place), note, settings.project_dir)}")
    known = {(settings.project_dir / each).resolve() for each in settings.witnesses}
    new = [place for place in places if Path(place).resolve() not in known]
    if new:
        named = ", ".join(f'"{Path(place).absolute()}"' for place in new)
        echo_note(f"name it in pyproject.toml, so that lineage verify asks it: [tool.lineage] witnesses = [{named}]")
