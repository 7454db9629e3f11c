"""`lineage approve`: a person's signed approval of a version for an alias, and where that person's key is."""

import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from lineage_pipelines.cli.session import Session, echo_note, read_instant
from lineage_pipelines.errors import CatalogError

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_AFTER = re.compile(r"([1-9][0-9]{0,3})([hdw])")


@click.command("approve")
@click.argument("ref")
@click.option("--to", "alias", required=True, metavar="ALIAS", help="The alias to approve this version for.")
@click.option("--reason", required=True, help="The reason, recorded in the log.")
@click.option("--expires", metavar="TIME", help="When the approval expires: 2026-12-01T00:00Z.")
@click.option("--expires-in", metavar="SPAN", help="How long the approval is valid from now: 12h, 7d, 4w.")
@click.option(
    "--key",
    "file",
    metavar="FILE",
    help="Your key file; by default that of LINEAGE_APPROVAL_KEY.",
)
@click.pass_obj
def command(
    session: Session,
    /,
    ref: str,
    alias: str,
    reason: str,
    *,
    expires: str | None,
    expires_in: str | None,
    file: str | None,
) -> int:
    """Approve a version for an alias, signed with your own key (see `lineage key new`).

    The approval is valid for this record, this alias and the current policy only. The person who trained the version
    cannot approve it, and the approval of the person who promotes it does not count.

    \b
    Examples:
      lineage approve flight_delay@4 --to production --reason "read the slices"
      lineage approve flight_delay@4 --to production --reason "for the trial" --expires-in 7d
    """
    from lineage_pipelines.catalog.transparency.signing import ApprovalKey
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.queries.registry.approval_status import draft_approval
    from lineage_pipelines.queries.registry.policy_in_force import read_approval_policy
    from lineage_pipelines.records.values.model_name import check_alias

    end = _end(expires, expires_in, datetime.now(UTC))
    with session.open_for_writing() as catalog:
        entry, alias = resolve(catalog, ref), check_alias(alias)
        key = ApprovalKey(own_key_file(file), passphrase=ask_passphrase)
        project_dir = session.settings().project_dir
        approval = draft_approval(
            catalog, entry, alias, key=key.keyid, reason=reason, project_dir=project_dir, expires=end
        )
        seq = catalog.registry.approve(key.approve(approval))
        asked = read_approval_policy(catalog, entry.model, alias, project_dir).approvals
    session.start_mirroring()
    until = f", until {end:%Y-%m-%dT%H:%MZ}" if end is not None else ""
    echo_note(f"entry {seq}: {approval.approver} approves {entry.ref} for {alias}{until}")
    if not asked:
        echo_note(f"note: the policy of {alias} requires no approvals")
    return 0


def _end(expires: str | None, expires_in: str | None, now: datetime) -> datetime | None:
    if expires is not None and expires_in is not None:
        raise click.UsageError("give --expires or --expires-in, not both")
    if expires is None and expires_in is None:
        return None
    end = read_instant(expires, "--expires") if expires is not None else _after(expires_in or "", now)
    if end <= now:
        raise click.BadParameter(f"{expires} is in the past; give a later time", param_hint="--expires")
    return end


def _after(text: str, now: datetime) -> datetime:
    span = _AFTER.fullmatch(text)
    if span is None:
        raise click.BadParameter(f"not a span of time: {text[:40]!r}; write 12h, 7d or 4w", param_hint="--expires-in")
    return now + timedelta(**{_UNITS[span[2]]: int(span[1])})


# A person's key


def own_key_file(given: str | None) -> Path:
    """Return the path of a person's key: as given, `LINEAGE_APPROVAL_KEY`, or in the user's configuration folder.

    Raises:
        UsageError: the user has no home folder.
    """
    named = given or os.environ.get("LINEAGE_APPROVAL_KEY")
    if named:
        return Path(named).absolute()
    configured = Path(os.environ.get("XDG_CONFIG_HOME") or "")
    try:
        folder = configured if configured.is_absolute() else Path.home() / ".config"
    except RuntimeError as error:
        raise click.UsageError("you have no home folder: set LINEAGE_APPROVAL_KEY to the path of your key") from error
    return folder / "lineage" / "approval.pem"


def ask_passphrase() -> str:
    """Return the passphrase of a person's key: from `LINEAGE_APPROVAL_PASSPHRASE`, or typed. Never an argument.

    Raises:
        CatalogError: it is not set, and standard input is not a terminal.
    """
    return _passphrase(confirm=False)


def new_passphrase() -> str:
    """Return the passphrase for a new key; it has to be typed twice.

    Raises:
        CatalogError: it is not set, and standard input is not a terminal.
    """
    return _passphrase(confirm=True)


def _passphrase(*, confirm: bool) -> str:
    given = os.environ.get("LINEAGE_APPROVAL_PASSPHRASE")
    if given:
        return given
    if not sys.stdin.isatty():
        fix = "run it in a terminal, or set LINEAGE_APPROVAL_PASSPHRASE"
        raise CatalogError("the approval key has a passphrase, and there is no terminal to ask for it", fix=fix)
    typed: str = click.prompt("Passphrase of your key", hide_input=True, confirmation_prompt=confirm, err=True)
    return typed
