"""No SUCCESS of a model asset without its record, and no record whose run failed, stays unseen (law 14)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import LineageResource, build_reconcile_sensor, threshold
from lineage_pipelines.orchestration.operations.reconcile import SensorCursor, reconcile
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, run

NOW = timedelta(0)


def found(shop: Shop, instance: dg.DagsterInstance) -> list[tuple[str, str]]:
    with shop.catalog() as catalog:
        return [(each.kind, each.status) for each in reconcile(instance, catalog, grace=NOW)]


@dg.asset(key="churn", output_required=False)
def preempted() -> Iterator[dg.MaterializeResult[Any]]:
    """A model asset whose worker is gone: the step ends well, and nothing was made."""
    yield from ()


def end_silently(instance: dg.DagsterInstance, **options: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize([preempted], instance=instance, **options)


def test_a_run_that_ended_well_without_a_record_is_an_alarm(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    assert run(build_defs(split_shop), "train", instance).success
    assert found(split_shop, instance) == []
    silent = end_silently(instance)
    assert silent.success
    with split_shop.catalog() as catalog:
        (alarm,) = reconcile(instance, catalog, grace=NOW)
    assert (alarm.kind, alarm.status, alarm.subject) == ("run without record", "ALARM", "churn")
    assert silent.run_id in alarm.detail


def test_a_run_that_says_why_it_trained_nothing_is_none(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    assert run(build_defs(split_shop), "train", instance).success
    end_silently(instance, tags={"lineage/not_trained/churn": "same recipe"})
    assert found(split_shop, instance) == []


def test_runs_from_before_the_first_version_are_not_compared(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    """The asset may have been another one then."""
    end_silently(instance)
    assert run(build_defs(split_shop), "train", instance).success
    assert found(split_shop, instance) == []


def test_a_record_whose_run_failed_is_an_alarm(
    split_shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise RuntimeError("the disk is full")

    defs = build_defs(split_shop)
    with monkeypatch.context() as during:
        during.setattr(LineageResource, "update_mirrors", lost)
        assert not run(defs, "train", instance).success
    assert found(split_shop, instance) == [("record of failed run", "ALARM")]


def test_a_failed_gate_is_no_alarm(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    assert not run(build_defs(split_shop, [threshold(min_roc_auc=1.1)]), "train", instance).success
    assert found(split_shop, instance) == []


def test_what_fails_elsewhere_in_a_run_is_no_alarm(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    @dg.asset(deps=["churn"])
    def report() -> None:
        raise RuntimeError("no printer")

    defs = dg.Definitions.merge(build_defs(split_shop), dg.Definitions(assets=[report]))
    job = defs.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey("churn"), dg.AssetKey("report")]
    assert not job.execute_in_process(instance=instance, asset_selection=keys, raise_on_error=False).success
    assert found(split_shop, instance) == []


def test_the_sensor_remembers_runs_that_have_not_ended(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    defs = build_defs(split_shop)
    assert run(defs, "train", instance).success
    cursors: list[str | None] = [None]
    said: list[str] = []

    def tick() -> None:
        context = dg.build_sensor_context(
            instance=instance,
            repository_def=defs.get_repository_def(),
            resources={"lineage": split_shop.resources()["lineage"]},
            cursor=cursors[-1],
        )
        said.append(build_reconcile_sensor().evaluate_tick(context).skip_message or "")
        cursors.append(context.cursor)

    @dg.asset(key="churn", output_required=False)
    def slow() -> Iterator[dg.MaterializeResult[Any]]:
        tick()
        yield from ()

    tick()
    dg.materialize([slow], instance=instance)
    assert said == ["nothing to reconcile"] * 2
    assert len(SensorCursor.read(cursors[-1]).open_) == 1
    tick()
    assert said[-1] == "churn: run without record, ALARM"
    tick()
    assert said[-1] == "nothing to reconcile", "once"


def test_a_cursor_of_an_earlier_release_is_read() -> None:
    assert SensorCursor.read("17") == SensorCursor(since=17)
    assert SensorCursor.read(None) == SensorCursor()
