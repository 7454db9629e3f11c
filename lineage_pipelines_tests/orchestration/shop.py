"""A small real project: orders are tracked, split by a stage, and a churn model is trained on the parts."""

import importlib
import shutil
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import dagster as dg

from lineage_pipelines import Catalog, DvcProject, DvcResource, LineageResource, resolve_settings
from lineage_pipelines_tests import run_folder
from lineage_pipelines_tests.world import World

DVC_YAML = """
stages:
  split:
    cmd: python split.py
    desc: Every third order is for testing.
    meta:
      owner: team:shop
    deps: [data/orders.csv, split.py]
    params: [split.every]
    outs:
      - data/parts/train.csv
      - data/parts/test.csv
    metrics:
      - summary.json:
          cache: false
"""

SPLIT = """
import csv, json, pathlib
every = int(pathlib.Path("params.yaml").read_text().split("every:")[1])
rows = list(csv.reader(open("data/orders.csv")))
head, rows = rows[0], rows[1:]
parts = {"train": [r for i, r in enumerate(rows) if i % every], "test": rows[::every]}
pathlib.Path("data/parts").mkdir(exist_ok=True)
for name, part in parts.items():
    with open(f"data/parts/{name}.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\\n").writerows([head, *part])
json.dump({"train": {"rows": len(parts["train"])}, "test": {"rows": len(parts["test"])}}, open("summary.json", "w"))
print("split", len(rows), "orders")
"""

MODEL = '''
"""Train the churn model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines import Candidate, SliceMetrics, TrainedModel

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ChurnParams:
    """How to train."""

    strength: float = 1.0
    """Inverse regularisation."""
    seed: int = 7


def churn(train: "pd.DataFrame", test: "pd.DataFrame", params: ChurnParams) -> TrainedModel:
    """Will this customer leave?"""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    features = ["amount", "visits"]
    model = LogisticRegression(C=params.strength, random_state=params.seed).fit(train[features], train["left"])
    score = model.predict_proba(test[features])[:, 1]
    auc = roc_auc_score(test["left"], score)
    parts = [
        SliceMetrics(name="city", value=city, rows=len(group), metrics={"left": group["left"].mean()})
        for city, group in test.groupby("city")
    ]
    return TrainedModel(
        estimator=model,
        metrics={"roc_auc": auc},
        slices=parts,
        candidates=[
            Candidate(name="logistic", metrics={"roc_auc": auc}, selected=True, reason="the only one"),
        ],
    )
'''


def orders(rows: int = 300, *, shift: float = 0.0) -> str:
    """Make a deterministic table in which low amounts and few visits mean leaving."""
    lines = ["amount,visits,city,left"]
    for i in range(rows):
        amount, visits = (i * 37 % 101) + shift, i * 17 % 23
        left = int(amount + 3 * visits + (i * 29 % 31) < 95)
        lines.append(f"{amount},{visits},{('Rome', 'Oslo')[i % 2]},{left}")
    return "\n".join(lines) + "\n"


def _track(folder: Path, *, git: bool) -> None:
    """Make a project in which the orders are tracked."""
    world = World(folder, git=git)
    world.write("data/orders.csv", orders())
    world.track("data/orders.csv")


def _split(folder: Path, *, git: bool) -> None:
    """Make a project whose orders are split."""
    Shop(World(folder, git=git)).world.repro("split")


def _copy_once(source: str, target: str) -> None:
    """Copy a file unless it is there: what DVC has stored cannot be written to."""
    if not Path(target).exists():
        shutil.copy2(source, target)


class Shop:
    """The project, its definitions and its Dagster instance."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._copy("orders", _track)
        world.write("dvc.yaml", DVC_YAML)
        world.write("params.yaml", "split:\n  every: 3\n")
        world.write("split.py", SPLIT)
        world.write("pyproject.toml", "[tool.lineage]\n")
        world.append(".gitignore", "/.lineage/\n__pycache__/\n")
        self.module_name = f"churn_{uuid.uuid4().hex[:8]}"
        world.write(f"{self.module_name}.py", MODEL)
        world.commit("Begin the shop")

    def _copy(self, name: str, make: Callable[..., None]) -> None:
        """Copy the data of a project that is made once, and what DVC knows of them."""
        git = (self.root / ".git").exists()
        made = run_folder.made_once(f"{name}-{'git' if git else 'alone'}", lambda folder: make(folder, git=git))
        for folder in ("data", ".dvc/cache"):
            shutil.copytree(made / folder, self.root / folder, dirs_exist_ok=True, copy_function=_copy_once)
        for file in filter(Path.exists, (made / "dvc.lock", made / "summary.json")):
            shutil.copy(file, self.root)

    def split(self) -> None:
        """Run the stage of a shop that is as it was begun: as `world.repro`, without waiting for DVC."""
        self._copy("split", _split)

    def module(self) -> ModuleType:
        """Import the training module as it is now."""
        sys.path.insert(0, str(self.world.root))
        try:
            sys.modules.pop(self.module_name, None)
            importlib.invalidate_caches()
            return importlib.import_module(self.module_name)
        finally:
            sys.path.remove(str(self.world.root))

    def resources(self) -> dict[str, object]:
        """Return the two resources, pointed at the project."""
        root = str(self.world.root)
        return {"dvc": DvcResource(project_dir=root), "lineage": LineageResource(project_dir=root)}

    def project(self) -> DvcProject:
        """Return the DVC project as it is now."""
        return DvcProject(self.world.root)

    def catalog(self) -> Catalog:
        """Open the project's catalog."""
        return Catalog(resolve_settings(start=self.world.root).catalog)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.world.root


class Opened(Shop):
    """A shop that another process has made."""

    def __init__(self, root: str, module_name: str) -> None:  # deliberately not the parent's, which makes one
        self.world = World.__new__(World)
        self.world.root = Path(root)
        self.module_name = module_name


def run(defs: dg.Definitions, job: str, instance: dg.DagsterInstance, **options: object) -> dg.ExecuteInProcessResult:
    """Run a job in process; a failed run is a result, not an exception."""
    definition = defs.resolve_job_def(job)
    return definition.execute_in_process(instance=instance, raise_on_error=False, **options)  # type: ignore[arg-type]
