"""`lineage approve`: a person's signed word that an alias may name a version; and where a person's key is kept."""

import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from lineage_pipelines.cli.session import Session, read_instant
from lineage_pipelines.errors import CatalogError

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_AFTER = re.compile(r"([1-9][0-9]{0,3})([hdw])")


@click.command("approve")
@click.argument("ref")
@click.option("--to", "alias", required=True, metavar="ALIAS", help="The alias that may name this version.")
@click.option("--reason", required=True, help="Why, for those who come later.")
@click.option("--expires", metavar="TIME", help="From when on it counts no more, 2026-12-01T00:00Z.")
@click.option("--expires-in", metavar="SPAN", help="The same from now on: 12h, 7d, 4w.")
@click.option("--key", "file", metavar="FILE", help="Your key; by default LINEAGE_APPROVAL_KEY, then your own folder.")
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
    """Approve that an alias names a version, signed with your own key (see `lineage key new`).

    It counts for this record, this alias and the policy of now, and for nothing else. Who trained the version cannot
    approve it, and who asks for the promotion does not count.

    \b
    Examples:
      lineage approve flight_delay@4 --to production --reason "read the slices"
      lineage approve flight_delay@4 --to production --reason "for the trial" --expires-in 7d
    """
    from lineage_pipelines.catalog.transparency.signing import ApprovalKey
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.queries.registry.approval_status import draft_approval
    from lineage_pipelines.queries.registry.promotion_policy import read_policy
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
        asked = read_policy(project_dir, alias).approvals
    session.start_mirroring()
    until = f", until {end:%Y-%m-%dT%H:%MZ}" if end is not None else ""
    click.echo(f"entry {seq}: {approval.approver} approves {entry.ref} for {alias}{until}", err=True)
    if not asked:
        click.echo(f"note: the policy of {alias} asks for no approvals", err=True)
    return 0


def _end(expires: str | None, expires_in: str | None, now: datetime) -> datetime | None:
    if expires is not None and expires_in is not None:
        raise click.UsageError("--expires and --expires-in say the same: give one")
    if expires is None and expires_in is None:
        return None
    end = read_instant(expires, "--expires") if expires is not None else _after(expires_in or "", now)
    if end <= now:
        raise click.BadParameter(f"{expires} is over already; write a later time", param_hint="--expires")
    return end


def _after(text: str, now: datetime) -> datetime:
    found = _AFTER.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"not a span of time: {text[:40]!r}; write 12h, 7d or 4w", param_hint="--expires-in")
    return now + timedelta(**{_UNITS[found[2]]: int(found[1])})


# A person's key


def own_key_file(given: str | None) -> Path:
    """Return where a person's key is: as given, `LINEAGE_APPROVAL_KEY`, or the person's own configuration folder.

    Raises:
        UsageError: the person has no folder.
    """
    named = given or os.environ.get("LINEAGE_APPROVAL_KEY")
    if named:
        return Path(named).absolute()
    configured = Path(os.environ.get("XDG_CONFIG_HOME") or "")
    try:
        folder = configured if configured.is_absolute() else Path.home() / ".config"
    except RuntimeError as error:
        raise click.UsageError("you have no home folder: say where your key is, in LINEAGE_APPROVAL_KEY") from error
    return folder / "lineage" / "approval.pem"


def ask_passphrase() -> str:
    """Return the passphrase of a person's key: from `LINEAGE_APPROVAL_PASSPHRASE`, or typed. Never an argument.

    Raises:
        CatalogError: there is nobody to ask.
    """
    return _passphrase(confirm=False)


def new_passphrase() -> str:
    """Return the passphrase for a new key; typed, it is asked twice.

    Raises:
        CatalogError: there is nobody to ask.
    """
    return _passphrase(confirm=True)


def _passphrase(*, confirm: bool) -> str:
    given = os.environ.get("LINEAGE_APPROVAL_PASSPHRASE")
    if given:
        return given
    if not sys.stdin.isatty():
        fix = "run it in a terminal, or set LINEAGE_APPROVAL_PASSPHRASE"
        raise CatalogError("the approval key has a passphrase, and there is nobody to ask for it", fix=fix)
    typed: str = click.prompt("Passphrase of your key", hide_input=True, confirmation_prompt=confirm, err=True)
    return typed
