"""A shop whose stages, sources and churn model are assets."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import (
    DvcProject,
    DvcResource,
    DvcTranslator,
    DvcTranslatorSettings,
    Gate,
    build_dvc_sources,
    build_observe_job,
    build_refresh_job,
    disjoint,
    dvc_assets,
    model_asset,
    slices_evaluated,
    threshold,
)
from lineage_pipelines_tests.orchestration.shop import Shop
from lineage_pipelines_tests.world import World

INPUTS = {"train": "data/parts/train.csv", "test": "data/parts/test.csv"}
CHECKS = [threshold(min_roc_auc=0.6), slices_evaluated("city", min_rows=10), disjoint()]


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


@pytest.fixture
def split_shop(shop: Shop) -> Shop:
    """A shop whose stage has run, for what is about training alone."""
    shop.split()
    return shop


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def build_defs(
    shop: Shop,
    checks: list[Gate] | None = None,
    automation: dg.AutomationCondition[Any] | None = None,
    **options: Any,
) -> dg.Definitions:
    """Return the shop's code location, as its author would write it."""
    project = DvcProject(shop.root)
    sources = build_dvc_sources(project)
    translator = DvcTranslator(DvcTranslatorSettings(automation_condition=automation))
    options["automation_condition"] = automation

    @dvc_assets(project=project, translator=translator)
    def stages(context: dg.AssetExecutionContext, dvc: DvcResource) -> Iterator[Any]:
        yield from dvc.run(context)

    decorate = model_asset(project=project, inputs=INPUTS, checks=CHECKS if checks is None else checks, **options)
    model = decorate(shop.module().churn)
    assets = [*sources, *stages, model]
    train = dg.define_asset_job("train", dg.AssetSelection.assets(model))
    jobs = [build_refresh_job(assets), build_observe_job(sources), train]
    return dg.Definitions(assets=assets, jobs=jobs, resources=shop.resources())
