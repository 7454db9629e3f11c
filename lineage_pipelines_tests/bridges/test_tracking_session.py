"""MLflow used inside a training function: that very run is linked, and its values are in the record."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.bridges.mlflow.server import public_address
from lineage_pipelines.orchestration.training.gates import threshold
from lineage_pipelines_tests.bridges.tracking import Tracking, forget, gaps, linked, metrics
from lineage_pipelines_tests.mlflow_server import MlflowServer
from lineage_pipelines_tests.orchestration.shop import Shop
from lineage_pipelines_tests.world import World


@pytest.fixture(autouse=True)
def mlflow_as_before() -> Iterator[None]:
    yield
    forget()


@pytest.fixture
def tracking(world: World, shared_mlflow: MlflowServer) -> Tracking:
    return Tracking(Shop(world), shared_mlflow.address)


@pytest.fixture
def in_a_file(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tracking:
    monkeypatch.chdir(tmp_path)  # where MLflow keeps the artifacts of such a store
    return Tracking(Shop(world), f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_a_metric_that_is_logged_links_its_run_which_is_ended(tracking: Tracking) -> None:
    record = tracking.train('mlflow.log_metric("brier", 0.25)\nmlflow.log_param("solver", "lbfgs")')
    (run,) = tracking.runs()
    assert linked(record) == run.info.run_id
    assert record.run.mlflow is not None
    assert record.run.mlflow.server == public_address(tracking.address)
    assert record.run.mlflow.experiment == tracking.experiment
    assert run.info.status == "FINISHED"
    assert metrics(record)["brier"] == 0.25
    assert set(metrics(record)) == {"roc_auc", "brier"}
    assert record.parameters["solver"] == "lbfgs"
    assert record.run.dagster is not None
    tags = run.data.tags
    assert tags["lineage.run_key"] == record.model.run_key
    assert tags["dagster.run_id"] == tags["dagster_run_id"] == record.run.dagster.run_id
    assert tags["dagster.asset_key"] == "churn"
    assert "evaluation.metrics: brier from MLflow's run" in record.completeness.declared
    assert not gaps(record, "run.mlflow")


def test_a_run_of_its_own_in_a_file_without_returned_metrics_is_seen_by_the_gates(in_a_file: Tracking) -> None:
    lines = """
with mlflow.start_run():
    mlflow.log_metric("roc_auc", auc)
    mlflow.log_params({"depth": 3, "bag": True})
"""
    in_a_file.write(lines, metrics="{}")
    result = in_a_file.materialize(checks=[threshold(min_roc_auc=0.6)])
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    record = in_a_file.record()
    (run,) = in_a_file.runs()
    assert linked(record) == run.info.run_id
    assert metrics(record) == run.data.metrics
    assert record.parameters == {"strength": 1.0, "seed": 7, "depth": 3, "bag": True}
    assert not gaps(record, "evaluation")


NESTED = """
with mlflow.start_run(run_name="search"):
    for strength in (0.1, 1):
        with mlflow.start_run(run_name=f"C={strength}", nested=True):
            mlflow.log_param("C", strength)
            mlflow.log_metric("auc", auc - strength / 10)
    with mlflow.start_run(run_name="empty", nested=True):
        pass
    mlflow.log_metric("best", auc)
"""


def test_nested_runs_are_the_candidates_of_a_function_that_returns_none(tracking: Tracking) -> None:
    tracking.write(NESTED)
    module = tracking.shop.root / f"{tracking.shop.module_name}.py"
    begin, _, _ = module.read_text().partition("        candidates=")
    module.write_text(f"{begin}    )\n")
    assert tracking.materialize().success
    record = tracking.record()
    outer = tracking.runs()[0]
    assert linked(record) == outer.info.run_id
    assert [(each.name, each.parameters) for each in record.candidates] == [("C=0.1", {"C": 0.1}), ("C=1", {"C": 1})]
    assert set(record.candidates[0].metrics) == {"auc"}
    assert set(metrics(record)) == {"roc_auc", "best"}
    assert not gaps(record, "candidates")
    assert not gaps(record, "run.mlflow")
    assert "candidates: C=0.1, C=1 from MLflow's run" in record.completeness.declared


def test_returned_candidates_are_kept(tracking: Tracking) -> None:
    assert [each.name for each in tracking.train(NESTED).candidates] == ["logistic"]


def test_what_autolog_logs_is_captured(in_a_file: Tracking) -> None:
    head = "    import mlflow\n    mlflow.autolog(log_models=False, silent=True)\n"
    head += f"    mlflow.set_tracking_uri({in_a_file.address!r})\n    mlflow.set_experiment({in_a_file.experiment!r})\n"
    record = in_a_file.train("", head=head)
    (run,) = in_a_file.runs()
    assert linked(record) == run.info.run_id
    assert record.parameters["C"] == 1.0
    assert record.parameters["max_iter"] == 100
    assert "training_score" in metrics(record)
    assert record.parameters.keys() == {"strength", "seed", *run.data.params}


def test_of_several_runs_the_last_is_linked_and_the_others_are_said(tracking: Tracking) -> None:
    lines = [f'with mlflow.start_run(run_name="{n}"):\n    mlflow.log_metric("m", {n})' for n in (1, 2, 3)]
    record = tracking.train("\n".join(lines))
    runs = tracking.runs()
    assert linked(record) == runs[-1].info.run_id
    assert metrics(record)["m"] == 3
    (gap,) = gaps(record, "run.mlflow")
    assert gap == (
        f"run.mlflow: training began 3 runs; the last one is linked, not {runs[0].info.run_id}, {runs[1].info.run_id}"
    )


def test_a_run_around_the_training_is_joined_without_what_it_held_before(tracking: Tracking) -> None:
    import mlflow

    tracking.write('mlflow.log_param("ours", 1)\nmlflow.log_metric("ours", 1)')
    mlflow.set_tracking_uri(tracking.address)
    del os.environ["MLFLOW_TRACKING_URI"]  # it would be the mirror's
    mlflow.set_experiment(tracking.experiment)
    with mlflow.start_run() as outer:
        run_id = outer.info.run_id
        mlflow.log_param("theirs", 2)
        mlflow.log_metric("theirs", 2)
        time.sleep(0.01)
        assert tracking.materialize().success
        active = mlflow.active_run()
        assert active is not None
        assert active.info.run_id == run_id
        assert mlflow.get_run(run_id).info.status == "RUNNING"
    record = tracking.record()
    assert linked(record) == run_id
    assert set(metrics(record)) == {"roc_auc", "ours"}
    assert set(record.parameters) == {"strength", "seed", "ours"}


def test_runs_that_are_left_open_one_in_the_other_are_ended(tracking: Tracking) -> None:
    import mlflow

    record = tracking.train('mlflow.start_run()\nmlflow.start_run(nested=True)\nmlflow.log_metric("inner", 1)')
    outer, inner = tracking.runs()
    assert [outer.info.status, inner.info.status] == ["FINISHED", "FINISHED"]
    assert mlflow.active_run() is None
    assert linked(record) == outer.info.run_id
    assert set(metrics(record)) == {"roc_auc"}


def test_a_run_that_is_resumed_is_linked(tracking: Tracking) -> None:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=tracking.address)
    begun = client.create_run(client.create_experiment(tracking.experiment)).info.run_id
    time.sleep(0.01)
    record = tracking.train(f'with mlflow.start_run(run_id={begun!r}):\n    mlflow.log_metric("more", 1)')
    assert linked(record) == begun
    assert metrics(record)["more"] == 1


def test_a_run_of_a_child_process_is_found(tracking: Tracking) -> None:
    child = """
import subprocess, sys
code = "import mlflow; mlflow.set_experiment(" + repr(mlflow.get_experiment_by_name(EXPERIMENT).name) + ")\\n"
code += "with mlflow.start_run(): mlflow.log_metric('from_afar', 1)"
subprocess.run([sys.executable, "-c", code], check=True)
"""
    record = tracking.train(child.replace("EXPERIMENT", repr(tracking.experiment)))
    (run,) = tracking.runs()
    assert linked(record) == run.info.run_id
    assert metrics(record)["from_afar"] == 1


def test_what_no_record_holds_is_left_out_and_said(tracking: Tracking) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    lines = f"""
mlflow.log_params({{"db_password": "hunter2", "note": {token!r}, "strength": 2.0, "seed": 7, "fine": "yes"}})
mlflow.log_metrics({{"nan": float("nan"), "inf": float("inf"), "roc_auc": 0.5, "fine": 1}})
mlflow.log_metric("system/cpu_utilization_percentage", 50)
"""
    record = tracking.train(lines)
    assert record.parameters == {"strength": 1.0, "seed": 7, "fine": "yes"}
    assert set(metrics(record)) == {"roc_auc", "fine"}
    assert metrics(record)["roc_auc"] != 0.5
    said = " ".join(record.completeness.missing)
    assert token not in said
    assert "hunter2" not in said
    assert len(gaps(record, "parameters.db_password")) == len(gaps(record, "parameters.note")) == 1
    assert gaps(record, "parameters.strength") == ["parameters.strength: MLflow's run has another value"]
    assert gaps(record, "evaluation.metrics.roc_auc") == [
        "evaluation.metrics.roc_auc: MLflow's run has another value (0.5)"
    ]
    assert len(gaps(record, "evaluation.metrics.nan")) == len(gaps(record, "evaluation.metrics.inf")) == 1
    assert not gaps(record, "parameters.seed")
