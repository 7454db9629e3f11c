"""Partitions of a model: identities that are not compared with one another, and windows of time in their order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import model_asset, no_worse, promotion_asset
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.orchestration.training.partitions.run_partition import has_identity
from lineage_pipelines.queries.refs import resolve
from lineage_pipelines.queries.registry.alias_history import find_holder
from lineage_pipelines.queries.registry.baseline import compared_versions, previous_version
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.records.statement.training_run import CheckResult
from lineage_pipelines_tests.orchestration.shop import Shop

DELAY = '''
"""A model that is as good as it is told to be."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines import TrainedModel

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DelayParams:
    """How good to be."""

    auc: float = 0.7


def delay(orders: "pd.DataFrame", params: DelayParams) -> TrainedModel:
    """Will a flight be late?"""
    from sklearn.dummy import DummyClassifier

    estimator = DummyClassifier().fit([[0], [1]], [0, 1])
    return TrainedModel(estimator=estimator, metrics={"roc_auc": params.auc})
'''
REGIONS = dg.StaticPartitionsDefinition(["east", "north", "west"])
DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01", timezone="America/New_York")


class Trainings:
    """A model with partitions, and the runs that train it."""

    def __init__(self, shop: Shop, instance: dg.DagsterInstance, partitions: dg.PartitionsDefinition[Any]) -> None:
        shop.world.write(f"{shop.module_name}.py", DELAY)
        shop.world.commit("A model with partitions")
        self.shop = shop
        self.instance = instance
        declare = model_asset(
            project=shop.project(),
            inputs={"orders": "data/orders.csv"},
            checks=[no_worse(roc_auc=0.01)],
            partitions_def=partitions,
        )
        self.asset = declare(shop.module().delay)

    def run(
        self, partition: str | None, auc: float = 0.7, *, tags: Mapping[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Train once, as one run of a backfill does."""
        return dg.materialize(
            [self.asset],
            resources=self.shop.resources(),
            instance=self.instance,
            partition_key=partition,
            run_config={"ops": {"delay": {"config": {"auc": auc}}}},
            tags=tags or {},
            raise_on_error=False,
        )

    def versions(self) -> Sequence[Entry]:
        """Return the versions, oldest first."""
        with self.shop.catalog() as catalog:
            return catalog.entries("delay")[::-1]

    def previous(self) -> list[str | None]:
        """Return the version that each version follows."""
        with self.shop.catalog() as catalog:
            found = [previous_version(catalog, entry) for entry in catalog.entries("delay")[::-1]]
        return [entry.ref if entry is not None else None for entry in found]

    def promote(self, ref: str) -> None:
        """Make production name a version."""
        with self.shop.catalog() as catalog:
            entry = resolve(catalog, ref)
            root = self.shop.root
            draft = draft_promotion(catalog, entry, "production", by="ada", reason="good", project_dir=root)
            catalog.registry.decide(draft)


def gate(entry: Entry) -> CheckResult:
    """Return the verdict of the one gate."""
    assert entry.record.evaluation is not None
    (check,) = entry.record.evaluation.checks
    return check


def test_regions_of_a_backfill_are_not_compared_with_one_another(shop: Shop, instance: dg.DagsterInstance) -> None:
    trainings = Trainings(shop, instance, REGIONS)
    for region, auc in (("east", 0.9), ("north", 0.6), ("west", 0.7)):
        assert trainings.run(region, auc).success
    assert [entry.ref for entry in trainings.versions()] == ["delay[east]@1", "delay[north]@2", "delay[west]@3"]
    assert {gate(entry).detail for entry in trainings.versions()} == {"not compared: there is no earlier version"}
    assert trainings.previous() == [None, None, None]
    assert not trainings.run("west", 0.5).success, "it is worse than the one of its region"
    assert gate(trainings.versions()[3]).detail == "roc_auc = 0.5, delay[west]@3: 0.7, tolerance 0.01"
    assert trainings.run("north", 0.61).success
    assert trainings.previous() == [None, None, None, "delay[west]@3", "delay[north]@2"]
    dagster = [entry.record.run.dagster for entry in trainings.versions()]
    assert [run.partition for run in dagster if run] == ["east", "north", "west", "west", "north"]


def test_each_region_has_a_production_of_its_own(shop: Shop, instance: dg.DagsterInstance) -> None:
    trainings = Trainings(shop, instance, REGIONS)
    for region, auc in (("east", 0.9), ("west", 0.7), ("west", 0.72)):
        trainings.run(region, auc)
    trainings.promote("delay[east]")
    trainings.promote("delay@2")
    assert not trainings.run("west", 0.6).success
    entry = trainings.versions()[-1]
    assert gate(entry).detail.startswith("roc_auc = 0.6, delay[west]@2, in production: 0.7")
    with shop.catalog() as catalog:
        assert find_holder(catalog, "delay", "production") is None
        holders = [find_holder(catalog, "delay", "production", identity=region) for region in ("east", "west", "north")]
        assert [holder.version if holder else None for holder in holders] == [1, 2, None]
        labels = [label for label, _ in compared_versions(catalog, entry)]
    assert labels == ["delay[west]@3, the one before", "delay[west]@2, in production"]


def test_dynamic_partitions_are_identities(shop: Shop, instance: dg.DagsterInstance) -> None:
    trainings = Trainings(shop, instance, dg.DynamicPartitionsDefinition(name="stores"))
    instance.add_dynamic_partitions("stores", ["Via Roma 1, Rome", "2026-01-01"])
    for store in ("Via Roma 1, Rome", "2026-01-01", "Via Roma 1, Rome"):
        assert trainings.run(store).success
    assert [entry.identity for entry in trainings.versions()] == ["Via Roma 1, Rome", "2026-01-01", "Via Roma 1, Rome"]
    assert trainings.previous() == [None, None, "delay[Via Roma 1, Rome]@1"]


def test_windows_of_time_follow_one_another_in_whatever_order_they_are_trained(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    trainings = Trainings(shop, instance, DAYS)
    for day, auc in (("2026-03-01", 0.9), ("2026-01-01", 0.6), ("2026-02-01", 0.7)):
        assert trainings.run(day, auc).success, "an earlier day does not have to be as good as a later one"
    assert [entry.ref for entry in trainings.versions()] == ["delay@1", "delay@2", "delay@3"], "a sequence has one name"
    assert trainings.previous() == ["delay@3", None, "delay@2"]
    assert trainings.run("2026-02-01", 0.71).success
    assert trainings.previous() == ["delay@4", None, "delay@2", "delay@2"], "the newest version of the window before"
    partitions = [entry.partition for entry in trainings.versions()]
    assert [str(each.window) for each in partitions if each] == [
        "2026-03-01 05:00:00+00:00",
        "2026-01-01 05:00:00+00:00",
        "2026-02-01 05:00:00+00:00",
        "2026-02-01 05:00:00+00:00",
    ]
    assert gate(trainings.versions()[3]).detail == "roc_auc = 0.71, delay@2: 0.6, tolerance 0.01"


def test_one_production_serves_all_windows_and_an_earlier_one_need_not_beat_it(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    trainings = Trainings(shop, instance, DAYS)
    for day, auc in (("2026-01-01", 0.6), ("2026-02-01", 0.9)):
        trainings.run(day, auc)
    trainings.promote("delay@2")
    assert not trainings.run("2026-03-01", 0.8).success
    assert "delay@2, in production" in gate(trainings.versions()[2]).detail
    assert trainings.run("2026-01-15", 0.7).success
    assert gate(trainings.versions()[3]).detail == "roc_auc = 0.7, delay@1: 0.6, tolerance 0.01"
    with shop.catalog() as catalog:
        assert resolve(catalog, "delay@production").version == 2


def test_of_several_dimensions_time_is_the_sequence_and_the_other_the_identity(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    both = dg.MultiPartitionsDefinition({"day": DAYS, "region": REGIONS})
    trainings = Trainings(shop, instance, both)
    for key in ("2026-01-02|west", "2026-01-02|east", "2026-01-01|west", "2026-01-03|west", "2026-01-03|east"):
        assert trainings.run(key).success
    assert trainings.previous() == ["delay[west]@3", None, None, "delay[west]@1", "delay[east]@2"]
    trainings.promote("delay[west]")
    with shop.catalog() as catalog:
        assert resolve(catalog, "delay[west]@production").ref == "delay[west]@4"


def test_two_dimensions_without_time_are_one_identity_as_dagster_writes_it(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    both = dg.MultiPartitionsDefinition({"region": REGIONS, "grade": dg.StaticPartitionsDefinition(["gold", "tin"])})
    trainings = Trainings(shop, instance, both)
    for grade in ("gold", "tin", "gold"):
        assert trainings.run(str(dg.MultiPartitionKey({"grade": grade, "region": "west"}))).success
    assert [entry.identity for entry in trainings.versions()] == ["gold|west", "tin|west", "gold|west"]
    assert trainings.previous() == [None, None, "delay[gold|west]@1"]


def test_a_range_of_partitions_is_refused_before_anything_is_trained(shop: Shop, instance: dg.DagsterInstance) -> None:
    trainings = Trainings(shop, instance, REGIONS)
    span = {"dagster/asset_partition_range_start": "east", "dagster/asset_partition_range_end": "west"}
    result = trainings.run(None, tags=span)
    assert not result.success
    assert list(result.get_asset_materialization_events()) == []
    said = " ".join(messages(result))
    assert "a run is for one partition of delay, and this one has the range from east to west" in said
    assert "a run for each partition" in said
    assert not (shop.root / ".lineage" / "catalog.db").exists()
    span["dagster/asset_partition_range_end"] = "east"
    assert trainings.run(None, tags=span).success, "a range of one is that partition"
    assert [entry.ref for entry in trainings.versions()] == ["delay[east]@1"]
    assert not trainings.run(None).success
    assert len(trainings.versions()) == 1


def test_a_key_that_no_record_can_hold_is_refused_before_anything_is_trained(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    trainings = Trainings(shop, instance, dg.StaticPartitionsDefinition(["x" * 201, "\u200bhidden"]))
    for key in ("x" * 201, "\u200bhidden"):
        result = trainings.run(key)
        assert not result.success
        assert "not a key that a partition of a model can have" in " ".join(messages(result))
    assert not (shop.root / ".lineage" / "catalog.db").exists()


def messages(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    """Yield what the failed steps say."""
    for event in result.all_events:
        error = event.step_failure_data.error if event.is_step_failure else None
        while error is not None:
            yield error.message
            error = error.cause


def test_the_production_asset_of_a_model_with_regions_promotes_the_region(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    trainings = Trainings(shop, instance, REGIONS)
    for region in ("west", "east"):
        trainings.run(region)
    promoted = promotion_asset(trainings.asset)
    root = shop.resources()
    config = {"ops": {"delay_production": {"config": {"version": 1, "reason": "it is better"}}}}
    assert dg.materialize(
        [promoted], resources=root, instance=instance, partition_key="west", run_config=config
    ).success
    with shop.catalog() as catalog:
        assert resolve(catalog, "delay[west]@production").version == 1
        assert find_holder(catalog, "delay", "production", identity="east") is None


def test_the_production_asset_of_a_model_with_windows_has_no_partitions(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    trainings = Trainings(shop, instance, DAYS)
    trainings.run("2026-01-01")
    promoted = promotion_asset(trainings.asset)
    config = {"ops": {"delay_production": {"config": {"version": 1, "reason": "it is better"}}}}
    assert dg.materialize([promoted], resources=shop.resources(), instance=instance, run_config=config).success
    with shop.catalog() as catalog:
        assert resolve(catalog, "delay@production").version == 1


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (None, False),
        (DAYS, False),
        (REGIONS, True),
        (dg.DynamicPartitionsDefinition(name="stores"), True),
        (dg.MultiPartitionsDefinition({"day": DAYS, "region": REGIONS}), True),
    ],
)
def test_partitions_have_an_identity_unless_they_are_of_time_alone(
    definition: dg.PartitionsDefinition[Any] | None, *, expected: bool
) -> None:
    assert has_identity(definition) is expected
