"""Verification of a catalog: every claim that it makes is checked and gets a verdict.

A check that could not be made is NOT CHECKED, which is not a pass. What is wrong is named by its place in the log.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.index_comparison import IndexComparison
from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint
from lineage_pipelines.errors import RecordError
from lineage_pipelines.queries.referenced_files import ReferencedFiles
from lineage_pipelines.queries.refs import parse_ref, resolve
from lineage_pipelines.queries.registry.approval_status import recheck_approvals
from lineage_pipelines.queries.tombstones import list_tombstones
from lineage_pipelines.queries.verify.blob_check import check_artifacts, check_data
from lineage_pipelines.queries.verify.checkpoint_check import CheckpointCheck
from lineage_pipelines.queries.verify.claims import conclude, defect, not_checked
from lineage_pipelines.queries.verify.decision_replay import recheck_decisions
from lineage_pipelines.queries.verify.entry_reader import EntryReader
from lineage_pipelines.queries.verify.keyring import recheck_keys
from lineage_pipelines.queries.verify.load_check import check_models
from lineage_pipelines.queries.verify.log_scan import ByteCheck, LogScan, SelectedEntries, WholeLog
from lineage_pipelines.queries.verify.reader_pool import read_log, useful_workers
from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor, CheckedSignatures, Memory
from lineage_pipelines.records.decisions.approval import decode_envelope
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.finding import Finding, FindingKind
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.settings import Settings

_ENTRY = re.compile(r"entry (\d+)")


def verify_catalog(
    catalog: Catalog,
    *,
    anchor: str | None = None,
    anchor_name: str = "",
    earlier: Sequence[Anchor] = (),
    logs: Sequence[str] = (),
    silent: Sequence[str] = (),
    memory: Memory | None = None,
    artifacts: ArtifactStore | None = None,
    project_dir: Path | None = None,
    loading: Settings | None = None,
    only: Collection[int] = (),
    checked: CheckedSignatures | None = None,
    workers: int | None = None,
    progress: Callable[[str, int], None] = lambda *_: None,
) -> tuple[Finding, ...]:
    """Check everything that the catalog claims.

    Args:
        catalog: the catalog.
        anchor: the text of a checkpoint stored outside the catalog.
        anchor_name: where it was stored, for messages.
        earlier: other such checkpoints, the newest first.
        logs: the identities that the project committed for its logs; empty if it committed none.
        silent: witnesses of which nothing can be read, and why.
        memory: the state that was verified here last. It is updated if nothing is wrong with the log.
        artifacts: the store of model files and blobs; None to skip them.
        project_dir: a folder of the DVC project with the data; None to skip it.
        loading: the reader's settings, to load every model file as well: its trusted types and limits.
        only: places of versions (`find_places`); everything else is skipped, and the claim `checkpoint` becomes
            `inclusion`: that each of them is in the tree.
        checked: the signatures that were checked here before, and are not checked again; None to check all of them.
        workers: how many processes read the log; by default this one alone, or for a long log one on each core.
        progress: called with the kind of thing that is checked and how many were checked so far.

    Raises:
        CatalogError: the catalog cannot be read, or the anchor is not a checkpoint.
    """
    newest = Anchor(anchor, anchor_name) if anchor is not None else None
    remembered = memory.recall() if memory is not None else None
    others = [*([remembered] if remembered else []), *earlier]
    places = frozenset(only)
    sizes = frozenset(one.point.size for one in (*([newest] if newest else ()), *others))
    passing = _Pass(catalog, places, sizes, progress, workers)
    if artifacts is not None or project_dir is not None:
        passing.collect = EntryReader(files=True, with_loadable=loading is not None)
    scan, index, files = passing.run(checked if not places else None)
    checkpoints = CheckpointCheck(scan, logs, silent)
    anchored = checkpoints.check_inclusion(newest, places) if places else checkpoints.compare(newest, earlier=others)
    log = (*_log_claims(scan, catalog), _index(scan, catalog, index), anchored)
    if memory is not None and not places and not any(finding.failed for finding in log):
        memory.keep(Checkpoint(origin=scan.tree.origin, size=scan.tree.size, root=scan.tree.root()))
    if checked is not None and not places and scan.tree.size and not any(finding.failed for finding in log):
        checked.keep(scan.tree.leaf(1).hex(), scan.tree.size, scan.tree.root())
    tombstones = list_tombstones(catalog) if artifacts is not None else {}
    named = files or ReferencedFiles()
    claims = (
        *log,
        check_artifacts(named, artifacts, scan.indexed, progress, tombstones),
        check_data(named, project_dir, scan.indexed, progress),
    )
    if loading is None or files is None or artifacts is None:
        return claims
    files.forget_models(tombstones)
    return (*claims, check_models(files, artifacts, scan.indexed, loading, progress))


@dataclass
class _Pass:
    """A pass over the log, by several processes if it is long."""

    catalog: Catalog
    places: frozenset[int]
    sizes: frozenset[int]
    progress: Callable[[str, int], None]
    workers: int | None
    collect: EntryReader = field(default_factory=EntryReader)

    def run(self, checked: CheckedSignatures | None) -> tuple[LogScan, IndexComparison | None, ReferencedFiles | None]:
        """Read the log; a second time if what was checked earlier was not these entries."""
        identity = self.catalog.log.identity() if checked is not None else None
        resting, root = checked.recall(identity) if checked is not None and identity is not None else (0, b"")
        found = self._read(resting)
        # A leaf is made of the recorded digest: bytes that are not those of their digest leave the root as it was.
        if resting and (found[0].bytes.wrong or found[0].tree.roots.get(resting) != root):
            found = self._read(0)
        return found

    def _read(self, resting: int) -> tuple[LogScan, IndexComparison | None, ReferencedFiles | None]:
        versions, index = self.catalog.index.versions(), self.catalog.index.comparison(self.places)
        selection = SelectedEntries(self.places) if self.places else WholeLog()
        scan = LogScan(versions, selection, sizes=self.sizes | {resting}, resting=resting, index=index)
        key = index.key if index is not None else None
        reader = replace(self.collect, index_key=key, only=self.places, resting=resting)
        files = ReferencedFiles(with_loadable=reader.with_loadable) if reader.files else None
        workers = self.workers if self.workers is not None else useful_workers(len(versions))
        for batch, read in read_log(self.catalog.log.walk(), reader, 0 if self.places else workers):
            for entry, reading in zip(batch, read.readings, strict=True):
                scan.see(entry, reading)
            if files is not None and read.files is not None:
                files.merge(read.files)
            self.progress("entries", scan.tree.size)
        scan.finish(self.catalog.index.versions)
        return scan, index, files


def find_places(catalog: Catalog, refs: Sequence[str]) -> tuple[int, ...]:
    """Return the places of versions in the log by the index, since their records may have been altered.

    Raises:
        NotFoundError: there is no such version.
        CatalogError: the catalog cannot be read.
    """
    places = {version: seq for seq, version in catalog.index.versions().items()} if refs else {}
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


def _log_claims(scan: LogScan, catalog: Catalog) -> Iterable[Finding]:
    checked = scan.bytes.checked
    yield conclude(FindingKind.ENTRIES, scan.bytes.wrong, f"{checked:,} entries are the bytes that were recorded")
    yield _signatures(scan)
    if isinstance(scan.selection, SelectedEntries):
        order = f"{checked:,} versions follow the ones before them"
    else:
        order = f"no gaps in the log; versions of {count(len(scan.order.models), 'model')} contiguous"
    yield conclude(FindingKind.ORDER, scan.order.wrong, order + _odd_times(scan.bytes))
    yield _decisions(scan, catalog)
    yield _approvals(scan)


def _odd_times(entries: ByteCheck) -> str:
    odd = (
        ("were committed before the entry before them, by their clock", entries.backwards),
        ("were committed in the future, by their clock", entries.ahead),
    )
    return "".join(f"; warning: {len(seqs):,} entries {what}, first entry {seqs[0]}" for what, seqs in odd if seqs)


def _signatures(scan: LogScan) -> Finding:
    check = scan.signatures
    signed = scan.bytes.checked - check.unsigned
    wrong = [*_defects(FindingKind.SIGNATURES, recheck_keys(check.signers.events)), *check.wrong]
    if wrong or not check.unsigned:
        detail = f"{signed:,} entries signed by {count(len(check.signers), 'key')} of this log"
        if check.resting:
            detail += f"; {check.resting:,} of these signatures were checked here before (--full checks them again)"
        return conclude(FindingKind.SIGNATURES, wrong, detail)
    detail = f"{check.unsigned:,} entries have no signature: they were committed before this log had a key"
    return not_checked(FindingKind.SIGNATURES, detail)


def _decisions(scan: LogScan, catalog: Catalog) -> Finding:
    made, selection = scan.decisions, scan.selection
    about = frozenset(seq for seq, decision in made if selection.concerns(decision.record))
    reports = (*recheck_decisions(catalog, made, scan.policies), *_misindexed(scan, catalog))
    detail = f"{count(len(about), 'decision')} consistent with policies, records and approvals"
    return conclude(FindingKind.DECISIONS, selection.filter(_defects(FindingKind.DECISIONS, reports), about), detail)


def _misindexed(scan: LogScan, catalog: Catalog) -> Iterator[str]:
    """Yield where the index of decisions contradicts the log.

    Decisions committed after the scan are left out, and so are entries that are reported as altered.
    """
    decisions = catalog.index.decisions()
    if decisions is None:
        return
    altered = {seq for wrong in scan.bytes.wrong for seq in wrong.places}
    indexed = {
        (each.seq, each.model, each.alias, each.version, each.moves)
        for each in decisions
        if each.kind == "decision" and each.seq <= scan.order.last
    }
    made = {(seq, each.model, each.alias, each.version, each.moves_alias) for seq, each in scan.decisions}
    for seq in sorted({seq for seq, *_ in indexed ^ made} - altered):
        if scan.order.has(seq):
            yield f"entry {seq} (decision): the index differs; rebuild it with Catalog.rebuild()"


def _index(scan: LogScan, catalog: Catalog, index: IndexComparison | None) -> Finding:
    """Compare every row of the index with the log, and unfinished work with both."""
    if index is None:
        return conclude(FindingKind.INDEX, [], "derived from the log just now: the catalog is of an earlier schema")
    if not scan.is_whole:
        return not_checked(
            FindingKind.INDEX, "entries of the log are missing, altered or out of place, so it cannot be derived again"
        )
    selected = isinstance(scan.selection, SelectedEntries)
    found = [(each.seq, f"the index differs about {{}}: {each.detail}") for each in catalog.index.differences(index)]
    found += [] if selected else [(seq, f"{{}} {words}") for seq, words in catalog.outbox.contradictions()]
    wrong = [
        defect(FindingKind.INDEX, detail.format(scan.name(seq) if seq else "the catalog"), [seq] if seq else [])
        for seq, detail in found
    ]
    rows = "the rows about them follow" if selected else f"{index.checked:,} rows follow"
    finding = conclude(FindingKind.INDEX, wrong, f"{rows} from the log")
    fix = "; find out who changed it, then rebuild it with Catalog.rebuild()" if wrong else ""
    return replace(finding, detail=finding.detail + fix)


def _approvals(scan: LogScan) -> Finding:
    selection = scan.selection
    about = frozenset(entry.seq for entry in scan.approvals if selection.concerns(_approved(entry)))
    reports = recheck_approvals(scan.approvals, scan.signatures.signers.events)
    detail = f"{len(about):,} approvals were signed by valid keys of their approvers"
    return conclude(FindingKind.APPROVALS, selection.filter(_defects(FindingKind.APPROVALS, reports), about), detail)


def _approved(entry: LogEntry) -> Digest | None:
    try:
        return decode_envelope(entry.body).approval.record
    except RecordError:
        return None


def _defects(claim: FindingKind, reports: Iterable[str]) -> Iterator[Finding]:
    for report in reports:
        entry = _ENTRY.match(report)
        yield defect(claim, report, (int(entry[1]),) if entry else ())
