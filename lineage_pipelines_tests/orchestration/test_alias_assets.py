"""The asset of an alias shows what the log says, whichever way a decision was made."""

import contextlib
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import build_reconcile_sensor
from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.cli import main
from lineage_pipelines.orchestration.operations import alias_comparison
from lineage_pipelines.orchestration.operations.alias_comparison import compare_aliases
from lineage_pipelines.orchestration.operations.reconcile import reconcile
from lineage_pipelines.orchestration.ui.alias_page import AliasAsset
from lineage_pipelines_tests.orchestration.conftest import INPUTS, build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, run
from lineage_pipelines_tests.orchestration.test_promotion_job import live, materialize, promote, with_promotion

KEY = dg.AssetKey("churn_production")
ASSET = AliasAsset(model="churn", alias="production", key=KEY)
NOW = timedelta(0)


@pytest.fixture
def defs(split_shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    """Two versions of the model, the job, the asset and the sensor, which waits for no run."""
    monkeypatch.setattr(alias_comparison, "GRACE", NOW)
    split_shop.world.commit("Split")
    made = with_promotion(build_defs(split_shop))
    for _ in range(2):
        assert run(made, "train", instance).success
    return made


def lineage(shop: Shop, *words: str) -> None:
    with contextlib.chdir(shop.root):
        assert main(list(words)) == 0


def tick(shop: Shop, defs: dg.Definitions, instance: dg.DagsterInstance) -> str:
    """Evaluate the sensor as the daemon does, with its code location; return what it says."""
    context = dg.build_sensor_context(
        instance=instance,
        repository_def=defs.get_repository_def(),
        resources={"lineage": shop.resources()["lineage"]},
        cursor=str(instance.event_log_storage.get_maximum_record_id()),
    )
    return build_reconcile_sensor().evaluate_tick(context).skip_message or ""


def shown(instance: dg.DagsterInstance) -> list[tuple[object, str]]:
    """Return which version each event of the alias's asset names, and why, oldest first."""
    records = instance.fetch_materializations(KEY, limit=100, ascending=True).records
    events = [record.asset_materialization for record in records]
    return [
        (
            event.metadata["model/version"].value if "model/version" in event.metadata else None,
            str(event.metadata["decision/reason"].value),
        )
        for event in events
        if event is not None
    ]


def waiting(shop: Shop) -> list[int]:
    with shop.catalog() as catalog:
        return [entry.seq for entry in catalog.outbox.pending(DAGSTER)]


def test_the_job_shows_its_promotion_on_the_asset_of_the_alias(
    split_shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    # A run of Python alone does not know its code location: the asset is one that the instance has events of.
    assert materialize(defs, instance, "churn_production").success
    assert promote(defs, instance, ref="churn@2", reason="more data").success
    assert shown(instance) == [(1, "it is better"), (2, "more data")]
    assert waiting(split_shop) == []
    assert tick(split_shop, defs, instance) == "nothing to reconcile"
    event = instance.get_latest_materialization_event(KEY)
    assert event is not None
    assert event.asset_materialization is not None
    found = event.asset_materialization.metadata
    assert found["decision/by"].value == "ada (claimed)"  # only a tag of the run says so
    assert found["decision/policy"].value == "every blocking check passed"
    assert isinstance(found["decision/since"], dg.TimestampMetadataValue)
    assert isinstance(found["decision/rules"], dg.TableMetadataValue)
    assert found["model/asset"].value == dg.AssetKey("churn")
    with split_shop.catalog() as catalog:
        entry = catalog.get("churn", 2)
    assert found["lineage/record"].value == f"sha256:{entry.digest.hex}"
    assert found["model/run"].value == entry.record.run.dagster.run_id  # type: ignore[union-attr]


def test_a_decision_on_the_command_line_is_shown_by_the_sensor_once(
    split_shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    for version in (1, 2):
        lineage(split_shop, "promote", f"churn@{version}", "--to", "production", "--reason", f"version {version}")
    assert shown(instance) == []
    assert len(waiting(split_shop)) == 2
    assert "churn@production: decision without event, reported" in tick(split_shop, defs, instance)
    assert shown(instance) == [(2, "version 2")], "the newest decision says what the alias names"
    assert waiting(split_shop) == []
    lineage(split_shop, "rollback", "churn", "--alias", "production", "--reason", "too slow")
    assert "reported" in tick(split_shop, defs, instance)
    assert shown(instance)[1:] == [(1, "too slow")]
    assert tick(split_shop, defs, instance) == "nothing to reconcile"
    assert len(shown(instance)) == 2


def test_an_alias_that_was_retired_names_nothing(
    split_shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    assert materialize(defs, instance, "churn_production").success
    lineage(split_shop, "retire", "churn", "--alias", "production", "--reason", "sold")
    tick(split_shop, defs, instance)
    assert shown(instance)[-1] == (None, "sold")
    event = instance.get_latest_materialization_event(KEY)
    assert event is not None
    assert event.asset_materialization is not None
    assert "production names no version since" in str(event.asset_materialization.metadata["lineage/summary"].value)
    assert event.asset_materialization.tags is not None
    assert event.asset_materialization.tags["dagster/data_version"] == "none"
    assert tick(split_shop, defs, instance) == "nothing to reconcile"


def test_an_alias_without_an_asset_is_not_shown(
    split_shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    lineage(split_shop, "promote", "churn@1", "--to", "staging", "--reason", "try it")
    assert tick(split_shop, defs, instance) == "nothing to reconcile"
    assert not instance.has_asset_key(dg.AssetKey("churn_staging"))
    lineage(split_shop, "promote", "churn@1", "--to", "production", "--reason", "it works")
    with split_shop.catalog() as catalog:
        assert reconcile(instance, catalog, grace=NOW) == (), "the instance knows no asset of the alias"
    tick(split_shop, defs, instance)
    assert shown(instance) == [(1, "it works")]


def test_a_sensor_that_is_killed_between_event_and_catalog_reports_nothing_again(
    split_shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    lineage(split_shop, "promote", "churn@1", "--to", "production", "--reason", "good")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(alias_comparison, "mark_shown", killed)
        with pytest.raises(KeyboardInterrupt):
            tick(split_shop, defs, instance)
    assert len(waiting(split_shop)) == 1
    assert tick(split_shop, defs, instance) == "nothing to reconcile"
    assert (shown(instance), waiting(split_shop)) == ([(1, "good")], [])


@pytest.mark.usefixtures("defs")
def test_a_young_decision_is_left_to_the_run_that_made_it(
    split_shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    lineage(split_shop, "promote", "churn@1", "--to", "production", "--reason", "good")
    with split_shop.catalog() as catalog:
        monkeypatch.setattr(alias_comparison, "GRACE", timedelta(minutes=1))
        (found,) = compare_aliases(instance, catalog, [ASSET], timedelta(minutes=1), dry_run=False, since=None)
        assert found.status == "waiting"
        (found,) = compare_aliases(instance, catalog, [ASSET], NOW, dry_run=True, since=None)
        assert found.status == "to be reported"
    assert shown(instance) == []


def test_a_lost_event_is_reported_again(split_shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions) -> None:
    assert materialize(defs, instance, "churn_production").success
    instance.wipe_assets([KEY])
    assert "decision without event, reported" in tick(split_shop, defs, instance)
    assert shown(instance) == [(1, "it is better")]


def test_an_event_that_came_late_is_corrected(
    split_shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    assert materialize(defs, instance, "churn_production").success
    event = instance.get_latest_materialization_event(KEY)
    assert event is not None
    assert event.asset_materialization is not None
    assert promote(defs, instance, ref="churn@2").success
    instance.report_runless_asset_event(event.asset_materialization)
    tick(split_shop, defs, instance)
    assert [version for version, _ in shown(instance)] == [1, 2, 1, 2]


@pytest.mark.parametrize("named", [{"model/version": 2, "lineage/record": "sha256:" + "0" * 64}, {}])
def test_an_event_that_names_what_the_alias_never_named_is_an_alarm(
    split_shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions, named: dict[str, Any]
) -> None:
    assert materialize(defs, instance, "churn_production").success
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY, metadata=named))
    with split_shop.catalog() as catalog:
        found = [(each.kind, each.status) for each in reconcile(instance, catalog, grace=NOW)]
    assert found == [("event without decision", "ALARM"), ("decision without event", "reported")]
    event = instance.get_latest_materialization_event(KEY)
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["model/version"].value == 1, "the page tells the truth again"
    assert live(split_shop) == 1


LOCATION = """
from collections.abc import Iterator
import dagster as dg
from lineage_pipelines import DvcProject, LineageResource, build_promote_job, model_asset, promotion_asset, threshold
from {module} import churn

model = model_asset(project=DvcProject("{root}"), inputs={inputs}, checks=[threshold(min_roc_auc=0.6)])(churn)
defs = dg.Definitions(
    assets=[model, promotion_asset(model)],
    jobs=[build_promote_job()],
    resources={{"lineage": LineageResource(project_dir="{root}")}},
)
"""


def test_a_run_of_the_job_knows_the_assets_of_its_code_location(split_shop: Shop) -> None:
    """In a process of its own, as Dagster launches it: the asset has no event yet."""
    import yaml

    shop = split_shop
    shop.world.commit("Split")
    shop.world.write("location.py", LOCATION.format(module=shop.module_name, root=shop.root, inputs=INPUTS))
    home = shop.root / "home"
    home.mkdir()
    environment = {**os.environ, "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}
    (home / "form.yaml").write_text(
        yaml.safe_dump({"ops": {"promote": {"config": {"ref": "churn", "reason": "it is better"}}}})
    )
    for words in (
        ["asset", "materialize", "-f", "location.py", "--select", "churn"],
        ["job", "execute", "-f", "location.py", "-j", "promote_model", "-c", "home/form.yaml"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "dagster", *words],
            cwd=shop.root,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        assert shown(instance) == [(1, "it is better")]
    assert waiting(shop) == []
