"""Source check: does the workspace hold what is tracked, or was data delivered that nobody added?"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import dagster as dg

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.orchestration.ui import metadata_keys

if TYPE_CHECKING:
    from lineage_pipelines.datasets.workspace.pending_delivery import PendingDelivery

TRACKED = "tracked"
"""The name of the check."""


def source_check_spec(spec: dg.AssetSpec) -> dg.AssetCheckSpec:
    """Return the check of a tracked file."""
    return dg.AssetCheckSpec(
        TRACKED,
        asset=spec.key,
        description="The workspace holds what is tracked: nothing delivered waits for `dvc add`.",
    )


class SourceCheck:
    """Checks the tracked files of one observation.

    Args:
        project: the project, with its pipeline loaded.
    """

    def __init__(self, project: DvcProject) -> None:
        self._project = project

    @cached_property
    def _new(self) -> "Mapping[str, PendingDelivery]":
        from lineage_pipelines.datasets.workspace.pending_delivery import find_new

        return find_new(self._project)

    def evaluate(self, spec: dg.AssetSpec) -> dg.AssetCheckResult:
        """Return whether a tracked path, and its folder, hold no data but what is tracked.

        Raises:
            DatasetError: the data cannot be read.
        """
        from lineage_pipelines.datasets.workspace.pending_delivery import beside, combine, find_modified

        path = str(spec.metadata[metadata_keys.DVC_PATH])
        try:
            modified = find_modified(self._project, path)
        except DatasetError as error:
            return dg.AssetCheckResult(asset_key=spec.key, check_name=TRACKED, passed=False, description=str(error))
        new = beside(self._new, self._project.graph(), path)
        found = combine([*([modified] if modified is not None else []), *new])
        return dg.AssetCheckResult(
            asset_key=spec.key,
            check_name=TRACKED,
            passed=found is None,
            description=found.text if found is not None else f"{path} is as tracked",
            metadata={metadata_keys.DVC_PENDING: len(found.files) if found is not None else 0},
        )
