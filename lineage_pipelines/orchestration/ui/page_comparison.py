"""Page comparison: what is new on an asset's page since the version before and the one in production."""

from collections.abc import Callable
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.orchestration.ui.outcome import Difference


def find_differences(
    catalog: Catalog, entry: Entry, *, artifacts: ArtifactStore, project_dir: Path, log: Callable[[str], None]
) -> tuple[Difference, ...]:
    """Compare a committed version with the one before and the one in production, from recorded facts alone."""
    from lineage_pipelines.queries.diff.comparison import compare_versions
    from lineage_pipelines.queries.registry.baseline import compared_versions

    found = []
    for label, other in compared_versions(catalog, entry):
        try:
            diff = compare_versions(catalog, other, entry, artifacts=artifacts, project_dir=project_dir)
        except Exception as error:  # noqa: BLE001  # the version is committed: an optional table must not fail its step
            log(f"{entry.ref} could not be compared with {other.ref}: {error}")
        else:
            found.append(Difference(label=label, changes=diff.changes))
    return tuple(found)
