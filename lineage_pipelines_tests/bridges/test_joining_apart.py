"""MLflow and a training come apart: servers die, trainings fail, are tried again or are run in a sandbox."""

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines.bridges.mlflow.delivery_launcher import wait_for_deliveries
from lineage_pipelines.bridges.mlflow.run_context import Training, TrainingContext
from lineage_pipelines.orchestration.training.training_step import TrainingStep
from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines.records.decisions.reproduction import Level
from lineage_pipelines.replay.reproduction_run import reproduce
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.bridges.tracking import Tracking, forget, gaps, linked, metrics
from lineage_pipelines_tests.mlflow_server import MlflowServer
from lineage_pipelines_tests.orchestration.shop import Shop
from lineage_pipelines_tests.replay.conftest import Trained
from lineage_pipelines_tests.world import World


@pytest.fixture(autouse=True)
def mlflow_as_before() -> Iterator[None]:
    yield
    forget()


@pytest.fixture
def tracking(world: World, shared_mlflow: MlflowServer) -> Tracking:
    return Tracking(Shop(world), shared_mlflow.address)


def test_a_training_that_raises_commits_nothing_and_its_run_has_failed(tracking: Tracking) -> None:
    import mlflow

    tracking.write('mlflow.log_metric("m", 1)\nraise ValueError("no convergence")')
    assert not tracking.materialize().success
    (run,) = tracking.runs()
    assert run.info.status == "FAILED"
    assert mlflow.active_run() is None
    with tracking.shop.catalog() as catalog:
        assert catalog.latest("churn") is None


def test_a_server_that_is_killed_in_training_leaves_the_link_and_a_gap(
    world: World, own_mlflow: MlflowServer, tmp_path: Path
) -> None:
    tracking = Tracking(Shop(world), own_mlflow.address)
    assert own_mlflow.process is not None
    lines = f"""
import pathlib, psutil
mlflow.log_metric("m", 1)
pathlib.Path({str(tmp_path / "run")!r}).write_text(mlflow.active_run().info.run_id)
server = psutil.Process({own_mlflow.process.pid})
family = [*server.children(recursive=True), server]
for each in family:
    each.kill()
"""
    record = tracking.train(lines)
    assert linked(record) == (tmp_path / "run").read_text()
    (gap,) = gaps(record, "run.mlflow")
    assert gap.startswith(f"run.mlflow: run {linked(record)} could not be read: MLflow does not answer")
    assert set(metrics(record)) == {"roc_auc"}


def test_a_server_that_answers_nothing_is_waited_for_a_few_seconds(world: World, own_mlflow: MlflowServer) -> None:
    tracking = Tracking(Shop(world), own_mlflow.address)
    assert own_mlflow.process is not None
    lines = f"""
import pathlib, psutil, signal, time
with mlflow.start_run():
    mlflow.log_metric("m", 1)
server = psutil.Process({own_mlflow.process.pid})
for each in (server, *server.children(recursive=True)):
    each.send_signal(signal.SIGSTOP)
pathlib.Path("frozen").write_text(str(time.time()))
"""
    tracking.write(lines.replace('"frozen"', repr(str(own_mlflow.folder / "frozen"))))
    try:
        assert tracking.materialize().success
        waited = time.time() - float((own_mlflow.folder / "frozen").read_text())
    finally:
        own_mlflow.thaw()
    record = tracking.record()
    assert linked(record)
    assert len(gaps(record, "run.mlflow")) == 1
    assert waited < 30  # unbounded, it would be minutes


def test_a_retry_of_a_committed_run_begins_no_run(tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> None:
    real = TrainingStep.run
    deaths = iter([True])

    def dies_once(step: TrainingStep, parameters: object) -> Outcome:
        outcome = real(step, parameters)
        if next(deaths, False):
            raise ConnectionError("the event log is gone")
        return outcome

    monkeypatch.setattr(TrainingStep, "run", dies_once)
    tracking.write('mlflow.log_metric("m", 1)')
    assert tracking.materialize(retry_policy=dg.RetryPolicy(max_retries=1)).success
    (run,) = tracking.runs()
    with tracking.shop.catalog() as catalog:
        (entry,) = catalog.entries("churn")
    assert linked(entry.record) == run.info.run_id


def test_a_second_attempt_links_its_own_run(tracking: Tracking, tmp_path: Path) -> None:
    tracking.write(f"""
import pathlib
mlflow.log_metric("m", 1)
if not pathlib.Path({str(tmp_path / "tried")!r}).exists():
    pathlib.Path({str(tmp_path / "tried")!r}).touch()
    raise ConnectionError("the feature store is gone")
""")
    assert tracking.materialize(retry_policy=dg.RetryPolicy(max_retries=1)).success
    failed, run = tracking.runs()
    assert [failed.info.status, run.info.status] == ["FAILED", "FINISHED"]
    assert failed.data.tags["lineage.run_key"] == run.data.tags["lineage.run_key"]
    assert linked(tracking.record()) == run.info.run_id
    assert not gaps(tracking.record(), "run.mlflow")


def test_where_a_function_tracks_itself_is_no_mirror_of_the_catalog(tracking: Tracking) -> None:
    tracking.train('mlflow.log_metric("m", 1)')
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert resolve_settings(start=tracking.shop.root).mirrors == ()


def test_what_begins_after_the_training_is_not_the_trainings(tracking: Tracking) -> None:
    import mlflow

    record = tracking.train('mlflow.log_metric("m", 1)')
    with mlflow.start_run():
        pass
    before, after = tracking.runs()
    assert linked(record) == before.info.run_id
    assert not any(tag.startswith(("lineage.", "dagster")) for tag in after.data.tags)


def test_a_process_that_outlives_its_training_is_out_of_context(tmp_path: Path) -> None:
    training = Training(run_key="k", attempt="a", dagster_run="d", asset_key="m", notes=tmp_path / "notes")
    with training.named():
        kept = {name: value for name, value in os.environ.items() if name.startswith("LINEAGE_")}
        assert TrainingContext().in_context()
    assert not TrainingContext().in_context()
    os.environ.update(kept)
    training.notes.unlink()
    assert not TrainingContext().in_context()


def test_two_trainings_at_once_are_told_apart(tmp_path: Path) -> None:
    import mlflow  # noqa: F401  # it is what asks

    both = threading.Barrier(2, timeout=30)

    def tags(name: str) -> str:
        training = Training(run_key=name, attempt=name, dagster_run="d", asset_key="m", notes=tmp_path / name)
        with training.named():
            both.wait()
            found = TrainingContext().tags()["lineage.run_key"]
            both.wait()
        return found

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(tags, ["one", "other"])) == ["one", "other"]


def test_without_the_entry_point_the_run_is_known_all_the_same(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking.context import registry

    others = [each for each in registry._run_context_provider_registry if type(each) is not TrainingContext]
    monkeypatch.setattr(registry._run_context_provider_registry, "_registry", others)
    record = tracking.train('mlflow.log_metric("m", 1)')
    (run,) = tracking.runs()
    assert run.data.tags["lineage.run_key"] == record.model.run_key  # registered by the step
    assert linked(record) == run.info.run_id


def test_a_training_without_mlflow_imports_none_of_it(world: World) -> None:
    shop = Shop(world)
    shop.split()
    script = f"""
import sys
import dagster as dg
from lineage_pipelines.definitions import defs
from lineage_pipelines import model_asset
from lineage_pipelines_tests.orchestration.conftest import INPUTS
from lineage_pipelines_tests.orchestration.shop import Opened
shop = Opened({str(shop.root)!r}, {shop.module_name!r})
model = model_asset(project=shop.project(), inputs=INPUTS)(shop.module().churn)
defs.get_repository_def()
assert "lineage_pipelines.bridges" not in sys.modules
assert dg.materialize([model], resources=shop.resources()).success
assert "mlflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])
    with shop.catalog() as catalog:
        record = catalog.get("churn", 1).record
    assert record.run.mlflow is None
    assert not gaps(record, "run.mlflow")


@pytest.fixture
def mirrored(world: World, shared_mlflow: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Tracking:
    """A project whose catalog is mirrored where its training tracks itself."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shared_mlflow.address)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"mirrored {uuid.uuid4().hex[:8]}")
    return Tracking(Trained(world))


def test_the_mirror_uses_that_very_run(mirrored: Tracking) -> None:
    import mlflow

    mirrored.write('mlflow.log_metric("m", 1)')
    assert mirrored.materialize().success
    wait_for_deliveries(60)
    (run,) = [run for run in mirrored.runs() if "mlflow.parentRunId" not in run.data.tags]
    record = mirrored.record()
    assert linked(record) == run.info.run_id
    (version,) = mlflow.MlflowClient(mirrored.address, mirrored.address).search_model_versions(
        f"run_id = '{run.info.run_id}'"
    )
    assert version.name == "churn"


def test_nested_runs_of_the_training_are_not_made_again(mirrored: Tracking) -> None:
    lines = """
with mlflow.start_run():
    for depth in (2, 3):
        with mlflow.start_run(nested=True, run_name=f"depth {depth}"):
            mlflow.log_param("depth", depth)
            mlflow.log_metric("roc_auc", auc)
"""
    mirrored.write(lines)
    module = mirrored.shop.root / f"{mirrored.shop.module_name}.py"
    begin, _, _ = module.read_text().partition("        candidates=")
    module.write_text(f"{begin}    )\n")
    assert mirrored.materialize().success
    wait_for_deliveries(60)
    assert sorted(candidate.name for candidate in mirrored.record().candidates) == ["depth 2", "depth 3"]
    nested = [run.info.run_name for run in mirrored.runs() if "mlflow.parentRunId" in run.data.tags]
    assert sorted(nested) == ["depth 2", "depth 3"]


def test_training_tracks_itself_where_the_project_is_mirrored(
    mirrored: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    mirrored.shop.world.write("pyproject.toml", f'[tool.lineage]\nmlflow = "{mirrored.address}"\n')
    mirrored.write('mlflow.log_metric("m", 1)')
    assert mirrored.materialize().success
    wait_for_deliveries(60)
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert linked(mirrored.record()) in {run.info.run_id for run in mirrored.runs()}


def test_a_version_that_is_made_again_tracks_itself_in_the_sandbox(mirrored: Tracking) -> None:
    mirrored.write('mlflow.log_metric("m", 1)\nmlflow.log_param("p", "q")')
    assert isinstance(mirrored.shop, Trained)
    entry = mirrored.shop.train()
    wait_for_deliveries(60)
    before = [run.info.run_id for run in mirrored.runs()]
    said = reproduce(entry, mirrored.shop.options(pass_on=["MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"]))
    assert said.level is Level.MODEL, said
    assert [run.info.run_id for run in mirrored.runs()] == before
