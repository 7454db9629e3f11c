"""Checkpoint check: the log beside checkpoints that were kept elsewhere, by root, by leaf, and by inclusion proof."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from lineage_pipelines.catalog.transparency.checkpoint_note import signed_by
from lineage_pipelines.catalog.transparency.merkle import inclusion_proof, verify_inclusion
from lineage_pipelines.queries.verify.claims import CheckedClaim, Wrong, conclude, not_checked
from lineage_pipelines.queries.verify.log_scan import Walk
from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor

_CLAIM = "inclusion"


def check_inclusion(walk: Walk, anchor: Anchor | None, known: Sequence[bytes], places: Collection[int]) -> CheckedClaim:
    """Return whether entries are in the tree that a checkpoint is of.

    Args:
        walk: what was found.
        anchor: the checkpoint.
        known: the leaf hashes that it covers, where they were kept; the log's own otherwise, which proves as much.
        places: the entries.

    Raises:
        CatalogError: the anchor is no checkpoint.
    """
    if anchor is None:
        return not_checked(_CLAIM, "no checkpoint kept elsewhere was given")
    size = anchor.point.size
    covered = sorted(place for place in places if place <= size)
    words = unsound(walk, anchor)
    wrong = [Wrong(words, covered)] if words else list(_outside(walk, anchor, known, covered))
    if not wrong and len(covered) < len(places):
        later = ", ".join(f"entry {place}" for place in sorted(places) if place > size)
        return not_checked(_CLAIM, f"{later} came after the {size:,} entries that {anchor.name} knows")
    proved = f"proved by {(size - 1).bit_length()} hashes at most"
    right = f"{len(covered):,} entries are among the {size:,} that {anchor.name} knows, {proved}"
    return conclude(_CLAIM, wrong, right)


def _outside(walk: Walk, anchor: Anchor, known: Sequence[bytes], places: Sequence[int]) -> Iterator[Wrong]:
    point = anchor.point
    leaves = known or [walk.leaf(at) for at in range(1, min(point.size, walk.entries) + 1)]
    if len(leaves) < point.size:
        yield Wrong(f"entries {walk.entries + 1} to {point.size} are gone: {anchor.name} knows them", places)
        return
    for place in places:
        proof = inclusion_proof(leaves, place - 1)
        if not verify_inclusion(walk.leaf(place), place - 1, point.size, proof, point.root):
            yield Wrong(f"{walk.name_at(place)} is not in the tree that {anchor.name} is of", (place,))


def compare_anchors(
    walk: Walk, anchor: Anchor | None, *, earlier: Sequence[Anchor] = (), known: Sequence[bytes] = ()
) -> CheckedClaim:
    """Return whether the log begins with what was kept elsewhere.

    Args:
        walk: what was found; it was asked for the root at every size that is compared.
        anchor: what the verdict rests on.
        earlier: other checkpoints, the newest first: our own memory, the history in Git.
        known: the leaf hashes that `anchor` covers, where they were kept.

    Raises:
        CatalogError: the anchor is no checkpoint.
    """
    wrong = list(_differences(walk, anchor, known)) if anchor is not None else []
    # An older checkpoint of another log is of a catalog that was given up; the newest one may not be.
    others = [one for one in earlier if anchor is None or one.text != anchor.text]
    ours = [one for one in others if not one.signed or one.point.origin == walk.origin]
    bad = [one for one in ours if _mismatch(walk, one)]
    if (bad or wrong) and not known:
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


def _differences(walk: Walk, anchor: Anchor, known: Sequence[bytes]) -> Iterator[Wrong]:
    words = _mismatch(walk, anchor)
    found = list(compare_leaves(walk, known)) if words else []
    yield from found
    if words and not found:
        yield Wrong(words, range(walk.entries + 1, anchor.point.size + 1)[:1])


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


def compare_leaves(walk: Walk, known: Sequence[bytes]) -> Iterator[Wrong]:
    """Yield every entry that is not what was kept, the first one first.

    Entries that only stand elsewhere, because others before them are gone or were put in between, are told as one.

    Args:
        walk: what was found.
        known: the leaf hashes that were kept.
    """
    differing = [at for at in range(1, len(known) + 1) if walk.leaf(at) != known[at - 1]]
    if not differing:
        return
    ours = {walk.leaf(at): at for at in range(1, walk.entries + 1)}
    theirs = {leaf: at for at, leaf in enumerate(known, start=1)}
    gone = {at for at in differing if known[at - 1] not in ours}
    new = {at for at in differing if at <= walk.entries and walk.leaf(at) not in theirs}
    changed = sorted(gone | new)
    for at in changed:
        yield _changed(walk, at, gone=at in gone, new=at in new)
    moved = [(at, ours[known[at - 1]]) for at in differing if known[at - 1] in ours]
    for first, last, now in _runs(moved):
        span = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        place = f"{walk.seq_at(now)}" if first == last else f"{walk.seq_at(now)} to {walk.seq_at(now + last - first)}"
        yield Wrong(f"what the checkpoint knows as {span} now at {place}", () if changed else (first,))


def _changed(walk: Walk, at: int, *, gone: bool, new: bool) -> Wrong:
    if new:
        seq = walk.seq_at(at)
        return Wrong(f"{walk.name_at(at)} is not what the checkpoint knows", (at, seq) if gone else (seq,))
    return Wrong(f"entry {at} that the checkpoint knows is gone", (at,))


def _runs(moved: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Yield the first and last place of entries that moved together, and where the first is now."""
    start = 0
    for end in range(1, len(moved) + 1):
        if end == len(moved) or moved[end] != (moved[end - 1][0] + 1, moved[end - 1][1] + 1):
            yield moved[start][0], moved[end - 1][0], moved[start][1]
            start = end
