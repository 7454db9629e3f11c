"""A delivery is said, and taken in where the sensor may: added, committed as a bot, pushed, once."""

import subprocess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import DvcResource, LineageError, build_delivery_sensor
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, orders, run

BOT = "Deliveries <deliveries@example.org>"


class Deliveries:
    """The sensor and its job, ticked as Dagster's daemon does."""

    def __init__(self, shop: Shop, instance: dg.DagsterInstance, **options: Any) -> None:
        self.sensor = build_delivery_sensor(shop.project(), **options)
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> Any:
        with dg.build_sensor_context(self.instance, self.cursor) as context:
            data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor
        return data

    def says(self) -> str:
        data = self.tick()
        assert not data.run_requests
        return str(data.skip_message)

    def take_in(self) -> dg.ExecuteInProcessResult:
        assert "when the next look finds the same" in self.says()
        (request,) = self.tick().run_requests
        job = self.sensor.job
        assert isinstance(job, dg.JobDefinition)
        return job.execute_in_process(
            run_config=request.run_config, tags=request.tags, instance=self.instance, raise_on_error=False
        )


def test_without_rights_it_only_says_so(shop: Shop, instance: dg.DagsterInstance) -> None:
    deliveries = Deliveries(shop, instance)
    assert deliveries.says() == "the workspace holds what is tracked"
    shop.world.write("data/orders.csv", orders(320))
    for _ in range(3):
        said = "1 file delivered, not `dvc add`ed: data/orders.csv; run dvc add data/orders.csv"
        assert deliveries.says() == said


def test_two_of_them_go_into_one_code_location(shop: Shop) -> None:
    sensors = [build_delivery_sensor(shop.project(), add=True, name=name) for name in ("deliveries", "corrections")]
    defs = dg.Definitions(sensors=sensors)
    dg.Definitions.validate_loadable(defs)
    assert {job.name for job in defs.resolve_all_job_defs()} >= {"take_in_deliveries", "take_in_corrections"}


def test_it_adds_and_commits_as_a_bot_and_nothing_else(shop: Shop, instance: dg.DagsterInstance) -> None:
    deliveries = Deliveries(shop, instance, add=True, new_files=["data/*.csv"], commit_as=BOT)
    shop.world.write("data/orders.csv", orders(320))
    shop.world.write("data/orders_2.csv", orders(10))
    shop.world.write("split.py", "print('not yet')\n")
    shop.world.git("add", "split.py")
    assert deliveries.take_in().success
    assert shop.world.git("log", "-1", "--format=%an <%ae> %s") == f"{BOT} Deliver data/orders.csv, data/orders_2.csv"
    committed = set(shop.world.git("show", "--format=", "--name-only", "HEAD").splitlines())
    assert committed == {"data/orders.csv.dvc", "data/orders_2.csv.dvc", "data/.gitignore"}
    assert shop.world.git("status", "--porcelain") == "M  split.py"
    assert deliveries.says() == "the workspace holds what is tracked"


def test_the_same_data_delivered_again_later_is_a_delivery(shop: Shop, instance: dg.DagsterInstance) -> None:
    deliveries = Deliveries(shop, instance, add=True)
    for rows in (320, 300, 320):
        shop.world.write("data/orders.csv", orders(rows))
        assert deliveries.take_in().success
        assert deliveries.says() == "the workspace holds what is tracked"


def test_a_delivery_that_goes_on_is_waited_for(shop: Shop, instance: dg.DagsterInstance) -> None:
    deliveries = Deliveries(shop, instance, add=True)
    for rows in (310, 320, 330):
        shop.world.write("data/orders.csv", orders(rows))
        assert "when the next look finds the same" in deliveries.says()
    (request,) = deliveries.tick().run_requests
    shop.world.write("data/orders.csv", orders(340))
    job = deliveries.sensor.job
    assert isinstance(job, dg.JobDefinition)
    assert job.execute_in_process(run_config=request.run_config, instance=instance).success
    assert "data/orders.csv" in deliveries.says(), "what changed in between is not taken in"


def test_it_pushes_data_and_commit(shop: Shop, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    origin, remote = tmp_path / "origin.git", tmp_path / "remote"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    shop.world.git("remote", "add", "origin", str(origin))
    shop.world.push(remote)
    shop.world.git("push", "-q", "-u", "origin", "main")
    deliveries = Deliveries(shop, instance, add=True, commit_as=BOT, push=True)
    shop.world.write("data/orders.csv", orders(320))
    assert deliveries.take_in().success
    assert shop.world.git("rev-parse", "origin/main") == shop.world.git("rev-parse", "HEAD")
    md5 = shop.project().recorded("data/orders.csv").content.md5
    assert md5 is not None
    assert (remote / "files" / "md5" / md5[:2] / md5[2:]).is_file()


def test_a_hook_of_the_user_may_refuse_the_commit(shop: Shop, instance: dg.DagsterInstance) -> None:
    hook = shop.world.path(".git/hooks/pre-commit")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: not on Fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    deliveries = Deliveries(shop, instance, add=True, commit_as=BOT)
    shop.world.write("data/orders.csv", orders(320))
    assert not deliveries.take_in().success
    assert deliveries.says() == "the workspace holds what is tracked", "it was added, and is not committed"


def test_a_delivery_whose_run_failed_is_not_tried_again(shop: Shop, instance: dg.DagsterInstance) -> None:
    deliveries = Deliveries(shop, instance, add=True)
    shop.world.write("data/orders.csv", orders(320))
    assert "when the next look finds the same" in deliveries.says()
    (request,) = deliveries.tick().run_requests
    job = deliveries.sensor.job
    assert isinstance(job, dg.JobDefinition)
    failed = instance.create_run_for_job(
        job, run_config=request.run_config, tags=dict(request.tags), status=dg.DagsterRunStatus.FAILURE
    )
    for _ in range(3):
        assert f"run {failed.run_id[:8]} is for that, and is FAILURE" in deliveries.says()
    shop.world.write("data/orders.csv", orders(330))
    assert deliveries.take_in().success


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"commit_as": BOT}, "one that may commit must add"),
        ({"add": True, "push": True}, "may push must commit"),
        ({"add": True, "commit_as": "the bot"}, "'the bot' names no author"),
    ],
)
def test_rights_that_do_not_fit_are_refused(shop: Shop, options: dict[str, Any], said: str) -> None:
    with pytest.raises(LineageError, match=said):
        build_delivery_sensor(shop.project(), **options)


def test_a_stage_may_commit_what_it_made(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.world.git("config", "user.name", "Trainer")
    shop.world.git("config", "user.email", "trainer@example.org")
    defs = build_defs(shop)
    resources = {**shop.resources(), "dvc": DvcResource(project_dir=str(shop.root), commit=True)}
    committing = dg.Definitions(assets=defs.assets, jobs=defs.jobs, resources=resources)
    assert run(committing, "refresh", instance).success
    assert shop.world.git("log", "-1", "--format=%an: %s").startswith(
        "Trainer: Record what stage split made (Dagster run "
    )
    committed = set(shop.world.git("show", "--format=", "--name-only", "HEAD").splitlines())
    assert {"dvc.lock", "summary.json"} <= committed
    assert shop.world.git("status", "--porcelain") == ""
    with shop.catalog() as catalog:
        assert catalog.get("churn", 1).record.code.revision == shop.world.git("rev-parse", "HEAD")
    before = shop.world.git("rev-parse", "HEAD")
    assert run(committing, "refresh", instance).success
    assert shop.world.git("rev-parse", "HEAD") == before, "nothing has changed"
