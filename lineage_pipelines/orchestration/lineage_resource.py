"""`LineageResource`: where records and model files are kept, as Dagster configures it."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from lineage_pipelines.artifacts import ArtifactStore
from lineage_pipelines.catalog import Catalog, Settings, resolve_settings


class LineageResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it is its own resource
    """The catalog and the artifact store of a project.

    Everything left empty is resolved as the command line does it: environment (`LINEAGE_CATALOG`), then
    `[tool.lineage]` in `pyproject.toml`, then `sqlite:///.lineage/catalog.db`.
    """

    project_dir: str = Field(default=".", description="The folder from which pyproject.toml is searched upwards.")
    catalog: str | None = Field(default=None, description="SQLAlchemy URL of the catalog.")
    artifacts: str | None = Field(default=None, description="Folder or fsspec URL of the artifact store.")

    @classmethod
    def _is_dagster_maintained(cls) -> bool:
        return False

    def settings(self) -> Settings:
        """Resolve the configuration."""
        return resolve_settings(catalog=self.catalog, artifacts=self.artifacts, start=Path(self.project_dir))

    def open_catalog(self) -> Catalog:
        """Open the catalog, made when there is none.

        Raises:
            CatalogError: it cannot be opened or written.
        """
        return Catalog(self.settings().catalog)

    def open_artifacts(self) -> ArtifactStore:
        """Open the artifact store."""
        return ArtifactStore(self.settings().artifacts)
