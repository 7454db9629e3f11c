"""`lineage key`: the keys that sign the log."""

import click

from lineage_pipelines.cli.context import Session, answer, format_option


@click.group("key")
def command() -> None:
    """List and revoke the keys that sign the log.

    A key is made with the first entry, as a file in the folder of keys. What it has signed stays valid for ever.

    \b
    Examples:
      lineage key list
      lineage key revoke 3f9c2ab1 --reason "the laptop was stolen"
    """


@command.command("list")
@format_option
@click.pass_obj
def list_command(session: Session, form: str) -> int:
    """List every key of the log: since when it counts, and until when.

    \b
    Example:
      lineage key list
    """
    from lineage_pipelines import queries, reports

    with session.open_catalog() as catalog:
        keys = queries.list_keys(catalog)
    answer(form, document=lambda: reports.keys_document(keys), plain=lambda: reports.keys_json(keys))
    return 0


@command.command("revoke")
@click.argument("key")
@click.option("--reason", required=True, help="Why, for those who come later.")
@click.pass_obj
def revoke_command(session: Session, key: str, reason: str) -> int:
    """Say in the log that KEY (its id, or the beginning) signs nothing from now on.

    \b
    Example:
      lineage key revoke 3f9c2ab1 --reason "the laptop was stolen"
    """
    from lineage_pipelines import queries

    with session.open_for_writing() as catalog:
        found = queries.find_key(catalog, key)
        seq = catalog.revoke_key(found.key, reason)
    click.echo(f"entry {seq}: the key {found.key[:12]} is revoked", err=True)
    return 0
