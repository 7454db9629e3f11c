"""Is a version in the tree that somebody kept the root of? Shown by a proof, not by comparing everything."""

from collections.abc import Collection, Iterator, Sequence

from lineage_pipelines.catalog import inclusion_proof, verify_inclusion
from lineage_pipelines.queries.anchors import unsound
from lineage_pipelines.queries.claims import CheckedClaim, Wrong, conclude, not_checked
from lineage_pipelines.queries.kept import Anchor
from lineage_pipelines.queries.log_walk import Walk

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
