"""`LineageResource`: where records and model files are stored, as Dagster configures it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from lineage_pipelines.errors import CatalogError
from lineage_pipelines.orchestration.fixed_resource import FixedResource
from lineage_pipelines.settings import Settings, resolve_settings

if TYPE_CHECKING:
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.catalog.catalog import Catalog


class LineageResource(FixedResource, extra="forbid"):
    """The catalog and the artifact store of a project.

    Everything left empty is resolved as the command line does it: environment (`LINEAGE_CATALOG`), then
    `[tool.lineage]` in `pyproject.toml`, then `sqlite:///.lineage/catalog.db`.
    """

    project_dir: str = Field(default=".", description="The folder from which pyproject.toml is searched upwards.")
    catalog: str | None = Field(default=None, description="The catalog: sqlite:///PATH.")
    artifacts: str | None = Field(default=None, description="Folder or fsspec URL of the artifact store.")

    def settings(self) -> Settings:
        """Resolve the configuration.

        Raises:
            CatalogError: `project_dir` is not a folder, or pyproject.toml holds a setting that cannot be used.
        """
        if not Path(self.project_dir).is_dir():
            # A catalog created in a misspelt folder would start again at version 1.
            fix = "give LineageResource the project's folder: project_dir=str(project.root)"
            raise CatalogError("the project's folder does not exist", where=self.project_dir, fix=fix)
        return resolve_settings(catalog=self.catalog, artifacts=self.artifacts, start=Path(self.project_dir))

    def open_catalog(self) -> "Catalog":
        """Open the catalog; it is created if it does not exist.

        Raises:
            CatalogError: it cannot be opened or written.
        """
        from lineage_pipelines.catalog.catalog import (
            Catalog,  # SQLAlchemy, which loading a code location need not wait for
        )

        settings = self.settings()
        return Catalog(settings.catalog, keys=settings.keys, mirrors=settings.mirrors)

    def open_artifacts(self) -> "ArtifactStore":
        """Open the artifact store."""
        from lineage_pipelines.artifacts.artifact_store import ArtifactStore

        return ArtifactStore(self.settings().artifacts)

    def update_mirrors(self, warn: Callable[[str], None]) -> None:
        """Send what was committed to the systems that mirror the catalog, without waiting for them."""
        settings = self.settings()
        if settings.mirrors:
            from lineage_pipelines.bridges.mlflow.delivery_launcher import start_mirroring

            start_mirroring(settings, warn)
