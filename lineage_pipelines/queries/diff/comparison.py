"""Comparison of two versions in every part."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines.queries.diff.changes import DatasetChange, Kind
from lineage_pipelines.queries.diff.code.code import (
    compare_code,
    compare_other_files,
    compare_step_code,
    is_opened,
)
from lineage_pipelines.queries.diff.code.environment import compare_environment
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets, compare_sources
from lineage_pipelines.queries.diff.data.overlap import compare_overlaps
from lineage_pipelines.queries.diff.data.preparation import compare_stages
from lineage_pipelines.queries.diff.explanation.ranking import Differences, rank
from lineage_pipelines.queries.diff.run.decision_changes import decisions_between
from lineage_pipelines.queries.diff.run.evaluation import compare_evaluation
from lineage_pipelines.queries.diff.run.noise_band import MAX_VERSIONS, measure_noise
from lineage_pipelines.queries.diff.run.parameters import compare_parameters
from lineage_pipelines.queries.diff.stored_sources import Blobs
from lineage_pipelines.queries.diff.stored_tables import Progress, find_listings, find_tables
from lineage_pipelines.queries.diff.version_diff import VersionDiff, VersionSide
from lineage_pipelines.queries.registry.alias_history import aliases_of
from lineage_pipelines.queries.tombstones import LoggedTombstone, list_tombstones, purged_of
from lineage_pipelines.records.statement.dataset import Delivery
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.phrase import some_of

_SHOWN = 3
_OF_CODE = ("source file", "masked source file", "the patch")
_OF_ENVIRONMENT = ("the package list", "the list of imported packages")


def compare_versions(
    catalog: Catalog,
    first: Entry,
    second: Entry,
    *,
    artifacts: ArtifactStore | None = None,
    project_dir: Path | None = None,
    rows: bool | None = False,
    progress: Progress | None = None,
) -> VersionDiff:
    """Say why two versions are different.

    Args:
        catalog: the catalog of both.
        first: the version on the left, as a rule the earlier one.
        second: the version on the right; it may be of another model.
        artifacts: the store of profiles, sources and lists of packages; without it only digests are compared.
        project_dir: the project, for commits and for the data itself; None to do without.
        rows: whether to read both snapshots of a changed dataset again, where they are at hand; None to read tables
            of up to `CELLS_AUTOMATIC` cells.
        progress: called with the dataset whose rows are read and how many were read just now.

    Raises:
        CatalogError: a record cannot be read.
    """
    before = first.record
    after = before if first.digest == second.digest else second.record
    found = compare_records(
        before,
        after,
        artifacts=artifacts,
        project_dir=project_dir,
        rows=rows,
        progress=progress,
        noise=_noise(catalog, first, second),
        first_is_later=first.seq > second.seq,
    )
    tombstones = list_tombstones(catalog)
    sides = _side(catalog, first, tombstones), _side(catalog, second, tombstones)
    code, libraries = found.code, found.environment
    return VersionDiff(
        first=sides[0],
        second=sides[1],
        changes=rank(found) if first.digest != second.digest else (),
        data=tuple(found.data),
        stages=tuple(found.stages),
        code=replace(code, weaker=_with_purged(code.weaker, sides, _OF_CODE)),
        environment=replace(libraries, weaker=_with_purged(libraries.weaker, sides, _OF_ENVIRONMENT)),
        parameters=tuple(found.parameters),
        unchanged_parameters=len(found.same_parameters),
        same_parameters=found.same_parameters,
        evaluation=found.evaluation,
        decisions=decisions_between(catalog, first, second),
        facts=found.facts,
        overlaps=tuple(found.overlaps),
        sources=tuple(found.sources),
    )


def compare_records(
    before: LineageRecord,
    after: LineageRecord,
    *,
    artifacts: ArtifactStore | None = None,
    project_dir: Path | None = None,
    rows: bool | None = False,
    progress: Progress | None = None,
    noise: Mapping[str, float] | None = None,
    first_is_later: bool = False,
) -> Differences:
    """Compare two records in every part; `rank` puts what differs in an order.

    The arguments are those of `compare_versions`; `noise` and `first_is_later` are those of `compare_evaluation`.
    """
    blobs = _reader(artifacts)
    code = compare_code(before, after, blobs, repository=project_dir)
    others = compare_other_files(before, after, project_dir)
    opened = tuple(file.path for file in others if is_opened(file.path, before, after))
    code = replace(code, others=others, opened=opened)
    tables = find_tables(project_dir, progress) if rows is not False and project_dir is not None else None
    listings = find_listings(project_dir) if project_dir is not None else None
    ways = Ways(blobs=blobs, open_tables=tables, listings=listings, automatic=rows is None)
    data = compare_datasets(before, after, ways)
    parameters = compare_parameters(before, after)
    return Differences(
        data=_delivered(data, before, after, project_dir),
        sources=_delivered(compare_sources(before, after, ways), before, after, project_dir),
        overlaps=compare_overlaps(before, after, blobs, None if rows is None else tables),
        stages=compare_step_code(compare_stages(before, after), before, after, project_dir),
        code=code,
        environment=compare_environment(before, after, blobs),
        parameters=parameters.changes,
        same_parameters=parameters.same,
        evaluation=compare_evaluation(before, after, noise=noise, code=code, first_is_later=first_is_later),
        facts=_facts(before, after),
    )


def _delivered(
    changes: Sequence[DatasetChange], before: LineageRecord, after: LineageRecord, project_dir: Path | None
) -> tuple[DatasetChange, ...]:
    """Add the commit that brought each tracked file that differs: as recorded, else as Git knows it."""
    return tuple(
        replace(
            change,
            delivery=_delivery(change, before, after, project_dir),
            origin=(_origin(change, before), _origin(change, after)),
        )
        if change.kind is not Kind.IDENTICAL and not change.prepared
        else change
        for change in changes
    )


def _delivery(
    change: DatasetChange, before: LineageRecord, after: LineageRecord, project_dir: Path | None
) -> Delivery | None:
    source = next((each for each in after.sources if _holds(each.path, change.path)), None)
    if source is not None or project_dir is None:
        return source.delivery if source is not None else None
    from lineage_pipelines.queries.diff.code.commits import find_delivery

    return find_delivery(project_dir, before.code.revision, after.code.revision, f"{change.path}.dvc")


def _origin(change: DatasetChange, record: LineageRecord) -> str | None:
    source = next((each for each in record.sources if _holds(each.path, change.path)), None)
    return source.imported_from.place if source is not None and source.imported_from is not None else None


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _reader(artifacts: ArtifactStore | None) -> Blobs:
    @cache
    def read(digest: Digest) -> bytes | None:
        try:
            return artifacts.read(digest) if artifacts is not None else None
        except ArtifactError:  # gone or altered: `lineage verify` says so, and the answer is weaker here
            return None

    return read


def _noise(catalog: Catalog, first: Entry, second: Entry) -> Mapping[str, float]:
    later = max(first, second, key=lambda entry: entry.seq)
    if first.model != second.model:
        return {}
    return measure_noise(catalog.entries(later.model, limit=MAX_VERSIONS, before=later.version + 1))


def _side(catalog: Catalog, entry: Entry, tombstones: Mapping[str, LoggedTombstone]) -> VersionSide:
    return VersionSide(
        ref=entry.ref,
        digest=entry.digest,
        model=entry.model,
        version=entry.version,
        recorded=entry.recorded,
        aliases=aliases_of(catalog, entry),
        missing=entry.record.completeness.missing,
        purged=tuple(file.words for file in purged_of(entry.record, tombstones)),
    )


def _with_purged(weaker: str, sides: Sequence[VersionSide], files: tuple[str, ...]) -> str:
    """Add to what an answer lacks the files of this kind that were removed on purpose."""
    said = dict.fromkeys(words for side in sides for words in side.purged if words.startswith(files))
    return f"{weaker}; {some_of(list(said), most=_SHOWN)}" if weaker and said else weaker


def _facts(before: LineageRecord, after: LineageRecord) -> dict[str, tuple[Json, Json]]:
    pairs: dict[str, tuple[Json, Json]] = {
        "model": (before.model.name, after.model.name),
        "partition": (_identity(before), _identity(after)),
        "seed": (before.run.seed, after.run.seed),
        "undeclared reads": (_undeclared(before), _undeclared(after)),
        "estimator": (before.artifact.estimator, after.artifact.estimator),
        "chosen candidate": (_chosen(before), _chosen(after)),
        "artifact": (str(before.artifact.digest), str(after.artifact.digest)),
    }
    if None in pairs["undeclared reads"]:  # not observed on one side
        del pairs["undeclared reads"]
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _identity(record: LineageRecord) -> str | None:
    partition = record.model.partition
    return partition.identity if partition is not None else None


def _undeclared(record: LineageRecord) -> Json:
    """What training was seen to read beside what is recorded: variables and files, by name."""
    found = record.run.undeclared
    return [*found.environment, *found.files] if found is not None else None


def _chosen(record: LineageRecord) -> str | None:
    return next((candidate.name for candidate in record.candidates if candidate.selected), None)
