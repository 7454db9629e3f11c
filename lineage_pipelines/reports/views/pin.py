"""Pin: the data that was protected from `dvc gc`, and what of it is missing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count, some_of
from lineage_pipelines.reports.document import Block, Document, Paragraph, Table
from lineage_pipelines.reports.formatting import short_digest, size

if TYPE_CHECKING:
    from lineage_pipelines.datasets.workspace.pins import Pinned
    from lineage_pipelines.queries.versions.retention import PinResult

_FEW = 5


def pin_document(result: "PinResult") -> Document:
    """Say how much is kept, what is new, and what is missing."""
    if not result.kept.versions:
        line = "No version is or ever was in production, so there is nothing to keep. Name one: lineage pin MODEL@1"
        return Document([Paragraph(line)])
    return Document([*_done(result), *_losses(result)])


def _done(result: "PinResult") -> Iterator[Block]:
    pinned, versions = result.pinned, count(len(result.kept.versions), "version")
    new = f"{'to be added' if result.dry_run else 'new'}: {pinned.added:,} ({size(pinned.added_size)})"
    yield Paragraph(f"{count(pinned.objects, 'object')} of {versions} ({size(pinned.size)}): {_before(pinned)}, {new}")
    if pinned.replaced:
        verb = "is to be" if result.dry_run else "was"
        names = some_of([short_digest(md5) for md5 in pinned.replaced], most=_FEW)
        yield Paragraph(f"altered, and {verb} replaced by the recorded bytes: {names}", "warn")
    if pinned.copied:
        links = "the pins are on another disk than DVC's cache"
        yield Paragraph(f"{count(pinned.copied, 'object')} copied, as no hard link could be made ({links})", "dim")
    yield from _pushed(result)


def _before(pinned: "Pinned") -> str:
    return f"pinned before: {pinned.objects - pinned.added:,}"


def _pushed(result: "PinResult") -> Iterator[Block]:
    pushed = result.pushed
    if pushed is None:
        if result.wants_push:
            yield Paragraph("there is no default remote, so there is no other copy: dvc remote add --default …", "warn")
        return
    present, lacked = pushed.objects - len(pushed.lacked), len(pushed.lacked) - len(pushed.lacks)
    after = f"to be pushed: {len(pushed.lacks):,}" if result.dry_run else f"pushed: {lacked:,}"
    yield Paragraph(f"on the remote {pushed.remote!r} before: {present:,}, {after}")
    if pushed.lacks and not result.dry_run:
        lacks = some_of([short_digest(md5) for md5 in pushed.lacks], most=_FEW)
        yield Paragraph(f"not on the remote {pushed.remote!r} even so: {lacks}", "warn")
    if pushed.withheld:
        withheld = some_of(pushed.withheld, most=_FEW)
        yield Paragraph(f"not pushed, as dvc.yaml or a .dvc file says (push: false): {withheld}", "dim")


def _losses(result: "PinResult") -> Iterator[Block]:
    rows = [
        [
            loss.path,
            short_digest(loss.md5),
            loss.state,
            "source" if loss.needed.source else "data",
            some_of(loss.needed.versions, most=_FEW),
        ]
        for loss in result.losses
    ]
    if rows:
        yield Table(["path", "MD5", "state", "what", "needed by"], rows, title="not kept, or not whole")
        yield from (Paragraph(f"\n  {loss.path}: {loss.detail}", "warn") for loss in result.losses)


def pin_json(result: "PinResult") -> Json:
    """Return the same for programs."""
    pinned, pushed = result.pinned, result.pushed
    return {
        "versions": list(result.kept.versions),
        "dry_run": result.dry_run,
        "objects": pinned.objects,
        "size": pinned.size,
        "added": pinned.added,
        "added_size": pinned.added_size,
        "replaced": list(pinned.replaced),
        "copied": pinned.copied,
        "missing": [
            {
                "path": loss.path,
                "md5": loss.md5,
                "state": loss.state,
                "source": loss.needed.source,
                "versions": list(loss.needed.versions),
                "detail": loss.detail,
            }
            for loss in result.losses
        ],
        "push": None
        if pushed is None
        else {
            "remote": pushed.remote,
            "objects": pushed.objects,
            "lacked": list(pushed.lacked),
            "lacks": list(pushed.lacks),
            "withheld": list(pushed.withheld),
        },
    }
