"""Verify: can the catalog be trusted? Everything is walked and compared, and each comparison has a verdict.

A check that could not be made is NOT CHECKED, which is not a pass. What is wrong is named by its place in the log.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint
from lineage_pipelines.errors import RecordError
from lineage_pipelines.queries.refs import parse_ref, resolve
from lineage_pipelines.queries.registry.approval_status import recheck_approvals
from lineage_pipelines.queries.verify.blob_check import check_artifacts, check_data
from lineage_pipelines.queries.verify.checkpoint_check import check_inclusion, compare_anchors
from lineage_pipelines.queries.verify.claims import CheckedClaim, Verdict, Wrong, conclude, not_checked
from lineage_pipelines.queries.verify.decision_replay import recheck_decisions
from lineage_pipelines.queries.verify.keyring import recheck_keys
from lineage_pipelines.queries.verify.log_scan import Versions, Walk
from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor, Memory
from lineage_pipelines.queries.versions.referenced_files import NamedFiles
from lineage_pipelines.records.decisions.approval import decode_envelope
from lineage_pipelines.records.values.digest import Digest

_ENTRY = re.compile(r"entry (\d+)")


def verify_catalog(
    catalog: Catalog,
    *,
    anchor: str | None = None,
    anchor_name: str = "",
    earlier: Sequence[Anchor] = (),
    memory: Memory | None = None,
    artifacts: ArtifactStore | None = None,
    project_dir: Path | None = None,
    only: Collection[int] = (),
    progress: Callable[[str, int], None] = lambda *_: None,
) -> tuple[CheckedClaim, ...]:
    """Check everything that the catalog claims.

    Args:
        catalog: the catalog.
        anchor: a checkpoint that was kept elsewhere, as text.
        anchor_name: where it was kept.
        earlier: other checkpoints that were kept, the newest first.
        memory: what was seen last from here. It is renewed when nothing is wrong with the log.
        artifacts: the store that model files and blobs are in; None to leave them out.
        project_dir: a folder of the DVC project that the data is of; None to leave it out.
        only: places of versions (`find_places`); what is not about them is not checked, and the claim `checkpoint`
            is `inclusion` then: that each is in the tree.
        progress: called with what is looked at and how many of it so far.

    Raises:
        CatalogError: the catalog cannot be read, or the anchor is no checkpoint.
    """
    newest = Anchor(anchor, anchor_name) if anchor is not None else None
    remembered = memory.recall() if memory is not None else None
    others = [*([remembered] if remembered else []), *earlier]
    files = NamedFiles() if artifacts is not None or project_dir is not None else None
    places = frozenset(only)
    sizes = frozenset(one.point.size for one in (*([newest] if newest else ()), *others))
    walk = Walk(indexed=catalog.index.versions(), sizes=sizes, only=places or None, files=files)
    for entry in catalog.log.walk():
        walk.see(entry)
        progress("entries", walk.entries)
    walk.settle(catalog.index.versions() if walk.late else walk.indexed)
    anchored = check_inclusion(walk, newest, places) if places else compare_anchors(walk, newest, earlier=others)
    log = (*_log_claims(walk, catalog), anchored)
    if memory is not None and not places and not any(claim.verdict is Verdict.FAIL for claim in log):
        memory.keep(Checkpoint(origin=walk.origin, size=walk.entries, root=walk.tree.root()))
    return (*log, *_file_claims(files, walk.indexed, artifacts, project_dir, progress))


def find_places(catalog: Catalog, refs: Sequence[str]) -> tuple[int, ...]:
    """Return the places in the log of versions, as the index has them: their records may have been altered.

    Raises:
        NotFoundError: there is no such version.
        CatalogError: the catalog cannot be read.
    """
    places = {said: seq for seq, said in catalog.index.versions().items()} if refs else {}
    latest: dict[str, int] = {}
    for model, version in places:
        latest[model] = max(version, latest.get(model, 0))
    return tuple(_place(catalog, ref, places, latest) for ref in refs)


def _place(catalog: Catalog, text: str, places: Mapping[tuple[str, int], int], latest: Mapping[str, int]) -> int:
    ref = parse_ref(text)
    if ref.model is not None and ref.model in latest and ref.alias is None:
        found = places.get((ref.model, ref.version or latest[ref.model]))
        if found is not None:
            return found
    return resolve(catalog, text).seq


# Claims


def _log_claims(walk: Walk, catalog: Catalog) -> Iterable[CheckedClaim]:
    count = f"{walk.checked:,} entries"
    yield conclude("entries", walk.altered, f"{count} are the bytes that were recorded")
    yield _signatures(walk)
    order = f"no gaps in the log; versions of {len(walk.models)} models contiguous"
    placed = f"{walk.checked:,} versions follow the ones before them" if walk.only else ""
    yield conclude("order", walk.misplaced, (placed or order) + _odd_times(walk))
    yield _decisions(walk, catalog)
    yield _approvals(walk)


def _odd_times(walk: Walk) -> str:
    told = (
        ("were committed before the entry before them, by their clock", walk.backwards),
        ("were committed in the future, by their clock", walk.ahead),
    )
    return "".join(f"; warning: {len(seqs):,} entries {what}, first entry {seqs[0]}" for what, seqs in told if seqs)


def _signatures(walk: Walk) -> CheckedClaim:
    signed = walk.checked - walk.unsigned
    wrong = [*(Wrong(words, _places(words)) for words in recheck_keys(walk.signers.events)), *walk.signatures]
    if wrong or not walk.unsigned:
        return conclude("signatures", wrong, f"{signed:,} entries signed by {len(walk.signers)} keys of this log")
    detail = f"{walk.unsigned:,} entries have no signature: they were committed before this log had a key"
    return not_checked("signatures", detail)


def _decisions(walk: Walk, catalog: Catalog) -> CheckedClaim:
    made = walk.decisions
    about = {seq for seq, decision in made if walk.only is None or decision.record in walk.chosen}
    told = (Wrong(words, _places(words)) for words in (*recheck_decisions(catalog, made), *_misindexed(walk, catalog)))
    wrong = [one for one in told if walk.only is None or about.intersection(one.entries)]
    return conclude("decisions", wrong, f"{len(about):,} decisions follow from what they were made on")


def _misindexed(walk: Walk, catalog: Catalog) -> Iterator[str]:
    """Yield where the index of decisions says something else than the log.

    What came after the walk is left out, and so is what has been told of the entry itself.
    """
    indexed = catalog.index.decisions()
    if indexed is None:
        return
    told = {seq for wrong in walk.altered for seq in wrong.entries}
    said = {
        (each.seq, each.model, each.alias, each.version, each.moves)
        for each in indexed
        if each.kind == "decision" and each.seq <= walk.last
    }
    made = {(seq, each.model, each.alias, each.version, each.moves_alias) for seq, each in walk.decisions}
    for seq in sorted({seq for seq, *_ in said ^ made} - told):
        if walk.is_there(seq):
            yield f"entry {seq} (decision): the index says otherwise; rebuild it with Catalog.rebuild()"


def _approvals(walk: Walk) -> CheckedClaim:
    about = {entry.seq for entry in walk.approvals if walk.only is None or _approved(entry) in walk.chosen}
    told = (Wrong(words, _places(words)) for words in recheck_approvals(walk.approvals, walk.signers.events))
    wrong = [one for one in told if walk.only is None or about.intersection(one.entries)]
    return conclude("approvals", wrong, f"{len(about):,} approvals were signed by those who could give them")


def _approved(entry: LogEntry) -> Digest | None:
    try:
        return decode_envelope(entry.body).approval.record
    except RecordError:
        return None


def _places(words: str) -> tuple[int, ...]:
    found = _ENTRY.match(words)
    return (int(found[1]),) if found else ()


def _file_claims(
    files: NamedFiles | None,
    indexed: Versions,
    artifacts: ArtifactStore | None,
    project_dir: Path | None,
    progress: Callable[[str, int], None],
) -> tuple[CheckedClaim, CheckedClaim]:
    named = files or NamedFiles()
    return check_artifacts(named, artifacts, indexed, progress), check_data(named, project_dir, indexed, progress)
