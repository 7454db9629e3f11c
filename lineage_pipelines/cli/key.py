"""`lineage key`: the keys that sign the log, and those with which people approve."""

import click

from lineage_pipelines.cli.approve import ask_passphrase, new_passphrase, own_key_file
from lineage_pipelines.cli.session import Session, answer, format_option


@click.group("key")
def command() -> None:
    """Make, list and revoke keys: those that sign the log, and people's own, for approvals.

    A key of the log is made with its first entry, as a file in the folder of keys; a person makes hers with `key new`.
    What a key has signed stays valid for ever.

    \b
    Examples:
      lineage key list
      lineage key new --owner ann@example.org --passphrase
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
    from lineage_pipelines.queries.verify.keyring import list_keys
    from lineage_pipelines.reports.views.key import keys_document, keys_json

    with session.open_catalog() as catalog:
        keys = list_keys(catalog)
    answer(form, document=lambda: keys_document(keys), plain=lambda: keys_json(keys))
    return 0


@command.command("new")
@click.option("--owner", required=True, help="Whose key it is: a name or an e-mail address.")
@click.option(
    "--output", metavar="FILE", help="Where the key is kept; by default LINEAGE_APPROVAL_KEY, then your own folder."
)
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase, without which the file is of no use.")
@click.option("--existing", is_flag=True, help="Introduce the key that is in the file already, to another catalog.")
@click.pass_obj
def new_command(session: Session, /, owner: str, output: str | None, *, passphrase: bool, existing: bool) -> int:
    """Make a key of your own for approvals, and say in the log that it is yours.

    It never leaves its file, and signs nothing but approvals.

    \b
    Example:
      lineage key new --owner ann@example.org --passphrase
    """
    from lineage_pipelines.catalog.backends.database import UnknownEndError
    from lineage_pipelines.catalog.transparency.signing import ApprovalKey
    from lineage_pipelines.errors import LineageError
    from lineage_pipelines.queries.registry.free_text import check_no_secret
    from lineage_pipelines.records.decisions.key_event import check_owner

    name, path = check_owner(check_no_secret(owner, "the owner")), own_key_file(output)
    with session.open_for_writing() as catalog:
        ask = (new_passphrase if passphrase else None) if not existing else ask_passphrase
        key = ApprovalKey(path, passphrase=ask, create=not existing)
        try:
            seq = catalog.registry.introduce_key(key.introduction(name))
        except UnknownEndError:
            raise  # the log may know the key
        except LineageError:
            if not existing:
                path.unlink()  # a key that the log does not know would be taken for one that counts
            raise
    click.echo(f"entry {seq}: the key {key.keyid[:12]} of {name} approves from now on; it is in {path}", err=True)
    return 0


@command.command("revoke")
@click.argument("key")
@click.option("--reason", required=True, help="Why, for those who come later.")
@click.pass_obj
def revoke_command(session: Session, key: str, reason: str) -> int:
    """Say in the log that KEY (its id, or the beginning) signs nothing from now on.

    Approvals that it has given count for no later promotion.

    \b
    Example:
      lineage key revoke 3f9c2ab1 --reason "the laptop was stolen"
    """
    from lineage_pipelines.queries.registry.free_text import check_reason
    from lineage_pipelines.queries.verify.keyring import find_key

    with session.open_for_writing() as catalog:
        found = find_key(catalog, key)
        seq = catalog.registry.revoke_key(found.key, check_reason(reason))
    click.echo(f"entry {seq}: the key {found.key[:12]} is revoked", err=True)
    return 0
