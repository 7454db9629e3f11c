"""`lineage key`: the keys that sign the log, and the keys that people approve with."""

import click

from lineage_pipelines.cli.approve import ask_passphrase, new_passphrase, own_key_file
from lineage_pipelines.cli.session import Session, answer, echo_note, format_option


@click.group("key")
def command() -> None:
    """Create, list and revoke keys: the keys that sign the log, and people's own keys for approvals.

    The log's key is created with its first entry, as a file in the keys folder; a person creates one with `key new`.
    Signatures of a revoked key from before its revocation stay valid.

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
    """List every key of the log, with the entries from and until which it is valid.

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
@click.option("--owner", required=True, help="The owner of the key: a name or an e-mail address.")
@click.option(
    "--output",
    metavar="FILE",
    help="The key file; by default LINEAGE_APPROVAL_KEY, then the user's own folder.",
)
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase that protects the file.")
@click.option("--existing", is_flag=True, help="Register the key that is already in the file, in another catalog.")
@click.pass_obj
def new_command(session: Session, /, owner: str, output: str | None, *, passphrase: bool, existing: bool) -> int:
    """Create your own key for approvals, and register it in the log.

    The private key never leaves its file, and signs only approvals.

    \b
    Example:
      lineage key new --owner ann@example.org --passphrase
    """
    from lineage_pipelines.catalog.backends.database import UnknownOutcomeError
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
        except UnknownOutcomeError:
            raise  # the key may be in the log
        except LineageError:
            if not existing:
                path.unlink()  # an unregistered key would look like a valid one
            raise
    echo_note(f"entry {seq}: the key {key.keyid[:12]} of {name} is registered; it is in {path}")
    return 0


@command.command("revoke")
@click.argument("key")
@click.option("--reason", required=True, help="The reason, recorded in the log.")
@click.pass_obj
def revoke_command(session: Session, key: str, reason: str) -> int:
    """Revoke KEY (its id, or the beginning of it): the log accepts nothing more that it signs.

    Its earlier approvals do not count for later promotions.

    \b
    Example:
      lineage key revoke 3f9c2ab1 --reason "the laptop was stolen"
    """
    from lineage_pipelines.queries.registry.free_text import check_reason
    from lineage_pipelines.queries.verify.keyring import find_key

    with session.open_for_writing() as catalog:
        revoked = find_key(catalog, key)
        seq = catalog.registry.revoke_key(revoked.key, check_reason(reason))
    echo_note(f"entry {seq}: the key {revoked.key[:12]} is revoked")
    return 0
