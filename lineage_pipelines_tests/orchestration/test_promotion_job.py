"""Promotion from Dagster: the launch form, and the asset whose materialization it is."""

import dagster as dg
import pytest

from lineage_pipelines import Catalog, build_promote_job, promotion_asset, resolve_settings, threshold
from lineage_pipelines.queries.refs import resolve
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions
from lineage_pipelines.queries.registry.promotion_policy import read_policy
from lineage_pipelines.records.values.identity_proof import IdentityProof
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.history import history_document
from lineage_pipelines_tests.catalog.people import Person, introduce
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, run


@pytest.fixture
def defs(shop: Shop, instance: dg.DagsterInstance) -> dg.Definitions:
    """The shop with one version of its model, the job, and the asset."""
    shop.split()
    shop.world.commit("Split")
    made = with_promotion(build_defs(shop))
    assert run(made, "train", instance).success
    return made


def with_promotion(defs: dg.Definitions) -> dg.Definitions:
    assets = [a for a in defs.assets or () if isinstance(a, dg.AssetsDefinition)]
    (model,) = [a for a in assets if dg.AssetKey("churn") in a.keys]
    return dg.Definitions.merge(defs, dg.Definitions(assets=[promotion_asset(model)], jobs=[build_promote_job()]))


def live(shop: Shop) -> int | None:
    with shop.catalog() as catalog:
        holder = find_holder(catalog, "churn", "production")
    return holder.version if holder else None


def promote(defs: dg.Definitions, instance: dg.DagsterInstance, **form: object) -> dg.ExecuteInProcessResult:
    config = {"ops": {"promote": {"config": {"ref": "churn", "reason": "it is better", **form}}}}
    return run(defs, "promote_model", instance, run_config=config, tags={"user": "ada"})


def materialize(
    defs: dg.Definitions, instance: dg.DagsterInstance, *keys: str, form: dict[str, object] | None = None
) -> dg.ExecuteInProcessResult:
    job = defs.resolve_implicit_global_asset_job_def()
    selection = [dg.AssetKey(key) for key in keys]
    config = {
        "ops": {"churn_production": {"config": {"version": 1, "reason": "it is better"} if form is None else form}}
    }
    return job.execute_in_process(instance=instance, asset_selection=selection, run_config=config, raise_on_error=False)


def test_the_whole_location_loads(defs: dg.Definitions) -> None:
    """Dagster refuses an op and a job of one name, and says so only when everything is loaded."""
    dg.Definitions.validate_loadable(defs)


def test_the_launch_form_promotes_and_says_who(shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions) -> None:
    assert promote(defs, instance).success
    assert live(shop) == 1
    with shop.catalog() as catalog:
        (decided,) = list_decisions(catalog, "churn")
        record = catalog.get("churn", 1).record
    assert (decided.decision.by, decided.decision.reason) == ("user:ada", "it is better")
    assert decided.decision.known_by is IdentityProof.DAGSTER_TAG
    assert "ada (claimed)" in render_text(history_document([decided]))
    assert record.run.dagster is not None
    assert record.run.dagster.known_by is IdentityProof.OS, "the account of the process, where no tag says"
    assert {rule.name for rule in decided.decision.rules} == {
        "check min_roc_auc",
        "check slices_evaluated",
        "check train_test_disjoint",
    }


def test_a_promotion_against_the_policy_fails_the_run_unless_it_is_an_override(
    shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    shop.world.write("pyproject.toml", '[tool.lineage]\n[tool.lineage.promotion.production]\nchecks = ["leakage"]\n')
    shop.world.commit("Ask for a check")
    assert not promote(defs, instance).success
    assert live(shop) is None
    assert promote(defs, instance, override=True).success
    assert live(shop) == 1


def ask_for_approvals(shop: Shop, number: int) -> None:
    text = f"[tool.lineage]\n[tool.lineage.promotion.production]\napprovals = {number}\n"
    shop.world.write("pyproject.toml", text)
    shop.world.commit("Ask for approvals")


def approve(shop: Shop, owner: str) -> Person:
    settings = resolve_settings(start=shop.root)
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        person = introduce(catalog, shop.root / "own", owner)
        policy = read_policy(shop.root, "production").plain()
        person.approve(catalog, resolve(catalog, "churn"), policy)
    return person


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    return str(event.event_specific_data.error)  # type: ignore[union-attr]


def test_a_promotion_waits_for_approvals_and_keeps_them(
    shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    ask_for_approvals(shop, 1)
    told = failure(promote(defs, instance))
    assert "approvals: 0 of 1" in told
    assert "lineage approve churn@1 --to production" in told
    assert live(shop) is None
    approve(shop, "ann@example.org")
    result = materialize(defs, instance, "churn_production")
    assert result.success
    assert live(shop) == 1
    (event,) = result.asset_materializations_for_node("churn_production")
    approvals = event.metadata["decision/approvals"]
    assert isinstance(approvals, dg.TableMetadataValue)
    assert [row.data["approver"] for row in approvals.records] == ["ann@example.org"]


def test_who_launches_the_promotion_is_not_counted(
    shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    """The launch form's runs carry the tag of ada, who asks."""
    ask_for_approvals(shop, 1)
    approve(shop, "ada@example.org")
    assert "ada@example.org" in (told := failure(promote(defs, instance)))
    assert "asks for the promotion, as user:ada" in told
    assert live(shop) is None
    assert promote(defs, instance, override=True).success
    with shop.catalog() as catalog:
        (decided,) = list_decisions(catalog, "churn")
    assert (decided.decision.override, decided.decision.approvals) == (True, ())


def test_there_is_no_approving_from_dagster() -> None:
    """A person's key does not live on a server."""
    import lineage_pipelines

    assert not [name for name in lineage_pipelines.__all__ if "approv" in name.lower()]


def test_materializing_the_asset_is_the_promotion(
    shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    result = materialize(defs, instance, "churn_production")
    assert result.success
    assert live(shop) == 1
    (event,) = result.asset_materializations_for_node("churn_production")
    assert event.metadata["model/version"].value == 1
    assert event.metadata["decision/reason"].value == "it is better"


@pytest.mark.parametrize("form", [{}, {"version": 1}, {"reason": "it is better"}])
def test_materializing_all_promotes_nothing(
    shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions, form: dict[str, object]
) -> None:
    result = materialize(defs, instance, "churn_production", form=form)
    assert result.success
    assert not result.asset_materializations_for_node("churn_production")
    assert live(shop) is None


def test_doing_it_again_decides_nothing(shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions) -> None:
    for _ in range(2):
        assert materialize(defs, instance, "churn_production").success
    with shop.catalog() as catalog:
        assert len(list_decisions(catalog, "churn")) == 1


def test_a_failed_blocking_check_stops_it(shop: Shop, instance: dg.DagsterInstance, defs: dg.Definitions) -> None:
    assert promote(defs, instance).success
    strict = with_promotion(build_defs(shop, [threshold(min_roc_auc=1.1)]))
    result = materialize(strict, instance, "churn", "churn_production", form={"version": 2, "reason": "newer"})
    assert not result.success
    assert not result.asset_materializations_for_node("churn_production")
    assert live(shop) == 1


def test_a_new_version_is_compared_with_the_one_in_production(
    instance: dg.DagsterInstance, defs: dg.Definitions
) -> None:
    assert promote(defs, instance).success
    run(defs, "refresh", instance)
    result = run(defs, "refresh", instance)
    (event,) = result.asset_materializations_for_node("churn")
    comparison = event.metadata["lineage/comparison"]
    assert isinstance(comparison, dg.TableMetadataValue)
    assert "churn@1, in production" in comparison.records[0].data
