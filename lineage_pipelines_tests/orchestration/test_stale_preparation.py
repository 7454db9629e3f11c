"""A model that is trained on what an older delivery made: allowed, and said."""

import dagster as dg

from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.show import Sequel, full_document
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, orders, run


def test_a_record_says_that_a_stage_read_what_has_since_been_delivered_anew(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    defs = build_defs(shop)
    assert run(defs, "refresh", instance).success
    shop.world.write("data/orders.csv", orders(240))
    shop.world.track("data/orders.csv")
    train = defs.resolve_implicit_global_asset_job_def()
    assert train.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("churn")]).success
    with shop.catalog() as catalog:
        entry = catalog.get("churn", 2)
    assert [dep.origin for dep in entry.record.stages[0].deps] == ["superseded:data/orders.csv.dvc", "git"]
    stale = [gap for gap in entry.record.completeness.missing if "has since rewritten" in gap]
    assert [gap.partition(":")[0] for gap in stale] == ["stages.split.deps[data/orders.csv]"]
    assert "which data/orders.csv.dvc has since recorded anew" in render_text(full_document(entry, Sequel()))
