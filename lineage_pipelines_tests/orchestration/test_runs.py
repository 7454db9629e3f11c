"""Runs of every kind: partitioned, launched by this or that, and in projects that Git knows little of."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines import CaptureError, Catalog, LineageResource, model_asset, resolve_settings
from lineage_pipelines.orchestration.training.run_facts import launcher, launcher_proof, run_key
from lineage_pipelines.records.values.identity_proof import IdentityProof
from lineage_pipelines_tests.orchestration.conftest import INPUTS, build_defs
from lineage_pipelines_tests.orchestration.shop import MODEL, Shop, run
from lineage_pipelines_tests.world import World


def test_each_partition_is_a_version_of_its_own(shop: Shop, instance: dg.DagsterInstance) -> None:
    text = MODEL.replace("params: ChurnParams)", "params: ChurnParams, context: object)")
    text = text.replace(
        "    features = [", '    train = train[train["city"] == context.partition_key]\n    features = ['
    )
    shop.world.write(f"{shop.module_name}.py", text)
    shop.split()
    shop.world.commit("A model a city")
    cities = dg.StaticPartitionsDefinition(["Oslo", "Rome"])
    model = model_asset(project=shop.project(), inputs=INPUTS, partitions_def=cities)(shop.module().churn)
    for city in ("Oslo", "Rome", "Oslo"):
        dg.materialize([model], resources=shop.resources(), instance=instance, partition_key=city)
    with shop.catalog() as catalog:
        entries = catalog.entries("churn")
    assert [entry.version for entry in entries] == [3, 2, 1]
    runs = [entry.record.run.dagster for entry in entries]
    assert [run.partition for run in runs if run] == ["Oslo", "Rome", "Oslo"]


def test_the_key_of_a_run_tells_partitions_and_assets_apart() -> None:
    keys = {
        run_key(dg.AssetKey(name), partition, root)
        for name in (["a"], ["a", "b"])
        for partition in (None, "x")
        for root in ("1", "2")
    }
    assert len(keys) == 8


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"dagster/schedule_name": "nightly"}, "schedule:nightly"),
        ({"dagster/sensor_name": "watch", "user": "ada"}, "sensor:watch"),
        ({"dagster/from_automation_condition": "true", "dagster/sensor_name": "default"}, "automation"),
        ({"dagster/backfill": "abc"}, "backfill:abc"),
        ({"user": "ada"}, "user:ada"),
        ({}, "user:root"),
    ],
)
def test_who_launched_a_run_is_read_off_its_tags(tags: dict[str, str], said: str) -> None:
    assert launcher(tags, "root") == said
    assert launcher_proof(tags, "root") is (IdentityProof.DAGSTER_TAG if tags else IdentityProof.OS)
    assert launcher_proof({}, None) is None


def test_without_git_a_model_is_trained_and_the_record_says_what_it_cannot(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    shop = Shop(World(tmp_path / "project", git=False))
    assert run(build_defs(shop), "refresh", instance).success
    with shop.catalog() as catalog:
        record = catalog.get("churn", 1).record
    assert record.code.revision is None
    assert any(gap.startswith("code.revision") for gap in record.completeness.missing)
    assert record.code.source is not None


def test_without_a_commit_too(shop: Shop, instance: dg.DagsterInstance) -> None:
    shutil.rmtree(shop.root / ".git")
    shop.world.git("init", "-q")
    assert run(build_defs(shop), "refresh", instance).success
    with shop.catalog() as catalog:
        record = catalog.get("churn", 1).record
    assert record.code.revision is None
    assert any(gap.startswith("code.revision") for gap in record.completeness.missing)


def test_a_file_that_training_reads_beside_its_inputs_counts_as_code(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.split()
    shop.world.write("sql/features.sql", "select 1\n")
    shop.world.commit("Add a query")

    def train() -> dg.AssetsDefinition:
        decorate = model_asset(project=shop.project(), inputs=INPUTS, extra_sources=["sql"])
        return decorate(shop.module().churn)

    (before,) = train().specs
    dg.materialize([train()], resources=shop.resources(), instance=instance)
    with shop.catalog() as catalog:
        source = catalog.get("churn", 1).record.code.source
    assert source is not None
    assert "sql/features.sql" in {file.path for file in source.files}
    shop.world.write("sql/features.sql", "select 2\n")
    (after,) = train().specs
    assert before.code_version != after.code_version


def test_an_extra_source_that_is_not_there_is_told(shop: Shop) -> None:
    with pytest.raises(CaptureError, match="does not exist"):
        model_asset(project=shop.project(), inputs=INPUTS, extra_sources=["nowhere.sql"])(shop.module().churn)


LATE = """
import dagster as dg

from lineage_pipelines import TrainedModel


class Params(dg.Config):
    source: str = "here"
    again: str = dg.EnvVar("WAREHOUSE")


def late(train: "pd.DataFrame", params: Params) -> TrainedModel:
    from sklearn.ensemble import HistGradientBoostingClassifier

    assert params.source == params.again == "correct horse battery staple"
    model = HistGradientBoostingClassifier(max_iter=2).fit(train[["amount"]], train["left"])
    return TrainedModel(estimator=model, metrics={"rows": float(len(train))})
"""


def test_two_runs_of_one_process_agree_and_no_value_of_a_variable_is_recorded(shop: Shop) -> None:
    shop.world.write("train_late.py", LATE)
    shop.world.repro("split")
    shop.world.commit("Train late")
    script = (
        "import sys; import dagster as dg; from lineage_pipelines import DvcProject, LineageResource, model_asset;"
        "from train_late import late; from pathlib import Path;"
        "asset = model_asset(project=DvcProject(Path('.')), inputs={'train': 'data/parts/train.csv'})(late);"
        "config = {'ops': {'late': {'config': {'source': {'env': 'WAREHOUSE'}}}}};"
        "resources = {'lineage': LineageResource(project_dir='.')};"
        "[dg.materialize([asset], resources=resources, run_config=config) for _ in range(2)]"
    )
    env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "WAREHOUSE": "correct horse battery staple"}
    subprocess.run([sys.executable, "-c", script], cwd=shop.root, env=env, check=True, capture_output=True)
    with Catalog(resolve_settings(start=shop.root).catalog) as catalog:
        first, second = (catalog.get("late", version) for version in (1, 2))
    assert first.record.environment.threads == second.record.environment.threads
    assert any(name.startswith("libgomp") for name in first.record.environment.threads)
    assert first.record.parameters == {"source": {"env": "WAREHOUSE"}, "again": {"env": "WAREHOUSE"}}
    assert b"battery staple" not in first.body


def _configured(**config: object) -> dict[str, object]:
    return {"resources": {"lineage": {"config": config}}}


@pytest.mark.parametrize(
    "config", [{"project_dir": "/tmp"}, {"catalog": "sqlite:////tmp/other.db"}, {"artifacts": "/tmp"}]
)
def test_no_launch_names_another_project_catalog_or_store(
    shop: Shop, instance: dg.DagsterInstance, config: dict[str, object]
) -> None:
    """Whose policy counts is decided where the code location is defined, not by who launches a run."""
    job = build_defs(shop).resolve_job_def("train")
    with pytest.raises(dg.DagsterInvalidConfigError, match=f'unexpected config entry "{next(iter(config))}"'):
        job.execute_in_process(instance=instance, run_config=_configured(**config))
    assert shop.catalog().models() == []


def test_variables_of_the_code_location_still_configure_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_CATALOG", f"sqlite:///{tmp_path}/elsewhere.db")
    found: list[str] = []

    @dg.asset
    def asks(lineage: LineageResource) -> None:
        found.append(lineage.settings().catalog)

    resource = LineageResource(project_dir=str(tmp_path), catalog=dg.EnvVar("SHOP_CATALOG"))
    assert dg.materialize([asks], resources={"lineage": resource}).success
    assert found == [f"sqlite:///{tmp_path}/elsewhere.db"]
    assert resource.get_resource_definition() is resource.get_resource_definition()
