"""Which row is which: by key, by place, by the columns that did not change, or not at all."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lineage_pipelines.queries.diff.rows.row_change import (
    Alignment,
    Effect,
    EffectKind,
    GroupKind,
    RowChange,
    RowGroup,
    Way,
)
from lineage_pipelines.queries.diff.rows.row_changes import compare_rows
from lineage_pipelines.queries.diff.stored_tables import OpenTable, find_tables
from lineage_pipelines_tests.queries.diff.tables import Stored, compare_frames
from lineage_pipelines_tests.world import World

RANDOM = np.random.default_rng(17)


def _measures(rows: int = 300) -> pd.DataFrame:
    """Rows that nothing names."""
    return pd.DataFrame(
        {f"m{number}": RANDOM.normal(size=rows) for number in range(4)} | {"late": RANDOM.random(rows) < 0.3}
    )


def _customers() -> pd.DataFrame:
    rows = 300
    return pd.DataFrame(
        {
            "customer": [f"{number:06d}" for number in range(rows)],
            "city": RANDOM.choice(["Bern", "Graz", "Ulm"], rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(RANDOM.integers(0, 900, rows), "D"),
            "weight": RANDOM.normal(70, 9, rows).round(1),
        }
    )


def _counts(found: RowChange) -> tuple[int, int, int, int]:
    return found.added, found.removed, found.changed, found.same


def test_rows_without_a_key_that_kept_their_order_are_the_same_rows() -> None:
    before = _measures()
    after = pd.concat([before.assign(m1=before.m1 * 2), _measures(20)], ignore_index=True)
    found = compare_frames(before, after)
    assert (found.key, found.aligned, _counts(found)) == ((), Alignment.POSITION, (20, 0, 300, 0))
    assert [(each.columns, each.effect.ratio) for each in found.cells] == [(("m1",), 2.0)]
    assert found.added_group == RowGroup(column="", kind=GroupKind.LAST, rows=20, of=20, touched=20)
    back = compare_frames(after, before)
    assert (back.aligned, _counts(back)) == (Alignment.POSITION, (0, 20, 300, 0))
    assert back.removed_group == found.added_group


def test_rows_in_another_order_are_known_by_the_columns_that_did_not_change() -> None:
    before = _measures()
    after = before.assign(m1=-before.m1).sample(frac=1, random_state=2)
    found = compare_frames(before, after)
    assert (found.aligned, _counts(found)) == (Alignment.UNCHANGED_COLUMNS, (0, 0, 300, 0))
    assert [(each.columns, each.effect.ratio) for each in found.cells] == [(("m1",), -1.0)]


def test_rows_that_nothing_tells_apart_have_no_changed_cells() -> None:
    before, after = _measures(), _measures()
    found = compare_frames(before, after)
    assert (found.aligned, _counts(found), found.cells) == (Alignment.NONE, (300, 300, 0, 0), ())


def test_other_rows_with_another_key_are_added_and_removed() -> None:
    before = _customers()
    after = _customers().assign(customer=[f"{number:06d}" for number in range(900, 1200)])
    assert _counts(compare_frames(before, after)) == (300, 300, 0, 0)


@pytest.mark.parametrize("city", [None, "Aarau"])
def test_customers_that_are_listed_twice_repeat_the_key_that_was_unique(city: str | None) -> None:
    before = _customers()
    again = before[:60] if city is None else before[:60].assign(city=city)
    after = pd.concat([before, again])
    found = compare_frames(before, after)
    assert (found.key, found.aligned, found.repeated) == (("customer",), Alignment.KEY, (0, 60))
    assert (_counts(found), found.cells) == ((60, 0, 0, 300), ())
    back = compare_frames(after, before)
    assert (back.key, back.repeated, _counts(back)) == (("customer",), (60, 0), (0, 60, 0, 300))
    if city:
        assert found.added_group is not None
        assert (found.added_group.column, found.added_group.values) == ("city", ("Aarau",))


def test_more_days_of_the_same_stores_repeat_no_key() -> None:
    store, day = (each.ravel() for each in np.meshgrid(np.arange(40), np.arange(5)))
    after = pd.DataFrame({"store": store, "day": day, "sold": RANDOM.normal(size=200)})
    found = compare_frames(after[after.day == 0], after)
    assert (set(found.key), found.repeated, _counts(found)) == ({"store", "day"}, (0, 0), (160, 0, 0, 40))


def test_a_key_that_changed_in_some_rows_is_a_changed_cell() -> None:
    before = _customers()
    after = before.assign(
        customer=[text.lstrip("0") if number > 199 else text for number, text in enumerate(before.customer)]
    )
    found = compare_frames(before, after.sample(frac=1, random_state=4))
    assert (found.key, _counts(found)) == (("customer",), (0, 0, 100, 200))
    assert [(each.columns, each.effect) for each in found.cells] == [
        (("customer",), Effect(kind=EffectKind.ZEROS, way=Way.LOST))
    ]


def test_a_key_that_changed_in_every_row_is_a_changed_cell() -> None:
    before = _customers().assign(customer=np.arange(300) + 1000)
    found = compare_frames(before, before.assign(customer=before.customer + 50_000))
    assert (found.aligned, _counts(found)) == (Alignment.POSITION, (0, 0, 300, 0))
    assert [(each.columns, each.effect.offset) for each in found.cells] == [(("customer",), 50_000.0)]


def test_a_time_of_a_regular_series_that_moved_is_no_key() -> None:
    hours = pd.date_range("2025-01-01", periods=300, freq="h")
    before = pd.DataFrame({"at": hours, "a": RANDOM.normal(size=300), "b": RANDOM.normal(size=300)})
    found = compare_frames(before, before.assign(at=hours + pd.Timedelta(hours=2)))
    assert (found.aligned, [each.columns for each in found.cells]) == (Alignment.POSITION, [("at",)])
    assert found.cells[0].effect.offset == 7200.0


def test_keys_beyond_what_a_double_holds_tell_rows_apart() -> None:
    before = pd.DataFrame({"id": 2**60 + np.arange(200), "x": RANDOM.normal(size=200)})
    found = compare_frames(before, before.assign(x=np.where(np.arange(200) == 7, 0.0, before.x))[::-1])
    assert (found.key, _counts(found)) == (("id",), (0, 0, 1, 199))


@pytest.mark.parametrize(
    ("where", "column", "values"),
    [
        (lambda t: t.city == "Ulm", "city", ("Ulm",)),
        (lambda t: t.since >= "2021-06-01", "since", None),
        (lambda t: t.weight <= 60, "weight", ("", "60")),
    ],
)
def test_rows_that_are_gone_or_new_are_told_as_a_group(where: Any, column: str, values: tuple[str, ...] | None) -> None:
    table = _customers()
    table.loc[0, "weight"] = 60.0
    mask = where(table)
    gone, new = compare_frames(table, table[~mask]).removed_group, compare_frames(table[~mask], table).added_group
    assert gone == new
    assert gone is not None
    assert (gone.column, gone.rows, gone.of, gone.touched) == (column, mask.sum(), mask.sum(), mask.sum())
    assert values is None or gone.values == values


def test_rows_that_are_gone_at_random_are_no_group() -> None:
    table = _customers()
    found = compare_frames(table, table.sample(frac=0.85, random_state=1))
    assert (found.removed, found.removed_group) == (45, None)


def test_a_group_of_few_rows_keeps_its_values_to_itself() -> None:
    table = _customers()
    table.loc[:3, "city"] = "Chur"
    found = compare_frames(table, table[table.city != "Chur"])
    assert found.removed_group == RowGroup(column="city", kind=GroupKind.VALUE, rows=4, of=4, touched=4)


def _written(world: World, stored: Stored, table: pd.DataFrame, **written: Any) -> Any:
    file = world.path("data/customers.csv")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    table.to_csv(file, index=False, **written)
    world.track("data/customers.csv")
    md5 = world.path("data/customers.csv.dvc").read_text().split("md5: ")[1].split()[0]
    snapshot = stored.snapshot(pa.Table.from_pandas(table, preserve_index=False), path="data/customers.csv")
    return replace(snapshot, digest=replace(snapshot.digest, md5=md5, sha256=None))


def test_leading_zeros_of_a_number_in_a_text_file_are_seen(world: World) -> None:
    stored, before = Stored(), _customers()
    after = before.assign(customer=[text.lstrip("0") or "0" for text in before.customer])
    first, second = _written(world, stored, before), _written(world, stored, after)
    tables = find_tables(world.root, lambda _name, _rows: None)
    with tables(first) as one, tables(second) as other:
        assert isinstance(one, OpenTable)
        assert isinstance(other, OpenTable)
        assert str(one.schema.field("customer").type) == "int64"
        found = compare_rows(one, other, {name: name for name in before.columns})
    assert [(each.columns, each.rows, each.effect) for each in found.cells] == [
        (("customer",), 300, Effect(kind=EffectKind.ZEROS, way=Way.LOST))
    ]


def test_a_column_that_is_text_on_one_side_is_compared_as_text() -> None:
    before = _customers().assign(grade=RANDOM.integers(1, 6, 300))
    after = before.assign(grade=before.grade.astype(str).where(np.arange(300) > 20, "n/a"))
    found = compare_frames(before, after)
    assert (found.columns, found.cells[0].effect) == ({"grade": 21}, Effect(kind=EffectKind.SET, value="n/a"))
