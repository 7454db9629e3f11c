"""Page comparison: what a version's page shows beside its record: the versions before it and the one in production."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.trained_model import TrainedModel
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.orchestration.ui.outcome import Difference, Outcome
from lineage_pipelines.records.values.model_name import PRODUCTION

if TYPE_CHECKING:
    from lineage_pipelines.orchestration.ui.version_list import ListedVersion
    from lineage_pipelines.queries.registry.baseline import Baseline


def build_outcome(
    catalog: Catalog,
    entry: Entry,
    *,
    artifacts: ArtifactStore | None = None,
    project_dir: Path | None = None,
    trained: TrainedModel | None = None,
    baseline: "Baseline | None" = None,
    log: Callable[[str], None],
) -> Outcome:
    """Return a committed version with what its page compares it with.

    The version is committed already: what cannot be compared is left out, and the log says why.

    Args:
        catalog: the catalog.
        entry: the version.
        artifacts: the store of profiles and sources; without it the version is not compared in detail.
        project_dir: the project, whose Git history names commits.
        trained: what training returned; None where an earlier attempt, or another process, had committed it.
        baseline: the version that its gates compared it with.
        log: is given a sentence for each part that is left out.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    from lineage_pipelines.orchestration.ui.version_list import list_versions
    from lineage_pipelines.queries.registry.alias_history import find_decision
    from lineage_pipelines.queries.registry.baseline import previous_version

    versions: Sequence[ListedVersion] = ()
    try:
        versions = list_versions(catalog, entry, artifacts=artifacts)
    except Exception as error:  # noqa: BLE001  # the version is committed: an optional table must not fail its step
        log(f"the versions before {entry.ref} could not be listed: {error}")
    return Outcome(
        entry=entry,
        trained=trained,
        previous=previous_version(catalog, entry),
        baseline=baseline,
        holder=find_decision(catalog, entry.model, PRODUCTION, identity=entry.identity),
        versions=versions,
        differences=_differences(catalog, entry, artifacts, project_dir, log) if artifacts and project_dir else (),
    )


def _differences(
    catalog: Catalog, entry: Entry, artifacts: ArtifactStore, project_dir: Path, log: Callable[[str], None]
) -> tuple[Difference, ...]:
    """Compare a version with the one before and the one in production, from recorded facts alone."""
    from lineage_pipelines.queries.diff.comparison import compare_versions
    from lineage_pipelines.queries.registry.baseline import compared_versions

    found = []
    for label, other in compared_versions(catalog, entry):
        try:
            diff = compare_versions(catalog, other, entry, artifacts=artifacts, project_dir=project_dir)
        except Exception as error:  # noqa: BLE001  # as above
            log(f"{entry.ref} could not be compared with {other.ref}: {error}")
        else:
            found.append(Difference(label=label, changes=diff.changes))
    return tuple(found)
