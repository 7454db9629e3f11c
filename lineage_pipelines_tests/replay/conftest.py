"""A shop whose churn model was trained through Dagster, to be made again."""

import dataclasses
import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.replay.attribution_run import attribute
from lineage_pipelines.replay.reproduction_run import Options
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests import run_folder
from lineage_pipelines_tests.orchestration.shop import Shop
from lineage_pipelines_tests.world import World

DEFINITIONS = """
from pathlib import Path

import dagster as dg

from lineage_pipelines import DvcProject, LineageResource, disjoint, model_asset, threshold

from {module} import churn


def measure(model, table, params):
    from sklearn.metrics import roc_auc_score

    assert params.seed == 7
    return {{"roc_auc": roc_auc_score(table["left"], model.predict_proba(table[list(model.feature_names_in_)])[:, 1])}}


ROOT = Path(__file__).parent
decorate = model_asset(
    project=DvcProject(ROOT),
    inputs={{"train": "data/parts/train.csv", "test": "data/parts/test.csv"}},
    checks=[threshold(min_roc_auc=0.6), disjoint()],
    evaluate=measure,
)
model = decorate(churn)
defs = dg.Definitions(assets=[model], resources={{"lineage": LineageResource(project_dir=str(ROOT))}})
"""


class Trained(Shop):
    """A shop that trains its model as its author would, and keeps the catalog in the project."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.definitions = f"defs_{self.module_name}"
        world.write(f"{self.definitions}.py", DEFINITIONS.format(module=self.module_name))
        world.write("pyproject.toml", f'[tool.lineage]\n\n[tool.dagster]\nmodule_name = "{self.definitions}"\n')
        self.split()
        world.commit("Define the model")

    def train(self, *, partition: str | None = None, stores: Sequence[str] = (), **config: Any) -> Entry:
        """Materialize the model once, in process, and return the version.

        Args:
            partition: Dagster's key of the partition.
            stores: the keys of the dynamic partitions `stores`.
            config: the parameters.
        """
        sys.path.insert(0, str(self.root))
        try:
            for name in (self.module_name, self.definitions):
                sys.modules.pop(name, None)
            importlib.invalidate_caches()
            model = importlib.import_module(self.definitions).model
        finally:
            sys.path.remove(str(self.root))
        run_config = {"ops": {model.op.name: {"config": config}}} if config else {}
        with dg.DagsterInstance.ephemeral() as instance:
            resources = {"lineage": LineageResource(project_dir=str(self.root))}
            instance.add_dynamic_partitions("stores", list(stores))
            dg.materialize(
                [model], instance=instance, resources=resources, run_config=run_config, partition_key=partition
            )
        with self.catalog() as catalog:
            entry = catalog.latest("churn")
        assert entry is not None
        return entry

    def options(self, **given: Any) -> Options:
        """Return how a version is run again, with this environment's store."""
        settings = resolve_settings(start=self.root)
        return Options(project_dir=self.root, artifacts=ArtifactStore(settings.artifacts), **given)

    def path_text(self, name: str) -> str:
        """Return the text of a file of the project."""
        return self.world.path(name).read_text()

    def other_libraries(self, entry: Entry) -> Entry:
        """Commit the version again, as if one more library had been installed then."""
        store = self.options().artifacts
        packages = store.put_bytes(store.read(entry.record.environment.packages) + b"nowhere-to-be-found==1.0\n")
        environment = dataclasses.replace(entry.record.environment, packages=packages)
        model = dataclasses.replace(entry.record.model, run_key="0" * 64, previous=None)
        with self.opened() as catalog:
            return catalog.append(dataclasses.replace(entry.record, environment=environment, model=model))

    def other_threads(self, entry: Entry, threads: dict[str, int]) -> Entry:
        """Commit the version again, as if it had been trained with so many threads."""
        environment = dataclasses.replace(entry.record.environment, threads=threads)
        model = dataclasses.replace(entry.record.model, run_key="1" * 64, previous=None)
        with self.opened() as catalog:
            return catalog.append(dataclasses.replace(entry.record, environment=environment, model=model))

    def opened(self) -> Catalog:
        """Open the catalog with its keys."""
        settings = resolve_settings(start=self.root)
        return Catalog(settings.catalog, keys=settings.keys)

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Return mode and bytes of every file of the project, its Git repository, DVC state and catalog."""
        found = {}
        for parent, _, names in os.walk(self.root):
            for name in names:
                path = Path(parent, name)
                if name.endswith(("-shm", "-wal")) or "__pycache__" in parent:
                    continue
                found[str(path.relative_to(self.root))] = (path.lstat().st_mode, path.read_bytes())
        return found


@pytest.fixture
def shop(world: World) -> Trained:
    return Trained(world)


class Attributed(Trained):
    """A shop with two versions whose mixes were all trained once in this run; a copy, with its own cache of mixes."""

    def __init__(self, made: Path, into: Path) -> None:  # deliberately not the parent's, which makes one
        for name in ("project", "cache"):
            shutil.copytree(made / name, into / name, symlinks=True)
        self.world = World.__new__(World)
        self.world.root = into / "project"
        self.world.configure(f"[core]\n    site_cache_dir = {self.root / '.dvc' / 'tmp' / 'site'}\n")
        self.module_name = (made / "module").read_text()
        self.definitions = f"defs_{self.module_name}"
        self._cache = into / "cache"

    def two(self) -> tuple[Entry, Entry]:
        """Return the old version and the new one."""
        with self.catalog() as catalog:
            return catalog.get("churn", 1), catalog.get("churn", 2)

    def mixes(self) -> list[Path]:
        """Return the files of the mixes that were trained."""
        return sorted(self._cache.rglob("*.json"))

    def forget(self, count: int) -> list[Path]:
        """Remove so many mixes from the cache, always the same, and return their files."""
        gone = self.mixes()[:count]
        for file in gone:
            file.unlink()
        return gone


def two_versions(shop: Trained) -> tuple[Entry, Entry]:
    """The new one has other code, which takes a column away, and another strength, which hardly matters."""
    old = shop.train(strength=1.0)
    path = f"{shop.module_name}.py"
    shop.world.write(path, shop.path_text(path).replace('["amount", "visits"]', '["amount"]'))
    shop.world.commit("Leave the visits out")
    return old, shop.train(strength=0.9)


def _train_every_mix(folder: Path) -> None:
    shop = Trained(World(folder / "project"))
    old, new = two_versions(shop)
    before = shop.everything()
    with pytest.MonkeyPatch.context() as patch, shop.opened() as catalog:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        attribute(catalog, old, new, "roc_auc", shop.options())
    assert shop.everything() == before
    (folder / "module").write_text(shop.module_name)


@pytest.fixture
def attributed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attributed:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Attributed(run_folder.made_once("attributed", _train_every_mix), tmp_path)
