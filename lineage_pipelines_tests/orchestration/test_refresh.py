"""The whole way: observe, prepare, train, record, report."""

import hashlib

import dagster as dg
import yaml

from lineage_pipelines import LineageRecord, reproducibility_check, threshold
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, orders, run


def _record(shop: Shop, version: int) -> LineageRecord:
    with shop.catalog() as catalog:
        return catalog.get("churn", version).record


def test_a_version_names_the_bytes_that_were_read(shop: Shop, instance: dg.DagsterInstance) -> None:
    result = run(build_defs(shop), "refresh", instance)
    assert result.success
    record = _record(shop, 1)
    lock = yaml.safe_load(shop.world.path("dvc.lock").read_text())
    recorded = {out["path"]: out["md5"] for out in lock["stages"]["split"]["outs"]}
    for snapshot in record.data:
        content = shop.world.path(snapshot.path).read_bytes()
        assert snapshot.digest.sha256 == hashlib.sha256(content).hexdigest()
        assert snapshot.digest.md5 == recorded[snapshot.path] == hashlib.md5(content).hexdigest()
        assert snapshot.rows == content.count(b"\n") - 1
        assert [column.name for column in snapshot.schema] == ["amount", "visits", "city", "left"]
        assert snapshot.produced_by == "split"
    assert {s.name for s in record.data} == {"train", "test"}
    (stage,) = record.stages
    assert stage.name == "split"
    assert {d.path: d.origin for d in stage.deps}["data/orders.csv"] == "tracked:data/orders.csv.dvc"


def test_the_record_holds_all_four_layers(shop: Shop, instance: dg.DagsterInstance) -> None:
    result = run(build_defs(shop), "refresh", instance, tags={"user": "ada"})
    record = _record(shop, 1)
    assert record.code.revision == shop.world.git("rev-parse", "HEAD")
    assert record.code.source is not None
    assert f"{shop.module_name}.py" in {file.path for file in record.code.source.files}
    assert record.parameters == {"strength": 1.0, "seed": 7}
    assert record.run.seed == 7
    assert record.run.dagster is not None
    assert record.run.dagster.run_id == result.run_id
    assert record.run.dagster.launched_by == "user:ada"
    assert record.evaluation is not None
    assert record.evaluation.metrics["roc_auc"] > 0.6
    assert {check.name: check.passed for check in record.evaluation.checks} == {
        "min_roc_auc": True,
        "slices_evaluated": True,
        "train_test_disjoint": True,
    }
    assert record.candidates[0].selected


def test_the_event_is_made_to_be_read(shop: Shop, instance: dg.DagsterInstance) -> None:
    result = run(build_defs(shop), "refresh", instance)
    (event,) = result.asset_materializations_for_node("churn")
    assert event.tags is not None
    assert [run.run_id for run in instance.get_runs(dg.RunsFilter(tags={"lineage/churn": "1"}))] == [result.run_id]
    assert event.metadata["model/version"].value == 1
    assert isinstance(event.metadata["eval/roc_auc"].value, float)
    table = event.metadata["lineage/inputs"]
    assert isinstance(table, dg.TableMetadataValue)
    assert {row.data["input"] for row in table.records} == {"train", "test"}
    record = _record(shop, 1)
    for snapshot in record.data:
        assert event.tags[f"dagster/input_data_version/{snapshot.asset_key}"] == snapshot.digest.md5


def test_stage_outputs_carry_their_md5(shop: Shop, instance: dg.DagsterInstance) -> None:
    result = run(build_defs(shop), "refresh", instance)
    events = {e.asset_key.path[-1]: e for e in result.asset_materializations_for_node("split")}
    train = events["train.csv"]
    assert train.tags is not None
    assert (
        train.tags["dagster/data_version"]
        == hashlib.md5(shop.world.path("data/parts/train.csv").read_bytes()).hexdigest()
    )
    assert train.metadata["dagster/row_count"].value == 200
    assert train.metadata["metric/train.rows"].value == 200
    assert train.metadata["dvc/status"].value == "executed"
    orders_md5 = hashlib.md5(shop.world.path("data/orders.csv").read_bytes()).hexdigest()
    assert train.tags["dagster/input_data_version/data/orders.csv"] == orders_md5


def test_a_stage_without_changes_reports_itself_as_cached(shop: Shop, instance: dg.DagsterInstance) -> None:
    defs = build_defs(shop)
    first = run(defs, "refresh", instance).asset_materializations_for_node("split")
    second = run(defs, "refresh", instance).asset_materializations_for_node("split")
    assert {e.metadata["dvc/status"].value for e in second} == {"cached"}
    versions = [{e.asset_key: (e.tags or {})["dagster/data_version"] for e in events} for events in (first, second)]
    assert versions[0] == versions[1]


def test_new_data_makes_a_new_version(shop: Shop, instance: dg.DagsterInstance) -> None:
    run(build_defs(shop), "refresh", instance)
    shop.world.write("data/orders.csv", orders(450))
    shop.world.track("data/orders.csv")
    result = run(build_defs(shop), "refresh", instance)
    (event,) = result.asset_materializations_for_node("churn")
    table = event.metadata["lineage/inputs"]
    assert isinstance(table, dg.TableMetadataValue)
    changes = {row.data["input"]: row.data["since 1"] for row in table.records}
    assert changes == {"train": "changed (+100 rows)", "test": "changed (+50 rows)"}
    one, two = _record(shop, 1), _record(shop, 2)
    assert two.model.previous is not None
    assert one.model.previous is None


def test_a_failed_blocking_check_keeps_the_model_and_fails_the_run(shop: Shop, instance: dg.DagsterInstance) -> None:
    result = run(build_defs(shop, [threshold(min_roc_auc=1.1)]), "refresh", instance)
    assert not result.success
    assert result.asset_materializations_for_node("churn")
    evaluation = _record(shop, 1).evaluation
    assert evaluation is not None
    assert not evaluation.checks[0].passed


def test_checks_of_other_definitions_are_no_part_of_it(shop: Shop, instance: dg.DagsterInstance) -> None:
    """In the run of a model whose gate fails they would be left failed, though they never ran."""
    defs = build_defs(shop, [threshold(min_roc_auc=1.1)])
    (model,) = [each for each in defs.assets or () if isinstance(each, dg.AssetsDefinition) and _is_churn(each)]
    whole = dg.Definitions.merge(defs, dg.Definitions(asset_checks=[reproducibility_check(model)]))
    events = run(whole, "refresh", instance).get_asset_check_evaluations()
    names = {each.check_name for each in events}
    assert "min_roc_auc" in names
    planned = whole.resolve_job_def("refresh").asset_layer.asset_graph.asset_check_keys
    assert "production_reproducible" not in names | {key.name for key in planned}


def _is_churn(assets: dg.AssetsDefinition) -> bool:
    return dg.AssetKey("churn") in assets.keys
