"""Inputs by partition: each reads its own file, and its record names it."""

from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import LineageError, model_asset, no_worse
from lineage_pipelines.orchestration.training.partitions.partition_path import matching_outputs
from lineage_pipelines.queries.registry.baseline import previous_version
from lineage_pipelines_tests.orchestration.shop import Shop, orders
from lineage_pipelines_tests.orchestration.test_partitioned_runs import DELAY, REGIONS, messages

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2026-01", end_date="2026-05", fmt="%Y-%m")
KEYS = ["2026-01", "2026-02", "2026-03"]


class Months:
    """A model that is trained as of each month, on the orders of that month."""

    def __init__(self, shop: Shop, instance: dg.DagsterInstance, *, whole: bool) -> None:
        self.shop, self.instance = shop, instance
        shop.world.write(f"{shop.module_name}.py", DELAY)
        for number, key in enumerate(KEYS):
            shop.world.write(f"data/monthly/{key}.csv", orders(100 + number))
        shop.world.track(*(["data/monthly"] if whole else [f"data/monthly/{key}.csv" for key in KEYS]))
        shop.world.commit("A model of months")
        self.asset = self.declare("data/monthly/{partition}.csv", MONTHS)

    def declare(self, path: str, partitions: dg.PartitionsDefinition[Any] | None) -> dg.AssetsDefinition:
        declare = model_asset(
            project=self.shop.project(),
            inputs={"orders": path},
            checks=[no_worse(roc_auc=0.01)],
            partitions_def=partitions,
        )
        return declare(self.shop.module().delay)

    def train(self, key: str) -> dg.ExecuteInProcessResult:
        """Train as one run of a backfill does."""
        return dg.materialize(
            [self.asset],
            resources=self.shop.resources(),
            instance=self.instance,
            partition_key=key,
            tags={"dagster/backfill": "abcdefgh"},
            raise_on_error=False,
        )


@pytest.mark.parametrize("whole", [True, False], ids=["a tracked folder", "tracked files"])
def test_a_backfill_makes_a_version_a_month_each_of_its_own_data(
    shop: Shop, instance: dg.DagsterInstance, *, whole: bool
) -> None:
    months = Months(shop, instance, whole=whole)
    deps = {dep.asset_key.to_user_string() for dep in months.asset.get_asset_spec().deps}
    files = {f"data/monthly/{key}.csv" for key in KEYS}
    assert deps == ({"data/monthly"} if whole else files)
    for key in ("2026-03", "2026-01", "2026-02"):
        result = months.train(key)
        assert result.success
        (event,) = result.asset_materializations_for_node("delay")
        own = "data/monthly" if whole else f"data/monthly/{key}.csv"
        md5 = shop.project().recorded(f"data/monthly/{key}.csv").content.md5
        assert (event.tags or {})[f"dagster/input_data_version/{own}"] == md5
    with shop.catalog() as catalog:
        entries = catalog.entries("delay")[::-1]
        read = [(each.record.data[0].path, each.record.data[0].rows) for each in entries]
        previous = [before.version if (before := previous_version(catalog, each)) else None for each in entries]
    assert read == [
        ("data/monthly/2026-03.csv", 102),
        ("data/monthly/2026-01.csv", 100),
        ("data/monthly/2026-02.csv", 101),
    ]
    assert previous == [3, None, 2], "each follows the next earlier month, whenever it was trained"


def test_a_file_that_is_tracked_later_is_no_asset_yet(shop: Shop, instance: dg.DagsterInstance) -> None:
    months = Months(shop, instance, whole=False)
    shop.world.write("data/monthly/2026-04.csv", orders(104))
    shop.world.track("data/monthly/2026-04.csv")
    assert months.train("2026-04").success
    months.asset = months.declare("data/monthly/{partition}.csv", MONTHS)
    assert months.train("2026-04").success
    with shop.catalog() as catalog:
        read = [(each.record.data[0].rows, each.record.data[0].asset_key) for each in catalog.entries("delay")[::-1]]
    assert read == [(104, None), (104, "data/monthly/2026-04.csv")]


def test_checks_are_those_of_the_partition(shop: Shop, instance: dg.DagsterInstance) -> None:
    months = Months(shop, instance, whole=True)
    for key in KEYS[:2]:
        result = months.train(key)
        (check,) = result.get_asset_check_evaluations()
        assert (check.check_name, check.partition, check.passed) == ("no_worse_roc_auc", key, True)


def test_a_month_without_data_is_refused_by_its_path(shop: Shop, instance: dg.DagsterInstance) -> None:
    months = Months(shop, instance, whole=True)
    result = months.train("2026-04")
    assert not result.success
    assert "the recorded 'data/monthly' holds no '2026-04.csv'" in " ".join(messages(result))
    with shop.catalog() as catalog:
        assert not catalog.entries("delay")


def test_dimensions_are_fields(shop: Shop, instance: dg.DagsterInstance) -> None:
    for region in ("east", "west"):
        for key in KEYS:
            shop.world.write(f"data/by_region/{region}/{key}.csv", orders(60 + len(region)))
    shop.world.track("data/by_region/east", "data/by_region/west")
    months = Months(shop, instance, whole=True)
    both = dg.MultiPartitionsDefinition({"month": MONTHS, "region": REGIONS})
    months.asset = months.declare("data/by_region/{region}/{month}.csv", both)
    assert months.train("2026-02|west").success
    with shop.catalog() as catalog:
        (entry,) = catalog.entries("delay")
    assert (entry.ref, entry.record.data[0].path) == ("delay[west]@1", "data/by_region/west/2026-02.csv")
    assert entry.record.data[0].asset_key == "data/by_region/west"


@pytest.mark.parametrize(
    ("path", "partitions", "said"),
    [
        ("data/monthly/{partition}.csv", None, "give the model partitions"),
        ("data/monthly/{month}.csv", MONTHS, "the fields of its partitions are {partition}"),
        ("data/daily/{partition}.csv", MONTHS, "is neither tracked by DVC nor an output of a stage"),
    ],
)
def test_a_path_that_no_partition_has_is_refused(
    shop: Shop, instance: dg.DagsterInstance, path: str, partitions: Any, said: str
) -> None:
    months = Months(shop, instance, whole=True)
    with pytest.raises(LineageError) as raised:
        months.declare(path, partitions)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("raw/{partition}.csv", ("raw/a.csv", "raw/b.csv")),
        ("raw/a.csv", ("raw/a.csv",)),
        ("days/{partition}/train.csv", ("days/1", "days/2")),
        ("days/{partition}", ("days/1", "days/2")),
        ("all/deep/{partition}.csv", ("all",)),
        ("raw/{partition}", ("raw/a.csv", "raw/b.csv")),
        ("raw", ()),
        ("other/{partition}.csv", ()),
    ],
)
def test_outputs_that_a_path_may_lie_in(path: str, found: tuple[str, ...]) -> None:
    assert matching_outputs(path, ["raw/a.csv", "raw/b.csv", "days/1", "days/2", "all"]) == found
