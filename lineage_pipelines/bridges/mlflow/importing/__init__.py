"""An MLflow registry, read into the catalog: every registered version once, with what is missing said for each.

Nothing of MLflow's is loaded or run: model files are copied and hashed, never opened by what made them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lineage_pipelines.artifacts import ArtifactStore
from lineage_pipelines.bridges.mlflow.importing.aliases import AliasBook
from lineage_pipelines.bridges.mlflow.importing.drafting import Drafter
from lineage_pipelines.bridges.mlflow.importing.history import History
from lineage_pipelines.bridges.mlflow.importing.importer import Importer
from lineage_pipelines.bridges.mlflow.importing.inputs import InputReader
from lineage_pipelines.bridges.mlflow.importing.registry import Registry, choose
from lineage_pipelines.bridges.mlflow.server import connect, shown
from lineage_pipelines.catalog import Catalog
from lineage_pipelines.reports.imported import ImportAnswer

_RETRIES = 5

__all__ = ["check_registry", "import_registry"]


def check_registry(address: str, models: Sequence[str] = ()) -> None:
    """See whether MLflow answers and has these models, before anything is made for an import.

    Raises:
        NotFoundError: MLflow has no such model.
        BridgeError: MLflow is not installed, or cannot be reached. It is asked once.
    """
    choose(Registry(connect(address, retries=0), address).models(), models)


def import_registry(
    address: str,
    *,
    catalog: Catalog | None,
    artifacts: str,
    project_dir: Path,
    by: str,
    models: Sequence[str] = (),
    renamed: Mapping[str, str] | None = None,
    copy: bool = True,
    dry_run: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> ImportAnswer:
    """Import the registered models of an MLflow server or store.

    Args:
        address: MLflow's tracking URI.
        catalog: where to, opened without mirrors; None in a dry run where there is none.
        artifacts: the artifact store's folder or URL.
        project_dir: the project whose DVC data the runs may have read, and whose policy aliases are judged by.
        by: who imports.
        models: names of registered models; all by default.
        renamed: MLflow's names and ours.
        copy: whether model files are copied into the artifact store.
        dry_run: whether nothing is written.
        progress: called with a model, how many of its versions are done, and how many there may be.

    Raises:
        NotFoundError: MLflow has no such model.
        RecordError: a name is none.
        BridgeError: MLflow is not installed, cannot be reached or went away; what was imported stays.
        CatalogError: the catalog cannot be written.
        ArtifactError: the artifact store cannot be written.
    """
    importer = Importer(
        registry=Registry(connect(address, retries=_RETRIES), address),
        drafter=Drafter(shown(address), InputReader(History(project_dir))),
        catalog=catalog,
        store=ArtifactStore(artifacts),
        aliases=AliasBook(catalog, by, project_dir, dry_run),
        copy=copy,
        progress=progress,
    )
    return importer.run(models, renamed or {})
