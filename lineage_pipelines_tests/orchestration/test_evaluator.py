"""How a model is measured without training it: declared by its author, carried by its asset."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from lineage_pipelines import build_dvc_sources
from lineage_pipelines.orchestration.training.model_asset import find_definition
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop


def _rows(_estimator: object, table: list[int], params: Any) -> Mapping[str, int]:
    return {"rows": len(table), "strength": params.strength}


def _asset(shop: Shop, **options: Any) -> dg.AssetsDefinition:
    assets = build_defs(shop, **options).assets or ()
    return next(each for each in assets if isinstance(each, dg.AssetsDefinition) and "churn" in str(each.keys))


def test_an_asset_carries_the_evaluator_of_its_author_with_recorded_parameters(shop: Shop) -> None:
    definition = find_definition(_asset(shop, evaluate=_rows))
    assert definition is not None
    assert definition.evaluator is not None
    recorded = {"strength": 2, "something_that_only_training_knew": 1}
    assert definition.evaluator.measure(None, [1, 2, 3], recorded) == {"rows": 3.0, "strength": 2.0}


def test_without_one_nothing_is_measured(shop: Shop) -> None:
    """Whatever was defined before in the same process."""
    find_definition(_asset(shop, evaluate=_rows))
    definition = find_definition(_asset(shop))
    assert definition is not None
    assert definition.evaluator is None


def test_an_asset_of_another_kind_has_no_definition(shop: Shop) -> None:
    sources = build_dvc_sources(shop.project())
    assert [find_definition(each) for each in sources] == [None] * len(sources)
