"""What `lineage pin` did, or would do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.reports.document import Block, Document, Paragraph, Table
from lineage_pipelines.reports.formatting import count, short, size

if TYPE_CHECKING:
    from lineage_pipelines.datasets.workspace.pins import Pinned, Pushed
    from lineage_pipelines.queries.versions.retention import DataToKeep, Needed

_FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PinAnswer:
    """Everything about one run of the verb."""

    kept: "DataToKeep"
    pinned: "Pinned"
    pushed: "Pushed | None"
    """None: nothing was to be pushed, or there is no default remote."""
    dry_run: bool
    wants_push: bool

    @property
    def losses(self) -> "Sequence[Loss]":
        """Return what is not kept, or not whole."""
        found = [
            Loss(path=one.path, md5=one.md5, state=str(said.state), words=said.words, needed=needed)
            for (one, needed), said in zip(self.kept.data.items(), self.pinned.states, strict=True)
            if said.words
        ]
        no_digest = "it has no MD5 in the record, so it cannot be looked for"
        unnamed = self.kept.unnamed.items()
        found += [
            Loss(path=path, md5=None, state="unknown", words=no_digest, needed=needed) for path, needed in unnamed
        ]
        return sorted(found, key=lambda loss: loss.needed.source)

    @property
    def is_complete(self) -> bool:
        """Whether everything that a training read is kept; what only the preparation began with may be gone."""
        return all(loss.needed.source for loss in self.losses) and not (
            self.pushed is not None and self.pushed.lacks and not self.dry_run
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Data that is not there as it was recorded."""

    path: str
    md5: str | None
    state: str
    """`altered`, `absent`, or `unknown`."""
    words: str
    needed: "Needed"


def pin_document(said: PinAnswer) -> Document:
    """Say how much is kept, what is new, and what is missing."""
    if not said.kept.versions:
        line = "No version is or ever was in production, so there is nothing to keep. Name one: lineage pin MODEL@1"
        return Document([Paragraph(line)])
    return Document([*_done(said), *_losses(said)])


def _done(said: PinAnswer) -> Iterator[Block]:
    done, versions = said.pinned, count(len(said.kept.versions), "version")
    new = f"{'to be added' if said.dry_run else 'new'}: {done.added:,} ({size(done.added_size)})"
    yield Paragraph(f"{count(done.objects, 'object')} of {versions} ({size(done.size)}): {_before(done)}, {new}")
    if done.replaced:
        verb = "is to be" if said.dry_run else "was"
        names = _some([short(md5) for md5 in done.replaced])
        yield Paragraph(f"altered, and {verb} replaced by the recorded bytes: {names}", "warn")
    if done.copied:
        links = "the pins are on another disk than DVC's cache"
        yield Paragraph(f"{count(done.copied, 'object')} copied, as no hard link could be made ({links})", "dim")
    yield from _pushed(said)


def _before(done: "Pinned") -> str:
    return f"pinned before: {done.objects - done.added:,}"


def _pushed(said: PinAnswer) -> Iterator[Block]:
    sent = said.pushed
    if sent is None:
        if said.wants_push:
            yield Paragraph("there is no default remote, so there is no other copy: dvc remote add --default …", "warn")
        return
    held, lacked = sent.objects - len(sent.lacked), len(sent.lacked) - len(sent.lacks)
    after = f"to be pushed: {len(sent.lacks):,}" if said.dry_run else f"pushed: {lacked:,}"
    yield Paragraph(f"on the remote {sent.remote!r} before: {held:,}, {after}")
    if sent.lacks and not said.dry_run:
        yield Paragraph(
            f"not on the remote {sent.remote!r} even so: {_some([short(md5) for md5 in sent.lacks])}", "warn"
        )
    if sent.withheld:
        yield Paragraph(f"not pushed, as dvc.yaml or a .dvc file says (push: false): {_some(sent.withheld)}", "dim")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW:,} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


def _losses(said: PinAnswer) -> Iterator[Block]:
    rows = [
        [
            loss.path,
            short(loss.md5),
            loss.state,
            "source" if loss.needed.source else "data",
            _some(loss.needed.versions),
        ]
        for loss in said.losses
    ]
    if rows:
        yield Table(["path", "MD5", "state", "what", "needed by"], rows, title="not kept, or not whole")
        yield from (Paragraph(f"\n  {loss.path}: {loss.words}", "warn") for loss in said.losses)


def pin_json(said: PinAnswer) -> Json:
    """Return the same for programs."""
    done, sent = said.pinned, said.pushed
    return {
        "versions": list(said.kept.versions),
        "dry_run": said.dry_run,
        "objects": done.objects,
        "size": done.size,
        "added": done.added,
        "added_size": done.added_size,
        "replaced": list(done.replaced),
        "copied": done.copied,
        "missing": [
            {
                "path": loss.path,
                "md5": loss.md5,
                "state": loss.state,
                "source": loss.needed.source,
                "versions": list(loss.needed.versions),
                "detail": loss.words,
            }
            for loss in said.losses
        ],
        "push": None
        if sent is None
        else {
            "remote": sent.remote,
            "objects": sent.objects,
            "lacked": list(sent.lacked),
            "lacks": list(sent.lacks),
            "withheld": list(sent.withheld),
        },
    }
