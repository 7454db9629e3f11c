"""A dataset's change falls into groups of its rows, and tables in between hold just the rows that they should."""

from pathlib import Path

import pandas as pd
import pytest

from lineage_pipelines.replay.mix_design import data_parts, mix, recipe
from lineage_pipelines.replay.row_groups import BY_COLUMNS, divide, write_between
from lineage_pipelines_tests.replay.conftest import Trained


def _orders(*, changed: tuple[str, ...] = (), more: int = 0) -> pd.DataFrame:
    rows = [(f"2013-{i % 4 + 1:02}-{i % 27 + 1:02}", "Rome" if i % 2 else "Oslo", i, i % 3) for i in range(80 + more)]
    table = pd.DataFrame(rows, columns=["day", "city", "amount", "left"])
    table["day"] = pd.to_datetime(table["day"])
    table.loc[table["day"].dt.strftime("%Y-%m").isin(changed), "amount"] += 1000
    return table


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_months_that_differ_are_found_and_mixed(tmp_path: Path, suffix: str) -> None:
    old, new = _orders(), _orders(changed=("2013-02", "2013-03"))
    if suffix == ".csv":  # where times are text
        old, new = (table.assign(month=table["day"].dt.strftime("%Y-%m")).drop(columns="day") for table in (old, new))
    before, after = tmp_path / f"before{suffix}", tmp_path / f"orders{suffix}"
    for table, path in ((old, before), (new, after)):
        table.to_parquet(path) if suffix == ".parquet" else table.to_csv(path, index=False)
    found = divide(before, after)
    assert found is not None
    assert found.column == ("day" if suffix == ".parquet" else "month")
    assert found.groups == ("2013-02", "2013-03")
    into = tmp_path / "between"
    into.mkdir()
    path = write_between(before, after, found.column, ["2013-03"], into)
    mixed = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path)
    months = mixed["day"].dt.strftime("%Y-%m") if suffix == ".parquet" else mixed["month"]
    assert set(months[mixed["amount"] >= 1000]) == {"2013-03"}
    assert len(mixed) == len(old)
    everything = write_between(before, after, found.column, found.groups, into)
    again = pd.read_parquet(everything) if suffix == ".parquet" else pd.read_csv(everything)
    whole = pd.read_parquet(after) if suffix == ".parquet" else pd.read_csv(after)
    order = list(whole.columns)
    pd.testing.assert_frame_equal(
        again.sort_values(order, ignore_index=True), whole.sort_values(order, ignore_index=True)
    )


def test_where_rows_do_not_divide_it_columns_do(tmp_path: Path) -> None:
    before, after = tmp_path / "before.parquet", tmp_path / "orders.parquet"
    old = _orders()
    new = old.assign(amount=old["amount"] * 2, left=1 - old["left"])
    old.to_parquet(before)
    new.to_parquet(after)
    found = divide(before, after)
    assert found is not None
    assert (found.column, found.groups) == (BY_COLUMNS, ("amount", "left"))
    into = tmp_path / "between"
    into.mkdir()
    mixed = pd.read_parquet(write_between(before, after, BY_COLUMNS, ["left"], into))
    pd.testing.assert_frame_equal(mixed, old.assign(left=new["left"]))
    everything = pd.read_parquet(write_between(before, after, BY_COLUMNS, found.groups, into))
    pd.testing.assert_frame_equal(everything, new)


def test_what_does_not_divide_stays_whole(tmp_path: Path) -> None:
    before, after = tmp_path / "before.parquet", tmp_path / "after.parquet"
    _orders().to_parquet(before)
    for other in (_orders(), _orders(changed=("2013-02",)), _orders().rename(columns={"amount": "sum"})):
        other.to_parquet(after)
        assert divide(before, after) is None


def test_a_mix_of_groups_is_another_recipe(shop: Trained) -> None:
    record = shop.train().record
    parts = {each.part.name: each for each in data_parts(record, "train", "city", ["Oslo", "Rome"])}
    oslo, rome = sorted(parts)
    recipes = [
        recipe(mix(record, record, parts, frozenset(names)))
        for names in ([], [oslo], [rome], [rome, oslo], [oslo, rome])
    ]
    assert len(set(recipes)) == 4
    assert recipes[3] == recipes[4]
