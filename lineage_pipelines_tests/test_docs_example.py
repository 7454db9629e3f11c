"""The example of the README and of the how-to, as a reader would paste it: it loads, trains and answers."""

import importlib.util
import re
import sys
from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines.cli.main import main
from lineage_pipelines_tests.orchestration.shop import orders
from lineage_pipelines_tests.world import World

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
HOW_TO = ROOT / "docs" / "how-to" / "add-to-your-project.md"

_SPLIT = """
import pandas as pd
orders = pd.read_csv("data/orders.csv")
orders[orders.index % 3 > 0].to_parquet("data/train.parquet")
orders[orders.index % 3 == 0].to_parquet("data/test.parquet")
"""
_STAGES = """
stages:
  split:
    cmd: python split.py
    deps: [data/orders.csv, split.py]
    outs: [data/train.parquet, data/test.parquet]
"""
_YOURS = """
from dataclasses import dataclass
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

@dataclass(frozen=True)
class ChurnParams:
    strength: float = 1.0

def fit(train, params):
    return LogisticRegression(C=params.strength).fit(train[["amount", "visits"]], train["left"])

def score(model, test):
    return roc_auc_score(test["left"], model.predict_proba(test[["amount", "visits"]])[:, 1])
"""


def _example(page: Path) -> str:
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if "defs =" in block)


def _code_location(world: World, example: str) -> dg.Definitions:
    """A project that has nothing but the example, and what the example says is the reader's own."""
    world.write("data/orders.csv", orders())
    world.write("split.py", _SPLIT)
    world.write("dvc.yaml", _STAGES)
    world.write("pyproject.toml", "")
    world.append(".gitignore", "/.lineage/\n__pycache__/\n")
    imports, _, _ = _example(HOW_TO).partition("project = ")
    path = world.write("definitions.py", imports + _YOURS + example)
    world.track("data/orders.csv")
    world.commit("Follow the how-to")
    spec = importlib.util.spec_from_file_location(f"example_{world.root.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    defs: dg.Definitions = module.defs
    return defs


@pytest.mark.parametrize("page", [README, HOW_TO], ids=lambda page: page.name)
def test_the_example_loads_trains_and_answers(page: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    defs = _code_location(world, _example(page))
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    monkeypatch.chdir(world.root)
    assert main(["show", "churn@1"]) == 0
