"""`lineage verify`: whether the catalog is intact."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineage_pipelines.cli.progress import progress_count
from lineage_pipelines.cli.session import Session, answer, format_option, full_option

if TYPE_CHECKING:
    from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor, CheckedSignatures
    from lineage_pipelines.settings import Settings


@click.command("verify")
@click.argument("refs", metavar="[REF]...", nargs=-1)
@click.option(
    "--from",
    "anchor",
    metavar="CHECKPOINT",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was kept elsewhere; by default lineage.checkpoint of the last commit.",
)
@click.option("--quick", is_flag=True, help="Skip the files: models, blobs and data.")
@click.option("--load", is_flag=True, help="Also load every model file, each in a process of its own.")
@click.option("--strict", is_flag=True, help="Also exit with 1 if something could not be checked.")
@full_option("Check every signature again, and list every failure.")
@format_option
@click.pass_obj
def command(
    session: Session,
    *,
    refs: Sequence[str],
    anchor: Path | None,
    quick: bool,
    load: bool,
    strict: bool,
    full: bool,
    form: str,
) -> int:
    """Check the whole catalog: entries, signatures, order, decisions, files, and a checkpoint that was kept elsewhere.

    With a REF, check only that version, and that the tree of the checkpoint contains it. Exits with 1 if a check
    fails.

    \b
    Examples:
      lineage verify
      lineage verify flight_delay@production
      lineage verify --from /mnt/audit/flights.checkpoint --strict
    """
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.queries.verify.trusted_checkpoints import (
        Memory,
    )
    from lineage_pipelines.queries.verify.verify import find_places, verify_catalog
    from lineage_pipelines.records.values.finding import FindingStatus
    from lineage_pipelines.reports.views.verify import verify_document, verify_json

    if quick and load:
        raise click.UsageError("--quick skips the files that --load reads: leave one of them out")
    settings = session.settings()
    kept = _kept(settings, anchor)
    with session.open_catalog() as catalog, progress_count() as progress:
        claims = verify_catalog(
            catalog,
            **kept,
            memory=Memory(settings.project_dir / ".lineage" / "seen", settings.catalog),
            artifacts=None if quick else ArtifactStore(settings.artifacts),
            project_dir=None if quick else settings.project_dir,
            loading=settings if load else None,
            only=find_places(catalog, refs),
            checked=_checked(again=full),
            progress=progress,
        )
    answer(
        form,
        document=lambda: verify_document(claims, full=full, checkpoint=_checkpoint(kept)),
        plain=lambda: verify_json(claims),
        full=full,
    )
    unchecked = any(claim.status is FindingStatus.NOT_CHECKED for claim in claims)
    return 1 if any(claim.failed for claim in claims) or (strict and unchecked) else 0


def _checked(*, again: bool) -> "CheckedSignatures | None":
    """Return what is known of signatures on this machine; None for a user without a home folder."""
    from lineage_pipelines.queries.verify.trusted_checkpoints import CheckedSignatures
    from lineage_pipelines.system.user_cache import user_cache

    try:
        return CheckedSignatures(user_cache() / "verified", again=again)
    except RuntimeError:
        return None


def _kept(settings: "Settings", given: Path | None) -> dict[str, Any]:
    """Return the checkpoints that were kept elsewhere and the logs of the project, as arguments of `verify_catalog`."""
    from lineage_pipelines.catalog.transparency.checkpoint_note import read_note_file
    from lineage_pipelines.queries.verify.trusted_checkpoints import (
        ANCHOR,
        committed_anchor,
        committed_list,
        earlier_anchors,
    )
    from lineage_pipelines.queries.verify.witnesses import read_folders

    committed = committed_list(settings.project_dir, "log")
    places = committed_list(settings.project_dir, "witnesses")
    seen = read_folders(settings.witnesses if places is None else places, settings.project_dir)
    more = {"logs": settings.log if committed is None else committed, "silent": seen.silent}
    if given is not None:
        return {"anchor": read_note_file(given), "anchor_name": str(given), "earlier": seen.anchors, **more}
    note, name = committed_anchor(settings.project_dir), f"{ANCHOR} of the last commit"
    earlier = (*earlier_anchors(settings.project_dir), *seen.anchors)
    if note is None and earlier:  # the file was deleted: what is in the history counts all the same
        note, name = earlier[0].text, earlier[0].name
    return {"anchor": note, "anchor_name": name, "earlier": earlier, **more}


def _checkpoint(kept: "Mapping[str, Any]") -> "Anchor | None":
    """Return the checkpoint that the log was compared with, by its commit where Git has it."""
    from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor

    text = kept["anchor"]
    committed = next((each for each in kept.get("earlier", ()) if each.text == text), None)
    return committed or (Anchor(text, kept["anchor_name"]) if text is not None else None)
