"""Checkpoint check: comparison of the log with trusted checkpoints, by root and by inclusion proof."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from lineage_pipelines.catalog.transparency.checkpoint_note import log_name, signed_by
from lineage_pipelines.catalog.transparency.merkle import inclusion_proof, verify_inclusion
from lineage_pipelines.queries.verify.claims import conclude, defect, not_checked
from lineage_pipelines.queries.verify.log_scan import LogScan
from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor
from lineage_pipelines.records.values.finding import Finding, FindingKind

_IDENTITY = re.compile(r"[0-9a-f]{64}")
_SHOWN = 16


class CheckpointCheck:
    """Comparison of a log with checkpoints.

    Args:
        scan: the finished pass over it, with the root at the size of every checkpoint that is compared.
        logs: the identities that the project committed for its logs, see `Settings.log`; empty if it has none.
        silent: witnesses of which nothing can be read, and why.
    """

    def __init__(self, scan: LogScan, logs: Sequence[str] = (), silent: Sequence[str] = ()) -> None:
        self._logs = logs
        self._silent = silent
        self._tree = scan.tree
        self._last = scan.order.last
        self._keys = scan.signatures.signers.of_log

    def check_inclusion(self, anchor: Anchor | None, places: Collection[int]) -> Finding:
        """Return whether entries are in the tree of a checkpoint.

        Args:
            anchor: the checkpoint.
            places: the entries.

        Raises:
            CatalogError: the anchor is not a checkpoint.
        """
        if anchor is None:
            return not_checked(FindingKind.INCLUSION, "no checkpoint from outside the catalog was given")
        size = anchor.point.size
        covered = sorted(place for place in places if place <= size)
        words = self._rejection(anchor)
        wrong = [defect(FindingKind.INCLUSION, words, covered)] if words else list(self._outside(anchor, covered))
        if not wrong and len(covered) < len(places):
            later = ", ".join(f"entry {place}" for place in sorted(places) if place > size)
            return not_checked(
                FindingKind.INCLUSION, f"{later} came after the {size:,} entries that {anchor.name} knows"
            )
        proved = f"proved by {(size - 1).bit_length()} hashes at most"
        right = f"{len(covered):,} entries are among the {size:,} that {anchor.name} knows, {proved}"
        return conclude(FindingKind.INCLUSION, wrong, right)

    def _outside(self, anchor: Anchor, places: Sequence[int]) -> Iterator[Finding]:
        point, tree = anchor.point, self._tree
        leaves = [tree.leaf(at) for at in range(1, min(point.size, tree.size) + 1)]
        if len(leaves) < point.size:
            yield defect(
                FindingKind.INCLUSION,
                f"entries {tree.size + 1} to {point.size} are gone: {anchor.name} knows them",
                places,
            )
            return
        for place in places:
            proof = inclusion_proof(leaves, place - 1)
            if not verify_inclusion(tree.leaf(place), place - 1, point.size, proof, point.root):
                yield defect(
                    FindingKind.INCLUSION, f"{tree.name_at(place)} is not in the tree of {anchor.name}", (place,)
                )

    def compare(self, anchor: Anchor | None, *, earlier: Sequence[Anchor] = ()) -> Finding:
        """Return whether the log begins with the entries of checkpoints.

        Args:
            anchor: the checkpoint that decides the verdict.
            earlier: other checkpoints, the newest first: the last verified state, the history in Git.

        Raises:
            CatalogError: the anchor is not a checkpoint.
        """
        wrong = self._differences(anchor) if anchor is not None else []
        wrong += self._strangers(earlier)
        others = [one for one in earlier if anchor is None or one.text != anchor.text]
        ours = [one for one in others if not one.signed or one.point.origin == self._tree.origin]
        bad = [one for one in ours if self._mismatch(one)]
        if bad or wrong:
            wrong += self._narrow([*([anchor] if anchor else []), *ours])
        wrong += [defect(FindingKind.CHECKPOINT, words) for one in bad if (words := self._mismatch(one))]
        said = self._witnessed([one for one in earlier if one.witness])
        if (anchor is None or self._silent) and not wrong:
            words = f"{self._unanchored(ours)}{said}" if anchor is None else said.removeprefix("; ")
            return not_checked(FindingKind.CHECKPOINT, words)
        more = f", and with {len(ours):,} earlier checkpoints" if ours else ""
        known = f"the log begins with the {anchor.point.size:,} entries that {anchor.name} knows" if anchor else ""
        right = f"{known}{more}{said}"
        return conclude(FindingKind.CHECKPOINT, list(dict.fromkeys(wrong)), right)

    def _witnessed(self, kept: Sequence[Anchor]) -> str:
        """Say which witnesses the log agrees with, and which of them say nothing."""
        names = dict.fromkeys(one.witness for one in kept)
        said = f"; witnessed by {len(names):,}: {', '.join(names)}" if names else ""
        return said + "".join(f"; a witness says nothing: {words}" for words in self._silent)

    def _strangers(self, kept: Sequence[Anchor]) -> Iterator[Finding]:
        """Yield what is of a log that is not the project's: the catalog itself, or a checkpoint in the history.

        A log whose first entry was rewritten is another log, of which no earlier checkpoint knows anything.
        """
        own = self._tree.leaf(1).hex()
        if self._logs and self._tree.size and own not in self._logs:
            words = f"the catalog is not the project's: its log is {own[:_SHOWN]}, and [tool.lineage] log names others"
            yield defect(FindingKind.CHECKPOINT, words, (1,))
        known = {log_name(bytes.fromhex(each)) for each in self._logs if _IDENTITY.fullmatch(each)}
        for one in kept:
            if one.signed and one.point.origin not in {self._tree.origin, *known} and self._tree.size:
                words = f"{one.name} is of another log, or the first entry was rewritten"
                yield defect(FindingKind.CHECKPOINT, f"{words}; a log that was given up is named in [tool.lineage] log")

    def _unanchored(self, seen: Sequence[Anchor]) -> str:
        less = f"; it does begin with the {seen[0].point.size:,} entries that were last verified here" if seen else ""
        what = "no checkpoint from outside the catalog was given; an owner of file and key could have rewritten it"
        return what + less if self._tree.size else "there is nothing in the log"

    def _differences(self, anchor: Anchor) -> list[Finding]:
        words = self._mismatch(anchor)
        if words is None:
            return []
        # Empty if the log has a gap: then its end is not missing.
        gone = range(self._last + 1, anchor.point.size + 1)[:1]
        return [defect(FindingKind.CHECKPOINT, words, gone if anchor.point.origin == self._tree.origin else (1,))]

    def _mismatch(self, anchor: Anchor) -> str | None:
        """Return how the log contradicts a checkpoint, None if it does not."""
        point, size, tree = anchor.point, f"{anchor.point.size:,} entries", self._tree
        if point.origin == tree.origin and tree.size < point.size:
            return f"entries {tree.size + 1} to {point.size} are gone: {anchor.name} knows {size}"
        if point.origin == tree.origin and tree.roots[point.size] != point.root:
            return f"the first {size} are not what {anchor.name} says they were"
        return self._rejection(anchor)

    def _rejection(self, anchor: Anchor) -> str | None:
        """Return why a checkpoint cannot be used for this log, None if it can."""
        if anchor.point.origin != self._tree.origin:
            return f"{anchor.name} is of another log, or the first entry was rewritten"
        if anchor.signed and signed_by(anchor.text, self._keys, where=anchor.name) is None:
            return f"{anchor.name} is not signed by a key of this log"
        return None

    def _narrow(self, anchors: Sequence[Anchor]) -> Iterator[Finding]:
        """Yield the two checkpoints between which the log was changed."""
        ours = {one.point.size: one for one in anchors if one.point.origin == self._tree.origin}
        for (size, before), (other, after) in pairwise(sorted(ours.items())):
            if not self._mismatch(before) and self._mismatch(after):
                span = f"between {before.name}, whose {size:,} entries are still there, and {after.name}, whose are not"
                yield defect(
                    FindingKind.CHECKPOINT, f"the first change is in entries {size + 1} to {other}: {span}", (size + 1,)
                )
                return
