"""Declaration errors: wrong arguments are refused where they are written, before anything is stored."""

import functools
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pydantic
import pytest

from lineage_pipelines import (
    CaptureError,
    CatalogError,
    DvcResource,
    DvcTranslator,
    Gate,
    LineageResource,
    ModelInput,
    TrainedModel,
    build_dvc_sources,
    disjoint,
    dvc_assets,
    model_asset,
    no_worse,
    slices_evaluated,
    threshold,
    unique_rows,
)
from lineage_pipelines.orchestration.ui.materialization import model_metadata
from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import MODEL, Shop, run
from lineage_pipelines_tests.orchestration.test_bad_input import refused, replace

TRAIN = {"train": "data/orders.csv"}


def churn(train: pd.DataFrame) -> TrainedModel:
    """A training function that is declared and never run."""
    return TrainedModel(estimator=object(), metrics={"rows": len(train)})


class Trainer:
    """Keeps what it trains with where no record sees it."""

    def __call__(self, train: pd.DataFrame) -> TrainedModel:
        """Train."""
        return churn(train)


def declare(shop: Shop, *, function: Any = churn, **options: Any) -> dg.AssetsDefinition:
    """Make an asset of `churn`, with the options in question."""
    return model_asset(**{"project": shop.project(), "inputs": TRAIN, **options})(function)


# What the author declares


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"project": "."}, "project is str"),
        ({"inputs": ["data/orders.csv"]}, "inputs is list"),
        ({"inputs": {"train": 3}}, "'train' is int"),
        ({"inputs": {"train": ModelInput(path="data/orders.csv", role=3)}}, "role"),  # type: ignore[arg-type]
        ({"name": 3}, "name is int"),
        ({"key_prefix": "abc"}, "key_prefix is str"),
        ({"kinds": "sklearn"}, "kinds is str"),
        ({"trusted_types": "a.b.C"}, "trusted_types is str"),
        ({"trusted_types": [dict]}, "trusted_types is type"),
        ({"translator": DvcTranslator}, "translator"),
        ({"checks": threshold(min_rows=1)}, "checks is"),
        ({"checks": ["min_rows"]}, "checks is str"),
        ({"checks": [Gate(name="mine", description="", judge=None)]}, "judge of mine"),  # type: ignore[arg-type]
        ({"checks": [disjoint("train", "tset")]}, "'tset', which is not an input"),
        ({"checks": [unique_rows("tran")]}, "'tran', which is not an input"),
        ({"function": functools.partial(churn), "name": "churn"}, "partial"),
        ({"function": Trainer(), "name": "churn"}, "Trainer"),
    ],
)
def test_a_wrong_argument_is_refused_when_the_asset_is_defined(shop: Shop, options: dict[str, Any], word: str) -> None:
    with pytest.raises(CaptureError, match="fix:") as raised:
        declare(shop, **options)
    assert word in str(raised.value)


def test_a_path_for_a_project_is_refused_by_the_other_factories(shop: Shop) -> None:
    for factory in (dvc_assets, build_dvc_sources):
        with pytest.raises(CaptureError, match="DvcProject"):
            factory(project=shop.root)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", ["./data/orders.csv", "data//orders.csv", "data/x/../orders.csv", Path("data/orders.csv")]
)
def test_an_input_may_be_written_in_other_ways(shop: Shop, path: str | Path) -> None:
    for way in (path, shop.root / path):
        assert declare(shop, inputs={"train": way}).dependency_keys == {dg.AssetKey(["data", "orders.csv"])}


@pytest.mark.parametrize(
    "make",
    [
        lambda: threshold(min_auc="high"),  # type: ignore[arg-type]
        lambda: threshold(min_auc=float("nan")),
        lambda: no_worse(auc=None),  # type: ignore[arg-type]
        slices_evaluated,
        lambda: slices_evaluated("city", min_rows="all"),  # type: ignore[arg-type]
        lambda: slices_evaluated(["city"]),  # type: ignore[arg-type]
        unique_rows,
        lambda: unique_rows("train", max_share="all"),  # type: ignore[arg-type]
        lambda: disjoint("train", None),  # type: ignore[arg-type]
    ],
)
def test_a_gate_about_nothing_is_refused_and_does_not_pass(make: Any) -> None:
    with pytest.raises(CaptureError, match="fix:"):
        make()


def test_gates_are_about_metrics_of_any_name(shop: Shop) -> None:
    limits: dict[str, Any] = {"min_roc auc": 0.5}
    tolerances: dict[str, Any] = {"größe/x": 0.1}
    gates = [threshold(**limits), no_worse(falls=True, **tolerances)]
    names = {spec.name for spec in declare(shop, checks=gates).check_specs}
    assert names == {"min_roc_auc", "no_worse_gr_e_x"}


@pytest.mark.parametrize("resource", [LineageResource, DvcResource])
def test_a_misspelt_field_of_a_resource_is_refused(resource: Any) -> None:
    with pytest.raises(pydantic.ValidationError, match="projectdir"):
        resource(projectdir=".")


def test_no_catalog_is_made_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="folder does not exist"):
        LineageResource(project_dir=str(tmp_path / "shpo")).open_catalog()
    assert list(tmp_path.iterdir()) == []


# What training returns


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("metrics", "None", "NoneType"),
        ("slices", "{'city': 1}", "slices is dict"),
        ("slices", "[*parts, parts[0]]", "twice"),
        ("slices", "[SliceMetrics(name='a', value='b', rows=2.5)]", "rows"),
        ("candidates", "[{'name': 'a'}]", "candidates[0] is dict"),
        ("candidates", "[Candidate(name='a', selected='no')]", "selected"),
        ("evaluated_on", "'tset'", "'tset', which is not an input"),
        ("seed", "'seven'", "seed is str"),
        ("plot", "'plot.png'", "plot is str"),
        ("plot", "b'<svg>'", "not a PNG"),
        ("notes", "7", "notes is int"),
        ("notes", "'ghp_' + 'a1B2c3D4e5' * 3 + 'f6G7h8'", "secret"),
        ("estimator", "LogisticRegression", "class LogisticRegression"),
    ],
)
def test_a_wrong_field_is_refused_before_anything_is_stored(
    shop: Shop, instance: dg.DagsterInstance, field: str, value: str, word: str
) -> None:
    returned = f"    from dataclasses import replace\n    return replace(made, {field}={value})\n"
    replaced = MODEL.replace("    return TrainedModel(", "    made = TrainedModel(") + returned
    shop.world.write(f"{shop.module_name}.py", replaced)
    shop.world.commit("Change the training")
    assert word in refused(shop, instance)


@pytest.mark.parametrize("verdict", [None, True, ("no", "why"), (True, None), (True, "why", 1)])
def test_a_judge_that_gives_no_verdict_is_refused(split_shop: Shop, instance: dg.DagsterInstance, verdict: Any) -> None:
    gate = Gate(name="mine", description="odd", judge=lambda _: verdict)
    stored = split_shop.root / ".lineage" / "artifacts"
    result = run(build_defs(split_shop, checks=[gate]), "train", instance)
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "the judge of mine returned" in str(failed.step_failure_data.error)
    assert not stored.exists()


def test_numpys_seed_and_verdict_are_plain_in_the_record(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    replace(split_shop, "estimator=model,", "estimator=model, seed=__import__('numpy').int64(11),")
    verdict: Any = (np.float64(0.5) < 1, "why")
    gate = Gate(name="mine", description="odd", judge=lambda _: verdict)
    assert run(build_defs(split_shop, checks=[gate]), "train", instance).success
    with split_shop.catalog() as catalog:
        record = catalog.get("churn", 1).record
    assert record.run.seed == 11
    assert record.evaluation is not None
    assert record.evaluation.checks[0].passed is True


def test_an_event_shows_a_hundred_metrics_and_the_record_holds_them_all(
    split_shop: Shop, instance: dg.DagsterInstance
) -> None:
    replace(
        split_shop,
        'metrics={"roc_auc": auc},\n        slices',
        'metrics={"roc_auc": auc, **{f"m{i}": i for i in range(500)}},\n        slices',
    )
    assert run(build_defs(split_shop), "train", instance).success
    with split_shop.catalog() as catalog:
        entry = catalog.get("churn", 1)
    assert entry.record.evaluation is not None
    assert len(entry.record.evaluation.metrics) == 501
    shown = model_metadata(Outcome(entry=entry, trained=None, previous=None, baseline=None))
    assert len([name for name in shown if name.startswith("eval/")]) == 100
    assert "eval/roc_auc" in shown


def test_a_model_without_metrics_says_so_among_its_gaps(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    replace(split_shop, 'metrics={"roc_auc": auc},\n        slices', "metrics={},\n        slices")
    assert run(build_defs(split_shop, checks=[]), "train", instance).success
    with split_shop.catalog() as catalog:
        assert "evaluation: no metric was reported" in catalog.get("churn", 1).record.completeness.missing


# What happens meanwhile


@pytest.mark.parametrize("after", ["", "; Catalog('sqlite:///' + where + '/catalog.db').close()"])
def test_a_catalog_that_is_removed_while_training_is_not_reported_as_written(
    split_shop: Shop, instance: dg.DagsterInstance, after: str
) -> None:
    assert run(build_defs(split_shop), "train", instance).success
    removed = f"import shutil; from lineage_pipelines import Catalog; where = {str(split_shop.root / '.lineage')!r}"
    code = f"    {removed}; shutil.rmtree(where){after}\n    return TrainedModel("
    split_shop.world.write(f"{split_shop.module_name}.py", MODEL.replace("    return TrainedModel(", code))
    split_shop.world.commit("Remove the catalog")
    result = run(build_defs(split_shop), "train", instance)
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    # Somebody may have made a new one: it is not the one that the run began with.
    said = "it was replaced since the run began" if after else "the catalog cannot be opened"
    assert said in str(failed.step_failure_data.error)
    assert not result.asset_materializations_for_node("churn")


def test_two_assets_with_one_name_are_told_apart_in_the_record(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    for prefix in ("a", "b"):
        assert run(build_defs(split_shop, checks=[], key_prefix=[prefix]), "train", instance).success
    with split_shop.catalog() as catalog:
        missing = {n: catalog.get("churn", n).record.completeness.missing for n in (1, 2)}
    assert not any("another asset" in gap for gap in missing[1])
    assert "churn@1 was made by another asset, a/churn" in missing[2][0]


def test_a_stage_has_more_than_no_time() -> None:
    with pytest.raises(pydantic.ValidationError, match="timeout"):
        DvcResource(timeout=0)
