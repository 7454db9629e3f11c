"""`lineage purge BLOB`: remove the bytes of a stored file, and leave a signed tombstone in the log."""

import sys
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.progress import progress_count
from lineage_pipelines.cli.session import Session, answer, decider, echo_note, format_option

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.queries.tombstones import LoggedTombstone
    from lineage_pipelines.queries.verify.purge import StoredBlob


@click.command("purge")
@click.argument("blob")
@click.option("--reason", required=True, help="The reason, recorded in the log.")
@click.option("--force", is_flag=True, help="Also if it is the model file of a version that is live.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@format_option
@click.pass_obj
def command(session: Session, /, blob: str, reason: str, *, force: bool, yes: bool, form: str) -> int:
    """Remove the bytes of a stored file: a patch, a source file, a profile, a model file. BLOB begins its SHA-256.

    Records keep the digest, and a signed entry of the log says who removed it and why: everything still verifies.

    \b
    Example:
      lineage purge 3f9c2ab1 --reason "the patch held a password"
    """
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.queries.verify.purge import draft_tombstone, find_blob
    from lineage_pipelines.reports.views.purge import purge_document, purge_json

    store = ArtifactStore(session.settings().artifacts)
    with session.open_for_writing() as catalog:
        with progress_count() as progress:
            found = find_blob(catalog, store, blob, progress)
        draft = draft_tombstone(found, by=decider(), reason=reason)
        logged = found.tombstone
        if logged is None:
            _refuse_live(found, force=force)
            if not yes:
                _ask(found)
            catalog.registry.purge(draft)
            logged = _committed(catalog, found)
        store.remove(found.digest)  # after the entry: a loss that nothing explains would be a failure
    answer(form, document=lambda: purge_document(found, logged), plain=lambda: purge_json(found, logged))
    return 0


def _committed(catalog: "Catalog", found: "StoredBlob") -> "LoggedTombstone":
    from lineage_pipelines.queries.tombstones import list_tombstones

    return list_tombstones(catalog)[found.digest.hex]


def _refuse_live(found: "StoredBlob", *, force: bool) -> None:
    if found.live and not force:
        from lineage_pipelines.errors import ConflictError

        fix = "retire or roll back the alias first, or repeat it with --force"
        raise ConflictError(
            f"it is the model file of {', '.join(found.live)}, which is live", where=str(found.digest), fix=fix
        )


def _ask(found: "StoredBlob") -> None:
    from lineage_pipelines.records.values.phrase import some_of

    echo_note(f"This is removed for good from the artifact store: {found.what} ({found.digest.hex[:12]})")
    echo_note(f"  named by {some_of(found.refs, most=3)}; its digest stays, and the log says who removed it and why")
    if found.live:
        echo_note(f"  it is the model file of {', '.join(found.live)}, WHICH IS LIVE")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for confirmation; add --yes to remove it")
    click.confirm("Continue?", err=True, abort=True)
