"""The check of a tracked file fails while data lies in the workspace that nobody has added."""

from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines import build_dvc_sources
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, orders, run
from lineage_pipelines_tests.world import World


class Checks:
    """The checks of the sources as they are now."""

    def __init__(self, shop: Shop, instance: dg.DagsterInstance) -> None:
        self.shop = shop
        self.instance = instance

    def look(self) -> dict[str, str]:
        """Observe, and return what each check that failed says, by the name of its asset."""
        result = run(build_defs(self.shop), "observe", self.instance)
        assert result.success
        found = result.get_asset_check_evaluations()
        assert found
        assert all(each.check_name == "tracked" for each in found)
        return {e.asset_key.to_user_string(): str(e.description) for e in found if not e.passed}


@pytest.fixture
def checks(shop: Shop, instance: dg.DagsterInstance) -> Checks:
    return Checks(shop, instance)


def test_what_was_delivered_and_not_added_is_named_with_the_command(shop: Shop, checks: Checks) -> None:
    assert checks.look() == {}
    shop.world.write("data/orders.csv", orders(320))
    said = "1 file delivered, not `dvc add`ed: data/orders.csv; run dvc add data/orders.csv"
    assert checks.look() == {"data/orders.csv": said}
    shop.world.track("data/orders.csv")
    assert checks.look() == {}


def test_new_files_beside_tracked_ones_are_deliveries(shop: Shop, checks: Checks) -> None:
    shop.world.write("data/orders_2.csv", orders(10))
    shop.world.write("data/orders.csv", orders(320))
    shop.world.write("notes.txt", "not data\n")
    files = "data/orders.csv, data/orders_2.csv"
    assert checks.look() == {"data/orders.csv": f"2 files delivered, not `dvc add`ed: {files}; run dvc add {files}"}
    shop.world.track("data/orders.csv", "data/orders_2.csv")
    assert checks.look() == {}
    shop.world.write("data/orders_2.csv", orders(11))
    assert list(checks.look()) == ["data/orders_2.csv"]


def test_files_of_a_tracked_folder_are_named(shop: Shop, checks: Checks) -> None:
    for month in ("01", "02"):
        shop.world.write(f"raw/2013-{month}.csv", orders(10))
    shop.world.track("raw")
    assert checks.look() == {}
    shop.world.write("raw/2013-02.csv", orders(11))
    shop.world.write("raw/2013-03.csv", orders(10))
    said = "2 files delivered, not `dvc add`ed: raw/2013-02.csv, raw/2013-03.csv; run dvc add raw"
    assert checks.look() == {"raw": said}


def test_what_is_missing_is_no_delivery(shop: Shop, checks: Checks) -> None:
    shop.world.path("data/orders.csv").unlink()
    assert checks.look() == {}


def test_files_of_git_and_of_stages_are_no_deliveries(shop: Shop, checks: Checks) -> None:
    shop.split()
    shop.world.write("data/columns.yaml", "left: whether they left\n")
    shop.world.commit("Describe the columns")
    assert checks.look() == {}


def test_a_project_may_do_without_the_checks(shop: Shop) -> None:
    (source,) = build_dvc_sources(shop.project(), check=False)
    assert not list(source.check_specs)


def test_a_project_without_git_is_checked_too(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    shop = Shop(World(tmp_path / "alone", git=False))
    checks = Checks(shop, instance)
    assert checks.look() == {}
    shop.world.write("data/orders.csv", orders(320))
    assert list(checks.look()) == ["data/orders.csv"]
