"""Comparison of two versions in every part."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines.queries.diff.changes import VersionDiff, VersionSide
from lineage_pipelines.queries.diff.code.code import compare_code
from lineage_pipelines.queries.diff.code.environment import compare_environment
from lineage_pipelines.queries.diff.data.dataset_changes import compare_datasets
from lineage_pipelines.queries.diff.data.overlap import compare_overlaps
from lineage_pipelines.queries.diff.data.preparation import compare_stages
from lineage_pipelines.queries.diff.explanation.ranking import rank
from lineage_pipelines.queries.diff.run.decision_changes import decisions_between
from lineage_pipelines.queries.diff.run.evaluation import compare_evaluation
from lineage_pipelines.queries.diff.run.noise_band import MAX_VERSIONS, measure_noise
from lineage_pipelines.queries.diff.run.parameters import compare_parameters
from lineage_pipelines.queries.diff.stored_sources import Blobs
from lineage_pipelines.queries.diff.stored_tables import Progress, find_listings, find_tables
from lineage_pipelines.queries.registry.alias_history import aliases_of
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest


def compare_versions(
    catalog: Catalog,
    first: Entry,
    second: Entry,
    *,
    artifacts: ArtifactStore | None = None,
    project_dir: Path | None = None,
    rows: bool = False,
    progress: Progress | None = None,
) -> VersionDiff:
    """Say why two versions are different.

    Args:
        catalog: the catalog of both.
        first: the version on the left, as a rule the earlier one.
        second: the version on the right; it may be of another model.
        artifacts: the store of profiles, sources and lists of packages; without it only digests are compared.
        project_dir: the project, for commits and for the data itself; None to do without.
        rows: whether to read both snapshots of a changed dataset again, where they are at hand.
        progress: called with the dataset whose rows are read and how many were read just now.

    Raises:
        CatalogError: a record cannot be read.
    """
    blobs = _reader(artifacts)
    before = first.record
    after = before if first.digest == second.digest else second.record
    code = compare_code(before, after, blobs, repository=project_dir)
    parameters = compare_parameters(before, after)
    tables = find_tables(project_dir, progress) if rows and project_dir is not None else None
    listings = find_listings(project_dir) if project_dir is not None else None
    data = compare_datasets(before, after, blobs, open_tables=tables, listings=listings)
    overlaps = compare_overlaps(before, after, blobs, tables)
    stages, environment = compare_stages(before, after), compare_environment(before, after, blobs)
    evaluation = compare_evaluation(
        before, after, noise=_noise(catalog, first, second), code=code, first_is_later=first.seq > second.seq
    )
    facts = _facts(before, after)
    return VersionDiff(
        first=_side(catalog, first),
        second=_side(catalog, second),
        sentences=rank(
            data=data,
            stages=stages,
            code=code,
            environment=environment,
            parameters=parameters.changes,
            evaluation=evaluation,
            facts=facts,
            overlaps=overlaps,
        ),
        data=data,
        stages=stages,
        code=code,
        environment=environment,
        parameters=parameters.changes,
        unchanged_parameters=len(parameters.same),
        same_parameters=parameters.same,
        evaluation=evaluation,
        decisions=decisions_between(catalog, first, second),
        facts=facts,
        overlaps=overlaps,
    )


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


def _side(catalog: Catalog, entry: Entry) -> VersionSide:
    return VersionSide(
        ref=entry.ref,
        digest=entry.digest,
        model=entry.model,
        version=entry.version,
        recorded=entry.recorded,
        aliases=aliases_of(catalog, entry),
        missing=entry.record.completeness.missing,
    )


def _facts(before: LineageRecord, after: LineageRecord) -> dict[str, tuple[Json, Json]]:
    pairs: dict[str, tuple[Json, Json]] = {
        "model": (before.model.name, after.model.name),
        "seed": (before.run.seed, after.run.seed),
        "estimator": (before.artifact.estimator, after.artifact.estimator),
        "chosen candidate": (_chosen(before), _chosen(after)),
        "artifact": (str(before.artifact.digest), str(after.artifact.digest)),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _chosen(record: LineageRecord) -> str | None:
    return next((candidate.name for candidate in record.candidates if candidate.selected), None)
