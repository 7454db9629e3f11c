"""Checkpoint check: the log beside checkpoints that were kept elsewhere, by root and by inclusion proof."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from lineage_pipelines.catalog.transparency.checkpoint_note import signed_by
from lineage_pipelines.catalog.transparency.merkle import inclusion_proof, verify_inclusion
from lineage_pipelines.queries.verify.claims import CheckedClaim, Wrong, conclude, not_checked
from lineage_pipelines.queries.verify.log_scan import Walk
from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor

_CLAIM = "inclusion"


def check_inclusion(walk: Walk, anchor: Anchor | None, places: Collection[int]) -> CheckedClaim:
    """Return whether entries are in the tree that a checkpoint is of.

    Args:
        walk: what was found.
        anchor: the checkpoint.
        places: the entries.

    Raises:
        CatalogError: the anchor is no checkpoint.
    """
    if anchor is None:
        return not_checked(_CLAIM, "no checkpoint kept elsewhere was given")
    size = anchor.point.size
    covered = sorted(place for place in places if place <= size)
    words = unsound(walk, anchor)
    wrong = [Wrong(words, covered)] if words else list(_outside(walk, anchor, covered))
    if not wrong and len(covered) < len(places):
        later = ", ".join(f"entry {place}" for place in sorted(places) if place > size)
        return not_checked(_CLAIM, f"{later} came after the {size:,} entries that {anchor.name} knows")
    proved = f"proved by {(size - 1).bit_length()} hashes at most"
    right = f"{len(covered):,} entries are among the {size:,} that {anchor.name} knows, {proved}"
    return conclude(_CLAIM, wrong, right)


def _outside(walk: Walk, anchor: Anchor, places: Sequence[int]) -> Iterator[Wrong]:
    point = anchor.point
    leaves = [walk.leaf(at) for at in range(1, min(point.size, walk.entries) + 1)]
    if len(leaves) < point.size:
        yield Wrong(f"entries {walk.entries + 1} to {point.size} are gone: {anchor.name} knows them", places)
        return
    for place in places:
        proof = inclusion_proof(leaves, place - 1)
        if not verify_inclusion(walk.leaf(place), place - 1, point.size, proof, point.root):
            yield Wrong(f"{walk.name_at(place)} is not in the tree that {anchor.name} is of", (place,))


def compare_anchors(walk: Walk, anchor: Anchor | None, *, earlier: Sequence[Anchor] = ()) -> CheckedClaim:
    """Return whether the log begins with what was kept elsewhere.

    Args:
        walk: what was found; it was asked for the root at every size that is compared.
        anchor: what the verdict rests on.
        earlier: other checkpoints, the newest first: our own memory, the history in Git.

    Raises:
        CatalogError: the anchor is no checkpoint.
    """
    wrong = _differences(walk, anchor) if anchor is not None else []
    # An older checkpoint of another log is of a catalog that was given up; the newest one may not be.
    others = [one for one in earlier if anchor is None or one.text != anchor.text]
    ours = [one for one in others if not one.signed or one.point.origin == walk.origin]
    bad = [one for one in ours if _mismatch(walk, one)]
    if bad or wrong:
        wrong += _narrow(walk, [*([anchor] if anchor else []), *ours])
    wrong += [Wrong(words) for one in bad if (words := _mismatch(walk, one))]
    if anchor is None and not wrong:
        return not_checked("checkpoint", _unanchored(walk, ours))
    more = f", and with {len(ours):,} earlier checkpoints" if ours else ""
    right = f"the log begins with the {anchor.point.size:,} entries that {anchor.name} knows{more}" if anchor else ""
    return conclude("checkpoint", list(dict.fromkeys(wrong)), right)


def _unanchored(walk: Walk, seen: Sequence[Anchor]) -> str:
    less = f"; it does begin with the {seen[0].point.size:,} entries that were seen here last" if seen else ""
    what = "no checkpoint kept elsewhere was given; who holds the file and the key could have rewritten it all"
    return what + less if walk.entries else "there is nothing in the log"


def _differences(walk: Walk, anchor: Anchor) -> list[Wrong]:
    words = _mismatch(walk, anchor)
    if words is None:
        return []
    gone = range(walk.last + 1, anchor.point.size + 1)[:1]  # with a gap in the log it is not the end that is gone
    return [Wrong(words, gone if anchor.point.origin == walk.origin else (1,))]


def _mismatch(walk: Walk, anchor: Anchor) -> str | None:
    """Return what is wrong between the log and a checkpoint."""
    point, size = anchor.point, f"{anchor.point.size:,} entries"
    if point.origin == walk.origin and walk.entries < point.size:
        return f"entries {walk.entries + 1} to {point.size} are gone: {anchor.name} knows {size}"
    if point.origin == walk.origin and walk.roots[point.size] != point.root:
        return f"the first {size} are not what {anchor.name} says they were"
    return unsound(walk, anchor)


def unsound(walk: Walk, anchor: Anchor) -> str | None:
    """Return why a checkpoint says nothing about this log, or None."""
    if anchor.point.origin != walk.origin:
        return f"{anchor.name} is of another log, or the first entry was rewritten"
    if anchor.signed and signed_by(anchor.text, walk.signers.of_log, where=anchor.name) is None:
        return f"{anchor.name} is not signed by a key of this log"
    return None


def _narrow(walk: Walk, anchors: Sequence[Anchor]) -> Iterator[Wrong]:
    """Say between which two checkpoints the log stops being what it was."""
    ranked = sorted({one.point.size: one for one in anchors if one.point.origin == walk.origin}.items())
    for (size, before), (other, after) in pairwise(ranked):
        if not _mismatch(walk, before) and _mismatch(walk, after):
            told = f"between {before.name}, whose {size:,} entries are still there, and {after.name}, whose are not"
            yield Wrong(f"the first change is in entries {size + 1} to {other}: {told}", (size + 1,))
            return
