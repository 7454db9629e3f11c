"""A step that trains under Dagster with a mirror: MLflow hears of it beside the run, and never holds it up."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from lineage_pipelines.bridges.mlflow import delivery_launcher
from lineage_pipelines.bridges.mlflow.delivery_launcher import wait_for_deliveries
from lineage_pipelines.orchestration.operations.mlflow_sensor import build_mlflow_sensor
from lineage_pipelines_tests.mlflow_server import MlflowServer, free_port
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, run
from lineage_pipelines_tests.world import World

if TYPE_CHECKING:
    from mlflow import MlflowClient


@pytest.fixture
def shop(world: World, shared_mlflow: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop whose catalog is mirrored in an experiment of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shared_mlflow.address)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"shop-{world.root.parent.name}")
    yield Shop(world)
    wait_for_deliveries(60)


def _client(server: MlflowServer) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(server.address, server.address)


def _mirrored(server: MlflowServer, shop: Shop) -> list[str]:
    with shop.catalog() as catalog:
        digests = {str(entry.digest) for entry in catalog.entries("churn")}
    found = _client(server).search_model_versions("name = 'churn'")
    return [tag for version in found if (tag := version.tags["lineage.record"]) in digests]


def test_a_materialization_is_mirrored_beside_the_run(shop: Shop, shared_mlflow: MlflowServer) -> None:
    defs = build_defs(shop)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(defs, "refresh", instance).success
        wait_for_deliveries(60)
    assert len(_mirrored(shared_mlflow, shop)) == 1
    assert "1 entry" in (shop.root / ".lineage" / "mlflow.log").read_text()


def test_a_server_that_is_away_changes_nothing_and_the_sensor_catches_up(
    shop: Shop, shared_mlflow: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    defs = build_defs(shop)
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
        assert run(defs, "refresh", instance).success
        wait_for_deliveries(60)
        assert _mirrored(shared_mlflow, shop) == []
        monkeypatch.setenv("MLFLOW_TRACKING_URI", shared_mlflow.address)
        sensor = build_mlflow_sensor()
        assert _tick(sensor, shop, instance) == "entries being sent to MLflow: 1"
        wait_for_deliveries(60)
        assert len(_mirrored(shared_mlflow, shop)) == 1
        assert _tick(sensor, shop, instance) == "MLflow is up to date"
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        assert _tick(sensor, shop, instance).startswith("no mirror")


def _tick(sensor: dg.SensorDefinition, shop: Shop, instance: dg.DagsterInstance) -> str:
    context = dg.build_sensor_context(instance=instance, resources=shop.resources())
    skipped = sensor(context)
    assert isinstance(skipped, dg.SkipReason)
    return skipped.skip_message or ""


def test_a_server_that_does_not_answer_delays_no_step(
    shop: Shop, own_mlflow: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", own_mlflow.address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    defs = build_defs(shop)
    own_mlflow.freeze()
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            assert run(defs, "refresh", instance).success
            waiting = [process for process in delivery_launcher._started if process.poll() is None]
            assert len(waiting) == 1, "the step ended, and MLflow has not answered yet"
    finally:
        own_mlflow.thaw()
    wait_for_deliveries(60)


def test_without_a_mirror_nothing_is_owed_or_started(world: World) -> None:
    before = len(delivery_launcher._started)
    shop = Shop(world)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(build_defs(shop), "refresh", instance).success
    assert len(delivery_launcher._started) == before
    with shop.catalog() as catalog:
        assert catalog.outbox.pending("mlflow") == []
