"""Components: a whole code location in YAML, scaffolded by `dg`, with Dagster's own test cases."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox
from dagster.components.testing.test_cases import TestTranslation

import lineage_pipelines
from lineage_pipelines import (
    DvcProjectComponent,
    LineageError,
    LineageResource,
    MlflowSensorComponent,
    ModelComponent,
    PromotionComponent,
    ReproducibilityComponent,
    RetrainingComponent,
)
from lineage_pipelines_tests.orchestration.conftest import INPUTS
from lineage_pipelines_tests.orchestration.shop import Shop
from lineage_pipelines_tests.world import World

# Dagster's own reader of defs.yaml.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    # In Dagster's own test case.
    pytest.mark.filterwarnings("ignore:Accessing .*automation_condition"),
]

COMPONENTS = [
    DvcProjectComponent,
    ModelComponent,
    PromotionComponent,
    ReproducibilityComponent,
    MlflowSensorComponent,
    RetrainingComponent,
]


SCAFFOLDED: dict[type, dict[str, str]] = {
    ModelComponent: {"function": "shop:churn", "inputs": "train=train.csv"},
    PromotionComponent: {"model_key": "churn"},
    ReproducibilityComponent: {"model_key": "churn"},
}


def build(
    component: type[dg.Component], attributes: dict[str, Any], resources: dict[str, Any] | None = None
) -> dg.Definitions:
    """Return what a `defs.yaml` defines."""
    body = {"type": f"lineage_pipelines.{component.__name__}", "attributes": attributes}
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(
            component_cls=component,
            defs_path="shop",
            scaffold_params=SCAFFOLDED.get(component, {}),
            defs_yaml_contents=body,
        )
        with sandbox.load_component_and_build_defs(defs_path=path) as (made, defs):
            assert isinstance(made, component)
            return dg.Definitions.merge(defs, dg.Definitions(resources=resources or {}))


class TestDvcProjectTranslation(TestTranslation):
    def test_translation(self, split_shop: Shop, attributes: Any, assertion: Any, key_modifier: Any) -> None:
        found = build(DvcProjectComponent, {"project": str(split_shop.root), "translation": attributes})
        # Dagster keeps no condition of an asset that is only observed; a stage's dependencies are those of dvc.yaml.
        path = ["data", "parts", "train.csv"] if "automation_condition" in attributes else ["data", "orders.csv"]
        key = dg.AssetKey(path)
        graph = found.resolve_asset_graph()
        assert assertion(graph.get(key_modifier(key) if key_modifier else key).to_asset_spec())


@pytest.fixture
def importable(split_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop whose training function can be imported, as that of an installed project."""
    monkeypatch.syspath_prepend(str(split_shop.root))
    yield split_shop
    sys.modules.pop(split_shop.module_name, None)


def model_attributes(shop: Shop, **more: Any) -> dict[str, Any]:
    return {"project": str(shop.root), "function": f"{shop.module_name}:churn", "inputs": dict(INPUTS), **more}


def test_a_model_in_yaml_is_the_model_in_python(importable: Shop) -> None:
    checks = [
        {"kind": "threshold", "metrics": {"min_roc_auc": 0.6}},
        {"kind": "no_worse", "metrics": {"roc_auc": 0.01}, "blocking": False},
        {"kind": "slices_evaluated", "columns": ["city"], "min_rows": 10},
        {"kind": "disjoint"},
        {"kind": "disjoint", "inputs": ["test", "train"]},
        {"kind": "unique_rows", "inputs": ["train"], "max_share": 0.5},
    ]
    policy = {"on_schedule": "0 6 1 * *", "on_failed_check": ["drift"], "min_interval": "12 hours", "max_age": "2 days"}
    defs = build(
        ModelComponent,
        model_attributes(importable, checks=checks, retraining=policy, owners=["team:shop"], tags={"domain": "shop"}),
        importable.resources(),
    )
    asset = defs.resolve_assets_def("churn")
    spec = asset.get_asset_spec()
    assert {check.name: check.blocking for check in asset.check_specs} == {
        "min_roc_auc": True,
        "no_worse_roc_auc": False,
        "slices_evaluated": True,
        "train_test_disjoint": True,
        "test_train_disjoint": True,
        "unique_rows": True,
    }
    assert spec.owners == ["team:shop"]
    assert spec.tags["domain"] == "shop"
    assert isinstance(spec.freshness_policy, dg.FreshnessPolicy)
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    with importable.catalog() as catalog:
        assert catalog.get("churn", 1).record.evaluation is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"function": "churn"}, "'churn' is no import path"),
        ({"function": "no_such_module:churn"}, "cannot be imported"),
        ({"function": "json:no_such_name"}, "json has no no_such_name"),
        ({"retraining": {"min_interval": "soon"}}, "'soon', which is no duration"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(importable: Shop, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ComponentTreeException) as raised:
        build(ModelComponent, model_attributes(importable, **wrong))
    error: BaseException | None = raised.value
    while error is not None and not isinstance(error, LineageError):
        error = error.__cause__
    assert said in str(error)


def test_operations_in_yaml() -> None:
    lineage = {"lineage": LineageResource()}
    promotion = build(PromotionComponent, {"model_key": "shop/churn", "alias": "staging"}, lineage)
    assert promotion.resolve_asset_graph().has(dg.AssetKey(["shop", "churn_staging"]))
    check = build(ReproducibilityComponent, {"model_key": "churn", "schedule": "0 4 * * *"}, lineage)
    assert [schedule.cron_schedule for schedule in check.schedules or () if isinstance(schedule, dg.ScheduleDefinition)]
    for component, name in ((MlflowSensorComponent, "mlflow_mirror"), (RetrainingComponent, "retraining")):
        sensor = build(component, {"seconds": 90}, lineage).get_repository_def().get_sensor_def(name)
        assert sensor.minimum_interval_seconds == 90


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda each: each.__name__)
def test_every_field_has_a_description_and_an_example(component: Any) -> None:
    fields = component.model().model_fields
    for name, found in fields.items():
        if name == "translation":
            continue  # Dagster's own, with Dagster's description
        assert found.description, name
        assert found.examples, name


def dg_says(*words: str, folder: Path) -> str:
    """Run `dg` in a project and return what it printed."""
    command = [str(Path(sys.executable).with_name("dg")), *words]
    env = os.environ | {"PYTHONPATH": str(folder / "src"), "DAGSTER_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


PYPROJECT = """
[project]
name = "shop"
version = "0.1.0"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "shop"
registry_modules = ["shop.components.*"]

[tool.lineage]
"""
DEFINITIONS = """
from pathlib import Path
from dagster import definitions, load_from_defs_folder

@definitions
def defs():
    return load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


def test_a_project_of_its_own_is_scaffolded_at_the_first_try(world: World) -> None:
    """Laid out as `create-dagster project` does it."""
    shop = Shop(world)
    shop.split()
    world.write("pyproject.toml", PYPROJECT)
    for package in ("", "components", "defs"):
        world.write(f"src/shop/{package}/__init__.py", "")
    world.write("src/shop/definitions.py", DEFINITIONS)
    world.write("src/shop/training.py", world.path(f"{shop.module_name}.py").read_text())
    model = ["--function", "shop.training:churn", "--inputs", ",".join(f"{k}={v}" for k, v in INPUTS.items())]
    for component, folder, options in (
        ("DvcProjectComponent", "dvc", ["--project-path", "."]),
        ("ModelComponent", "churn", ["--project-path", ".", *model]),
        ("PromotionComponent", "production", ["--model-key", "churn"]),
        ("ReproducibilityComponent", "reproducible", ["--model-key", "churn"]),
        ("MlflowSensorComponent", "mlflow", []),
        ("RetrainingComponent", "retraining", []),
    ):
        dg_says("scaffold", "defs", f"lineage_pipelines.{component}", folder, *options, folder=world.root)
    assert "All component YAML validated" in dg_says("check", "yaml", folder=world.root)
    assert "All definitions loaded" in dg_says("check", "defs", folder=world.root)
    found = json.loads(dg_says("list", "components", "--json", folder=world.root))
    listed = {each["key"] for each in (found["items"] if isinstance(found, dict) else found)}
    assert {f"lineage_pipelines.{component.__name__}" for component in COMPONENTS} <= listed
    listed_defs = dg_says("list", "defs", "--json", folder=world.root)
    for name in ("churn_production", "data/orders.csv", "retraining", "mlflow_mirror", "production_reproducible"):
        assert name in listed_defs


def test_every_component_is_public() -> None:
    assert {component.__name__ for component in COMPONENTS} <= set(lineage_pipelines.__all__)
