"""Models are trained again when new data was seen, and not when the same bytes are seen again."""

from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import build_automation_sensor, retrain_on_new_data
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, orders, run


class Daemon:
    """Ticks as Dagster's daemon does, and runs what was asked for."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.defs = defs
        self.instance = instance
        self.cursor: Any = None
        assert self.tick() == set()

    def tick(self) -> set[str]:
        """Evaluate the conditions once; return the keys that are to be made."""
        found = dg.evaluate_automation_conditions(self.defs, self.instance, cursor=self.cursor)
        self.cursor = found.cursor
        return {r.key.to_user_string() for r in found.results if found.get_num_requested(r.key)}

    def observe(self) -> None:
        assert run(self.defs, "observe", self.instance).success

    def make(self, *keys: str) -> None:
        job = self.defs.resolve_implicit_global_asset_job_def()
        selection = [dg.AssetKey.from_user_string(key) for key in keys]
        assert job.execute_in_process(instance=self.instance, asset_selection=selection).success


@pytest.fixture
def daemon(shop: Shop, instance: dg.DagsterInstance) -> Daemon:
    defs = build_defs(shop, automation=retrain_on_new_data())
    assert run(defs, "refresh", instance).success
    return Daemon(defs, instance)


PARTS = {"data/parts/train.csv", "data/parts/test.csv"}


def test_new_data_goes_through_the_stages_to_the_model(shop: Shop, daemon: Daemon) -> None:
    shop.world.write("data/orders.csv", orders(450))
    shop.world.track("data/orders.csv")
    assert daemon.tick() == set(), "nothing has been observed yet"
    daemon.observe()
    assert daemon.tick() == PARTS
    daemon.make(*PARTS)
    assert daemon.tick() == {"churn"}
    daemon.make("churn")
    assert daemon.tick() == set()
    with shop.catalog() as catalog:
        assert [entry.version for entry in catalog.entries("churn")] == [2, 1]


def test_the_same_bytes_seen_again_are_nothing_new(daemon: Daemon) -> None:
    for _ in range(3):
        daemon.observe()
        assert daemon.tick() == set()


def test_data_that_gives_the_same_parts_does_not_retrain(shop: Shop, daemon: Daemon) -> None:
    """Another file, the same outcome of the stage: what the model reads has not changed."""
    shop.world.write("split.py", shop.world.path("split.py").read_text().replace("print(", "print('again', "))
    shop.world.commit("Say more")
    daemon.make(*PARTS)
    assert daemon.tick() == set()


def test_the_sensor_is_off_until_someone_turns_it_on() -> None:
    assert build_automation_sensor().default_status is dg.DefaultSensorStatus.STOPPED
