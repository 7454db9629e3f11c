"""Models train again by themselves when their policy says so: once for each state of the project."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import CaptureError, RetrainingPolicy, build_retraining_sensor
from lineage_pipelines.errors import LineageError
from lineage_pipelines.orchestration.operations.retraining_sensor import Cursor
from lineage_pipelines.orchestration.retraining.duration import format_duration, read_duration
from lineage_pipelines_tests.orchestration.conftest import INPUTS, build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, orders, run


class Daemon:
    """Ticks as Dagster's daemon does, and runs what was asked for."""

    def __init__(self, shop: Shop, instance: dg.DagsterInstance, policy: RetrainingPolicy, **options: Any) -> None:
        self.shop = shop
        self.instance = instance
        self.cursor: str | None = None
        self.reload(policy, **options)

    def reload(self, policy: RetrainingPolicy, **options: Any) -> None:
        """Load the code location again."""
        defs = build_defs(self.shop, retraining=policy, **options)
        self.sensor = build_retraining_sensor(
            [each for each in defs.assets or () if isinstance(each, dg.AssetsDefinition)]
        )
        self.defs = dg.Definitions.merge(defs, dg.Definitions(sensors=[self.sensor]))

    @property
    def job(self) -> str:
        """The job that the sensor's runs are of."""
        assert self.sensor.job_name is not None
        return self.sensor.job_name

    def tick(self) -> dg.SensorResult:
        """Evaluate the sensor once."""
        with dg.build_sensor_context(
            self.instance,
            self.cursor,
            repository_def=self.defs.get_repository_def(),
            resources=self.shop.resources(),
        ) as context:
            data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor
        return dg.SensorResult(run_requests=data.run_requests, skip_reason=data.skip_message)

    def reason(self) -> str:
        """Tick, and return why no run was asked for."""
        result = self.tick()
        assert not result.run_requests
        return str(result.skip_reason.skip_message if result.skip_reason else "")

    def launch(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Run what was asked for."""
        job = self.defs.resolve_job_def(self.job)
        tags = {**request.tags, "dagster/sensor_name": self.sensor.name, "dagster/run_key": str(request.run_key)}
        return job.execute_in_process(
            instance=self.instance, asset_selection=request.asset_selection, tags=tags, raise_on_error=False
        )

    def settle(self) -> dg.ExecuteInProcessResult:
        """Tick until a run is asked for, and run it."""
        assert "when the next look finds the same" in self.reason()
        (request,) = self.tick().run_requests or ()
        return self.launch(request)

    def versions(self) -> list[int]:
        with self.shop.catalog() as catalog:
            return [entry.version for entry in catalog.entries("churn")][::-1]


@pytest.fixture
def daemon(shop: Shop, instance: dg.DagsterInstance) -> Daemon:
    made = Daemon(shop, instance, RetrainingPolicy())
    assert made.reason() == "churn: it has no version yet; launch the first training yourself"
    assert run(made.defs, "refresh", instance).success
    assert made.reason() == "churn: nothing has changed since churn@1"
    return made


def deliver(shop: Shop, rows: int = 450) -> None:
    shop.world.write("data/orders.csv", orders(rows))
    shop.world.track("data/orders.csv")


def test_one_delivery_is_one_run_through_the_stages_to_the_model(shop: Shop, daemon: Daemon) -> None:
    deliver(shop)
    result = daemon.settle()
    assert result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    assert made == {"data/parts/train.csv", "data/parts/test.csv", "churn"}
    assert result.get_asset_observation_events(), "the delivery is seen first, in the same run"
    assert daemon.versions() == [1, 2]
    tags = result.dagster_run.tags
    assert tags["lineage.retraining/churn"] == "new data in data/orders.csv"
    for _ in range(3):
        assert daemon.reason() == "churn: nothing has changed since churn@2"


def test_data_that_is_not_committed_is_no_uncommitted_code(shop: Shop, daemon: Daemon) -> None:
    shop.world.write("pyproject.toml", "[tool.lineage]\nrequire_clean = true\n")
    shop.world.commit("Train on commits only")
    shop.world.write("data/regions.csv", "region\nnorth\n")
    shop.world.track("data/regions.csv")
    deliver(shop)
    assert {"?? data/regions.csv.dvc", "M data/orders.csv.dvc"} <= {
        line.strip() for line in shop.world.git("status", "--porcelain").splitlines()
    }
    assert daemon.settle().success
    with shop.catalog() as catalog:
        record = catalog.get("churn", 2).record
    assert not record.code.dirty
    assert record.code.patch is None
    assert "sources.delivery: data/orders.csv.dvc: not committed as it is now" in record.completeness.missing


def test_without_assets_the_sensor_takes_the_whole_code_location(shop: Shop, daemon: Daemon) -> None:
    daemon.sensor = build_retraining_sensor()
    daemon.defs = dg.Definitions.merge(
        build_defs(shop, retraining=RetrainingPolicy()), dg.Definitions(sensors=[daemon.sensor])
    )
    deliver(shop)
    result = daemon.settle()
    assert result.success
    assert result.get_asset_observation_events()
    assert daemon.versions() == [1, 2]


def test_what_is_before_a_frozen_stage_changes_nothing(shop: Shop, daemon: Daemon) -> None:
    pipeline = shop.world.path("dvc.yaml").read_text()
    shop.world.write(
        "dvc.yaml", pipeline.replace("    cmd: python split.py\n", "    cmd: python split.py\n    frozen: true\n")
    )
    daemon.reload(RetrainingPolicy(on_code=True, on_parameters=True))
    deliver(shop)
    assert daemon.reason() == "churn: nothing has changed since churn@1"


def test_a_delivery_that_goes_on_is_waited_for(shop: Shop, daemon: Daemon) -> None:
    deliver(shop, 400)
    assert "when the next look" in daemon.reason()
    deliver(shop, 410)
    assert "when the next look" in daemon.reason(), "it is not what the last tick saw"
    assert len(daemon.tick().run_requests or ()) == 1


def test_the_same_bytes_seen_again_are_nothing_new(shop: Shop, daemon: Daemon) -> None:
    for _ in range(3):
        assert run(daemon.defs, "observe", daemon.instance).success
        assert daemon.reason() == "churn: nothing has changed since churn@1"
    deliver(shop, 450)
    deliver(shop, 300)
    assert daemon.reason() == "churn: nothing has changed since churn@1", "it is what it was"


def test_a_failed_run_is_not_repeated_for_the_same_data(shop: Shop, daemon: Daemon) -> None:
    script = shop.world.path("split.py").read_text()
    shop.world.write("split.py", "raise SystemExit(1)\n")
    deliver(shop)
    failed = daemon.settle()
    assert not failed.success
    for _ in range(2):
        assert f"run {failed.run_id[:8]} was for that, and ended as FAILURE" in daemon.reason()
    shop.world.write("split.py", script)
    deliver(shop, 460)
    assert daemon.settle().success, "other data is another state"


def test_data_that_gives_the_same_inputs_is_skipped_by_the_run(shop: Shop, daemon: Daemon) -> None:
    """Another file, the same outcome of the stage."""
    shop.world.write("data/orders.csv", orders().replace("\n", "\r\n"))
    shop.world.track("data/orders.csv")
    result = daemon.settle()
    assert result.success
    assert daemon.versions() == [1]
    run_now = daemon.instance.get_run_by_id(result.run_id)
    assert run_now is not None
    assert run_now.tags["lineage/not_trained/churn"].startswith("same recipe as churn@1")
    assert {check.check_name for check in result.get_asset_check_evaluations()} == {"tracked"}, "none of the model"
    assert "was for that, and ended as SUCCESS" in daemon.reason()


def test_a_person_always_trains(daemon: Daemon) -> None:
    assert run(daemon.defs, "train", daemon.instance, tags={"user": "ada"}).success
    assert daemon.versions() == [1, 2]
    assert run(daemon.defs, "train", daemon.instance, tags={"dagster/schedule_name": "nightly"}).success
    assert daemon.versions() == [1, 2], "nobody asked for that one"


@pytest.mark.parametrize(
    ("config", "versions"), [({"strength": 1.0}, [1]), ({"strength": 0.5}, [1, 2]), ({"seed": 8}, [1, 2])]
)
def test_other_parameters_are_another_recipe(daemon: Daemon, config: dict[str, Any], versions: list[int]) -> None:
    options = {"run_config": {"ops": {"churn": {"config": config}}}, "tags": {"dagster/schedule_name": "nightly"}}
    assert run(daemon.defs, "train", daemon.instance, **options).success
    assert daemon.versions() == versions


def test_another_source_is_another_recipe(shop: Shop, daemon: Daemon) -> None:
    shop.world.append(f"{shop.module_name}.py", "\nLATER = 1\n")
    daemon.reload(RetrainingPolicy())
    assert daemon.reason() == "churn: nothing has changed since churn@1", "the policy is about data"
    daemon.reload(RetrainingPolicy(on_code=True))
    assert daemon.settle().success
    assert daemon.versions() == [1, 2]


def test_a_script_of_a_stage_is_code(shop: Shop, daemon: Daemon) -> None:
    daemon.reload(RetrainingPolicy(on_new_data=False, on_code=True))
    assert daemon.reason() == "churn: nothing has changed since churn@1"
    shop.world.write("split.py", shop.world.path("split.py").read_text().replace("print(", "print('again', "))
    assert "other code: split.py" in daemon.reason()


def test_parameters_of_stages_and_defaults_are_parameters(shop: Shop, daemon: Daemon) -> None:
    daemon.reload(RetrainingPolicy(on_new_data=False, on_parameters=True))
    assert daemon.reason() == "churn: nothing has changed since churn@1"
    shop.world.write("params.yaml", "split:\n  every: 4\n")
    assert "other parameters: params.yaml (split)" in daemon.reason()
    shop.world.write("params.yaml", "split:\n  every: 3\n")
    module = shop.world.path(f"{shop.module_name}.py")
    module.write_text(module.read_text().replace("strength: float = 1.0", "strength: float = 2.0"))
    daemon.reload(RetrainingPolicy(on_new_data=False, on_parameters=True))
    assert "other parameters: strength" in daemon.reason()
    assert daemon.tick().run_requests


def test_a_schedule_looks_at_the_whole_recipe(daemon: Daemon) -> None:
    daemon.reload(RetrainingPolicy(on_new_data=False, on_schedule="0 6 1 * *"))
    assert daemon.reason() == "churn: nothing has changed since churn@1", "what was due before it was on is over"
    cursor = Cursor.read(daemon.cursor)
    daemon.cursor = Cursor(schedule={**cursor.schedule, "churn": "2020-01-01T06:00:00+00:00"}).text()
    (request,) = daemon.tick().run_requests or ()
    assert daemon.launch(request).success
    assert daemon.versions() == [1], "nothing of it has changed"
    assert daemon.reason() == "churn: nothing has changed since churn@1"


def test_a_check_that_fails_later_makes_it_train_again(shop: Shop, daemon: Daemon) -> None:
    daemon.reload(RetrainingPolicy(on_new_data=False, on_failed_check=["drift"]))
    failed = dg.AssetCheckEvaluation(asset_key=dg.AssetKey("churn"), check_name="drift", passed=False)
    assert daemon.reason() == "churn: nothing has changed since churn@1"
    daemon.instance.report_runless_asset_event(failed)
    deliver(shop)
    (request,) = daemon.tick().run_requests or ()
    assert request.tags["lineage.retraining/churn"] == "the check drift has failed"
    assert daemon.launch(request).success
    assert daemon.versions() == [1, 2]
    assert daemon.reason() == "churn: nothing has changed since churn@2", "it failed before this version"


def test_the_shortest_interval_is_kept(shop: Shop, daemon: Daemon) -> None:
    daemon.reload(RetrainingPolicy(min_interval="1 day"))
    deliver(shop)
    assert "not before" in daemon.reason()
    assert "1 day after churn@1" in daemon.reason()
    daemon.reload(RetrainingPolicy(min_interval=timedelta(0)))
    assert daemon.settle().success


def test_a_training_that_goes_on_is_waited_for(shop: Shop, daemon: Daemon) -> None:
    for job, selection in (("train", None), (daemon.job, frozenset({dg.AssetKey("churn")}))):
        going_on = daemon.instance.create_run_for_job(
            daemon.defs.resolve_job_def(job), status=dg.DagsterRunStatus.STARTED, asset_selection=selection
        )
        deliver(shop)
        assert daemon.reason() == f"churn: run {going_on.run_id[:8]} is for it"
        daemon.instance.report_run_canceled(going_on)
    assert daemon.settle().success


def test_a_project_that_cannot_be_read_is_said(shop: Shop, daemon: Daemon) -> None:
    shop.world.write("data/orders.csv.dvc", "outs: 7\n")
    assert daemon.reason().startswith("churn: the project cannot be compared: ")


def test_the_model_has_a_pool_and_a_freshness_policy(shop: Shop) -> None:
    def model(policy: RetrainingPolicy, **options: Any) -> dg.AssetsDefinition:
        defs = build_defs(shop, retraining=policy, **options)
        return defs.resolve_assets_def("churn")

    asset = model(RetrainingPolicy(max_age="45 days"))
    assert asset.op.pool == "train_churn"
    assert asset.get_asset_spec().freshness_policy == dg.FreshnessPolicy.time_window(fail_window=timedelta(days=45))
    assert model(RetrainingPolicy(), pool="gpu").op.pool == "gpu"


def test_the_checks_of_a_model_alone_are_refused(daemon: Daemon) -> None:
    checks = dg.define_asset_job("checks", dg.AssetSelection.checks_for_assets(dg.AssetKey("churn")))
    defs = dg.Definitions.merge(daemon.defs, dg.Definitions(jobs=[checks]))
    result = run(defs, "checks", daemon.instance)
    assert not result.success
    assert daemon.versions() == [1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"on_new_data": "yes"}, "on_new_data is str"),
        ({"on_code": 1}, "on_code is int"),
        ({"on_schedule": "monthly"}, "'monthly', which is no cron expression"),
        ({"on_schedule": 6}, "on_schedule is int"),
        ({"on_failed_check": [1]}, "on_failed_check is list"),
        ({"min_interval": "a day"}, "min_interval is 'a day', which is no duration"),
        ({"min_interval": timedelta(-1)}, "shorter than 0 seconds"),
        ({"max_age": "30 seconds"}, "max_age is 30 seconds, shorter than 1 minute"),
        ({"max_age": "9999999999 weeks"}, "too long"),
        ({"max_age": 45}, "max_age is int"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(CaptureError) as raised:
        RetrainingPolicy(**wrong)
    assert said in raised.value.what
    assert raised.value.fix


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retraining": "monthly"}, "retraining is str"),
        ({"retraining": RetrainingPolicy(), "automation_condition": dg.AutomationCondition.eager()}, "by both"),
        ({"retraining": RetrainingPolicy(), "partitions_def": dg.StaticPartitionsDefinition(["a"])}, "which partition"),
    ],
)
def test_a_policy_that_does_not_fit_the_model_is_refused(shop: Shop, options: dict[str, Any], said: str) -> None:
    from lineage_pipelines import model_asset

    with pytest.raises(LineageError, match=said):
        model_asset(project=shop.project(), inputs=INPUTS, **options)(shop.module().churn)


@pytest.mark.parametrize(
    ("text", "span", "shown"),
    [
        ("90 minutes", timedelta(minutes=90), "90 minutes"),
        ("1.5 hours", timedelta(minutes=90), "90 minutes"),
        (" 2 weeks ", timedelta(days=14), "14 days"),
        ("1 day", timedelta(days=1), "1 day"),
        ("61 seconds", timedelta(seconds=61), "61 seconds"),
    ],
)
def test_durations_are_read_and_shown(text: str, span: timedelta, shown: str) -> None:
    assert read_duration(text, "max_age", least=timedelta(0)) == span
    assert format_duration(span) == shown
