"""After a crash and one tick, every record has its event and no event lacks a record."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines.orchestration import build_reconcile_sensor, reconcile
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, run
from lineage_pipelines_tests.test_laws import CRASH

KEY = dg.AssetKey("churn")
NOW = timedelta(0)


def test_a_killed_step_whose_record_was_committed_is_reported(shop: Shop, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    arguments = ["append", str(shop.root), shop.module_name, str(home)]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CRASH, *arguments], capture_output=True, check=False)
    assert done.returncode == 9
    with dg.DagsterInstance.local_temp(str(home)) as instance, shop.catalog() as catalog:
        assert [each.done for each in reconcile(instance, catalog)] == ["waiting"], "it may be about to report itself"
        assert [each.done for each in reconcile(instance, catalog, grace=NOW, dry_run=True)] == ["to be reported"]
        assert instance.get_latest_materialization_event(KEY) is None
        (found,) = reconcile(instance, catalog, grace=NOW)
        assert (found.what, found.subject, found.done) == ("record without event", "churn@1", "reported")
        event = instance.get_latest_materialization_event(KEY)
        assert event is not None
        materialization = event.asset_materialization
        assert materialization is not None
        (entry,) = catalog.entries("churn")
        assert materialization.metadata["lineage/record"].value == f"sha256:{entry.digest.hex}"
        assert materialization.metadata["model/version"].value == 1
        assert materialization.tags is not None
        assert materialization.tags["dagster/data_version"] == entry.record.artifact.digest.hex
        assert reconcile(instance, catalog, grace=NOW) == (), "once is enough"


def test_what_fits_is_left_alone(shop: Shop, instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        assert run(build_defs(shop), "refresh", instance).success
    with shop.catalog() as catalog:
        assert reconcile(instance, catalog, grace=NOW) == ()


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, None])
def test_an_event_that_somebody_posted_is_an_alarm(
    shop: Shop, instance: dg.DagsterInstance, digest: str | None
) -> None:
    assert run(build_defs(shop), "refresh", instance).success
    forged = {"lineage/record": digest} if digest else {}
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY, metadata=forged))
    with shop.catalog() as catalog:
        (found,) = reconcile(instance, catalog, grace=NOW)
    assert (found.what, found.done) == ("event without record", "ALARM")


def test_the_sensor_does_it_and_launches_nothing(shop: Shop, instance: dg.DagsterInstance) -> None:
    assert run(build_defs(shop), "refresh", instance).success
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY))
    context = dg.build_sensor_context(instance=instance, resources={"lineage": shop.resources()["lineage"]})
    result = build_reconcile_sensor().evaluate_tick(context)
    assert not result.run_requests
    assert result.skip_message is not None
    assert "event without record, ALARM" in result.skip_message
