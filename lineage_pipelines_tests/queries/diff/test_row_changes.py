"""Which rows came, went or changed, when both snapshots are at hand: what a join in pandas finds."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.errors import LineageError
from lineage_pipelines.queries.diff.changes import Evidence, OverlapChange
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets
from lineage_pipelines.queries.diff.data.overlap import compare_overlaps
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.change import ChangeKind
from lineage_pipelines.queries.diff.explanation.data_layer import overlap_changes
from lineage_pipelines.queries.diff.rows.row_change import Effect, EffectKind, GroupKind, RowChange, RowGroup
from lineage_pipelines.queries.diff.rows.row_changes import compare_rows
from lineage_pipelines.queries.diff.stored_tables import OpenTable, find_tables
from lineage_pipelines.records.statement.file_listing import ListedFile, encode_listing
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines_tests.queries.diff.tables import Stored, record, write_table
from lineage_pipelines_tests.samples import digests
from lineage_pipelines_tests.world import World

RANDOM = np.random.default_rng(23)


def _open(table: pa.Table, size: int = 700) -> OpenTable:
    return OpenTable(table.schema, lambda: iter(table.to_batches(max_chunksize=size)))


def _compare(first: Any, second: Any, **ways: Any) -> RowChange:
    before, after = (pa.table(each) if isinstance(each, dict) else each for each in (first, second))
    names = {name: name for name in after.column_names if name in before.column_names}
    return compare_rows(_open(before), _open(after), names, **ways)


def _group(column: str, kind: GroupKind, values: tuple[str, ...], rows: int) -> RowGroup:
    return RowGroup(column=column, kind=kind, values=values, rows=rows, of=rows, touched=rows)


def _flights(rows: int = 4000) -> dict[str, Any]:
    start = np.datetime64("2013-01-01T00:00:00", "us")
    return {
        "time": start + (np.arange(rows) * (365 * 24 * 60 // rows)).astype("timedelta64[m]"),
        "flight": np.arange(rows) % 37 * 100,
        "origin": np.array(["EWR", "JFK", "LGA"])[np.arange(rows) % 3],
        "temp": np.round(RANDOM.normal(60, 15, rows), 1),
        "late": RANDOM.random(rows) < 0.25,
    }


def test_added_removed_and_changed_rows_are_counted_by_the_key_that_is_found() -> None:
    before = pd.DataFrame(_flights()).reset_index(names="id")
    after = before.drop(index=[3, 700, 2000]).copy()
    after.loc[[10, 11, 12], "temp"] += 1
    after.loc[[12, 13], "late"] = ~after.loc[[12, 13], "late"]
    after = pd.concat([after, after.tail(2).assign(id=[9001, 9002])]).sample(frac=1, random_state=1)
    found = _compare(*(pa.Table.from_pandas(each, preserve_index=False) for each in (before, after)))
    assert found.key in {("id",), ("time",)}
    assert (found.removed, found.changed, found.columns["late"], found.columns["temp"]) == (3, 4, 2, 3)
    assert (found.added, found.same) == (2, 4000 - 3 - 4)


def test_a_key_of_two_columns_is_found_and_a_measure_is_none() -> None:
    store, day = (each.ravel() for each in np.meshgrid(np.arange(40), np.arange(50)))
    order = RANDOM.permutation(2000)
    before = {"store": store[order], "day": day[order], "sold": RANDOM.normal(size=2000)}
    after = {**before, "sold": np.where(before["store"] == 7, 0.0, before["sold"])}
    found = _compare(before, after)
    assert (found.key, found.added, found.removed) == (("day", "store"), 0, 0) or found.key == ("store", "day")
    assert (found.changed, found.columns) == (50, {"sold": 50})
    (cells,) = found.cells
    assert cells.effect == Effect(kind=EffectKind.SET, value=0.0)
    assert cells.group == _group("store", GroupKind.VALUE, ("7",), 50)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (lambda f: f["origin"] == "LGA", ("origin", "LGA")),
        (lambda f: f["time"].astype("M8[M]") == np.datetime64("2013-07"), ("time", "2013-07")),
    ],
)
def test_it_is_told_where_the_changes_gather(where: Any, expected: tuple[str, str]) -> None:
    before = {"id": np.arange(4000), **_flights()}
    touched = where(before)
    after = {**before, "temp": np.where(touched, before["temp"] - 40, before["temp"])}
    found = _compare(before, after, key=["id"])
    assert found.cells[0].group == _group(expected[0], GroupKind.VALUE, expected[1:], touched.sum())


def test_changes_all_over_gather_nowhere() -> None:
    before = {"id": np.arange(4000), **_flights()}
    found = _compare(before, {**before, "temp": before["temp"] + 1})
    assert (found.changed, found.columns, found.cells[0].group) == (4000, {"temp": 4000}, None)


def test_repeated_rows_are_added_rows() -> None:
    before = pa.table({"id": np.arange(100), "x": RANDOM.normal(size=100)})
    after = pa.concat_tables([before, before.slice(5, 7)])
    found = _compare(before, after)
    assert (found.key, found.added, found.changed, found.same) == (("id",), 7, 0, 100)


def test_without_a_key_whole_rows_are_compared() -> None:
    before, after = {"x": [0.5, 0.5, 1.5, None]}, {"x": [0.5, 1.5, 1.5, None]}
    assert _compare(before, after) == RowChange(key=(), added=1, removed=1, changed=0, same=3, compared=1)


def test_renamed_and_retyped_columns_are_the_same_rows() -> None:
    before, after = pa.table({"n": [1, 2, 3], "x": ["a", "b", "c"]}), pa.table({"m": [3.0, 1.0, 2.0], "x": list("cab")})
    found = compare_rows(_open(before), _open(after), {"m": "n", "x": "x"})
    assert (found.added, found.removed, found.changed, found.same) == (0, 0, 0, 3)


def test_a_declared_key_that_is_not_there_is_refused() -> None:
    with pytest.raises(LineageError, match="not in both"):
        _compare({"x": [1]}, {"x": [1]}, key=["id"])


def test_data_that_cannot_be_read_to_its_end_is_told() -> None:
    def fails() -> Any:
        yield pa.record_batch({"x": [1]})
        raise OSError("gone")

    table = pa.table({"x": [1, 2]})
    with pytest.raises(LineageError, match="cannot be read"):
        compare_rows(OpenTable(table.schema, fails), _open(table), {"x": "x"})


def test_odd_columns_do_no_harm() -> None:
    raw = pa.array([b"\xff\xfe", b"a", b"\xff"]).cast(pa.binary())
    text = pa.StringArray.from_buffers(3, *raw.buffers()[1:])
    odd = {"<b>\n": text, "nested": [[1], [2], [3]], "nothing": pa.nulls(3), "id": [1, 2, 3], "": [True, None, False]}
    found = _compare(odd, {**odd, "<b>\n": text.take(pa.array([1, 1, 2]))})
    assert (found.changed, found.columns) == (1, {"<b>\n": 1})
    assert _compare({"nested": [[1]]}, {"nested": [[1]]}).key == ()


def test_many_columns_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage_pipelines.queries.diff.rows.cell_differences._MAX_WORDS", 100)
    before = {"id": np.arange(60), **{f"c{i}": np.arange(60) * i for i in range(50)}}
    after = {**before, **{f"c{i}": before[f"c{i}"] + (np.arange(60) < i) for i in (7, 33, 49)}}
    found = _compare(before, after, key=["id"])
    assert found.columns == {"c49": 49, "c33": 33, "c7": 7}


_ROWS = st.dictionaries(
    st.integers(0, 40), st.tuples(st.sampled_from("ab"), st.integers(0, 2) | st.none()), max_size=30
)


def _table(rows: dict[int, tuple[str, int | None]]) -> pa.Table:
    columns = [list(rows), [each[0] for each in rows.values()], [each[1] for each in rows.values()]]
    kinds = (pa.int64(), pa.string(), pa.float64())
    return pa.table({n: pa.array(c, k) for n, c, k in zip(("id", "word", "x"), columns, kinds, strict=True)})


@given(first=_ROWS, second=_ROWS)
def test_rows_are_counted_as_dictionaries_count_them_both_ways(
    first: dict[int, tuple[str, int | None]], second: dict[int, tuple[str, int | None]]
) -> None:
    there, back = (
        _compare(_table(one), _table(other), key=["id"]) for one, other in ((first, second), (second, first))
    )
    both = first.keys() & second.keys()
    changed = [key for key in both if first[key] != second[key]]
    assert there.added == len(second.keys() - first.keys())
    assert there.removed == len(first.keys() - second.keys())
    assert (there.changed, there.same) == (len(changed), len(both) - len(changed))
    expected = {n: sum(first[k][i] != second[k][i] for k in changed) for i, n in enumerate(("word", "x"))}
    assert there.columns == {name: count for name, count in expected.items() if count}
    assert (back.added, back.removed) == (there.removed, there.added)
    assert (back.changed, back.columns, back.same) == (there.changed, there.columns, there.same)
    assert back.repeated == there.repeated[::-1]


# The data at hand


def _tracked(world: World, stored: Stored, path: str, table: pa.Table) -> Any:
    """The snapshot of a file that DVC keeps."""
    file = world.path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    write_table(table, file)
    world.track(path)
    data = file.read_bytes()
    snapshot = stored.snapshot(table, path=path)
    digest = dataclasses.replace(
        snapshot.digest, md5=hashlib.md5(data).hexdigest(), sha256=hashlib.sha256(data).hexdigest()
    )
    return dataclasses.replace(snapshot, digest=digest)


@pytest.mark.parametrize("path", ["data/t.parquet", "data/t.feather"])
def test_both_snapshots_are_found_in_the_cache_and_compared(world: World, path: str) -> None:
    stored, table = Stored(), pa.table({"id": np.arange(50), **{n: v[:50] for n, v in _flights(100).items()}})
    first = _tracked(world, stored, path, table)
    second = _tracked(world, stored, path, table.slice(0, 40))
    tables = find_tables(world.root)
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=stored, open_tables=tables))
    assert change.evidence is Evidence.DATA
    assert change.row_change is not None
    assert (change.row_change.removed, change.row_change.same) == (10, 40)
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=stored))
    assert (change.evidence, change.row_change) == (Evidence.PROFILES, None)


def test_data_that_is_gone_or_altered_is_not_compared_and_that_is_said(world: World) -> None:
    stored, table = Stored(), pa.table({"id": np.arange(50)})
    first = _tracked(world, stored, "data/t.parquet", table)
    second = _tracked(world, stored, "data/t.parquet", table.slice(0, 40))
    tables = find_tables(world.root)
    kept = world.cached(first.digest.md5)
    kept.chmod(0o600)
    kept.write_bytes(b"otherwise")
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=stored, open_tables=tables))
    assert (change.evidence, change.row_change) == (Evidence.PROFILES, None)
    assert "before: was altered" in change.weaker
    kept.unlink()
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=stored, open_tables=tables))
    assert "rows were not compared: before" in change.weaker
    nameless = dataclasses.replace(first, digest=dataclasses.replace(first.digest, md5=None))
    (change,) = compare_datasets(record(nameless), record(second), Ways(blobs=stored, open_tables=tables))
    assert "MD5 was not recorded" in change.weaker


def test_a_folder_of_files_is_one_table(world: World) -> None:
    stored, snapshots = Stored(), []
    for rows in (30, 20):
        for part in range(2):
            file = world.path(f"data/parts/{part}.parquet")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            write_table(pa.table({"id": np.arange(rows) + 100 * part}), file)
        world.track("data/parts")
        text = world.path("data/parts.dvc").read_text()
        md5 = text.split("md5: ")[1].split()[0]
        snapshot = stored.snapshot({"id": np.arange(2 * rows)}, path="data/parts")
        snapshots.append(
            dataclasses.replace(snapshot, digest=dataclasses.replace(snapshot.digest, md5=md5, sha256=None))
        )
    ways = Ways(blobs=stored, open_tables=find_tables(world.root))
    (change,) = compare_datasets(record(snapshots[0]), record(snapshots[1]), ways)
    assert change.row_change is not None
    assert (change.row_change.removed, change.row_change.same) == (20, 40)


def test_what_is_in_no_project_is_not_compared(tmp_path: Path) -> None:
    with find_tables(tmp_path)(Stored().snapshot({"x": [1]})) as found:
        assert isinstance(found, str)
        assert "DVC project" in found


# Columns that moved along the rows, rows that are in two datasets, and who is told what is read


@pytest.mark.parametrize("rows", [1, -1, 2])
@pytest.mark.parametrize("keyed", [True, False])
def test_a_column_that_moved_along_the_rows_is_named(rows: int, keyed: bool) -> None:
    table = {name: values for name, values in _flights().items() if keyed or name in ("temp", "late")}
    after = {**table, "temp": np.roll(table["temp"], rows)}
    assert _compare(table, after).shifted == {"temp": rows}
    assert _compare(after, table).shifted == {"temp": -rows}


def test_a_column_that_moved_before_rows_were_left_out_and_sorted_is_named_too() -> None:
    table = pa.table({"id": np.arange(4000), **_flights()})
    moved = table.set_column(4, "temp", pa.array(np.roll(table["temp"].to_numpy(), 1)))
    kept = pa.array(RANDOM.random(4000) < 0.8)
    before, after = table.filter(kept), moved.filter(kept).sort_by([("temp", "ascending")])
    assert _compare(before, after).shifted == {"temp": 1}


@pytest.mark.parametrize("other", ["shuffled", "scaled", "constant", "sorted"])
def test_what_differs_otherwise_has_not_moved_along_the_rows(other: str) -> None:
    table = {"id": np.arange(4000), **_flights()}
    values: Any = {
        "shuffled": RANDOM.permutation(table["temp"]),
        "scaled": table["temp"] * 2,
        "constant": table["temp"] * 0,
        "sorted": np.sort(table["temp"]),
    }
    assert _compare(table, {**table, "temp": values[other]}).shifted == {}


def _trained_and_measured(before: pa.Table, after: pa.Table, train: pa.Table) -> tuple[Any, ...]:
    stored, tables = Stored(), {}
    records = []
    for test in (before, after):
        data = []
        for name, table in (("train", train), ("test", test)):
            snapshot = stored.snapshot(table, name)
            tables[snapshot.digest.sha256] = table
            data.append(snapshot)
        records.append(record(*data))

    @contextlib.contextmanager
    def open_table(snapshot: Any) -> Any:
        yield _open(tables[snapshot.digest.sha256])

    first, second = records
    return compare_overlaps(first, second, stored), compare_overlaps(first, second, stored, open_table)


def test_rows_that_are_trained_and_measured_on_are_counted_without_a_gate() -> None:
    table = pa.table({"id": np.arange(4000), **_flights()})
    train, test = table.slice(0, 3000), table.slice(3000)
    mixed = pa.concat_tables([test.slice(0, 800), train.slice(100, 200)])
    recorded, read = _trained_and_measured(test, mixed, train)
    assert recorded == ()
    assert read == (OverlapChange(measured="test", trained="train", shared=(0, 200), rows=(1000, 1000)),)
    (found,) = overlap_changes(read[0])
    assert (found.kind, found.subject, found.before, found.after) == (ChangeKind.ROWS_SHARED, "test", 0, 200)
    assert change_text(found) == "200 of 1,000 rows of test are in train as well (0 before)"
    (gone,) = overlap_changes(dataclasses.replace(read[0], shared=(200, 0)))
    assert change_text(gone) == "no row of test is in train as well; 200 were before"


def test_that_all_rows_are_trained_on_is_known_from_what_is_recorded() -> None:
    table = pa.table({"id": np.arange(4000), **_flights()})
    train, test = table.slice(0, 3000), table.slice(3000)
    turned = train.take(pa.array(np.arange(3000)[::-1].copy()))
    recorded, _ = _trained_and_measured(test, turned, train)
    assert [each.shared for each in recorded] == [(None, 3000)]
    (found,) = overlap_changes(recorded[0])
    assert (change_text(found), found.score) == ("all rows of test are in train as well", scores.ALL_TRAINED_ON)
    assert _trained_and_measured(test, test.slice(0, 900), train)[0] == ()


def test_who_reads_rows_is_told(world: World) -> None:
    stored, table = Stored(), pa.table({"id": np.arange(50), **{n: v[:50] for n, v in _flights(100).items()}})
    first = _tracked(world, stored, "data/t.feather", table)
    second = _tracked(world, stored, "data/t.feather", table.slice(0, 40))
    told: list[tuple[str, int]] = []
    tables = find_tables(world.root, lambda name, rows: told.append((name, rows)))
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=stored, open_tables=tables))
    assert change.row_change is not None
    assert {name for name, _ in told} == {"train"}
    assert sum(rows for _, rows in told) >= 90


_STATIONS: list[dict[str, Any]] = [
    {"id": f"s{n}", "district": ["north", "port"][n % 2], "docks": 10 + 3 * n} for n in range(40)
]


@pytest.mark.parametrize(
    "shape",
    [
        lambda rows: rows,
        lambda rows: {"stations": rows},
        lambda rows: {row["id"]: {name: row[name] for name in ("district", "docks")} for row in rows},
    ],
)
def test_a_json_file_with_a_list_of_objects_is_compared(world: World, shape: Callable[[Any], Any]) -> None:
    """A delivery of which only the bytes are recorded."""
    snapshots = []
    port = [{**each, "docks": each["docks"] * 10} if each["district"] == "port" else each for each in _STATIONS]
    for rows in (_STATIONS, port):
        file = world.write("data/stations.json", json.dumps(shape(rows), indent=1))
        world.track("data/stations.json")
        md5 = hashlib.md5(file.read_bytes()).hexdigest()
        bare = dataclasses.replace(Stored().snapshot({"x": [1]}, path="data/stations.json"), profile=None, rows=None)
        snapshots.append(
            dataclasses.replace(
                bare, schema=(), role="source", digest=dataclasses.replace(bare.digest, md5=md5, sha256=None)
            )
        )
    ways = Ways(blobs=Stored(), open_tables=find_tables(world.root))
    (change,) = compare_datasets(record(snapshots[0]), record(snapshots[1]), ways)
    assert change.row_change is not None, change.weaker
    (cells,) = change.row_change.cells
    assert (cells.columns, cells.effect.kind, cells.effect.ratio) == (("docks",), EffectKind.SCALED, 10.0)
    assert cells.group == _group("district", GroupKind.VALUE, ("port",), 20)


def test_files_that_are_measured_and_trained_on_are_counted() -> None:
    """Labels beside pictures are alike in many places: they are no pictures."""
    stored = Stored()
    labels = [ListedFile(f"{n}.json", f"{n % 2:032x}", 9) for n in range(6)]
    test = [*labels, *(ListedFile(f"{n}.png", f"{n + 50:032x}", 900) for n in range(6))]
    alone = [*labels, ListedFile("a.png", f"{90:032x}", 900)]
    records = []
    for train in (alone, [*alone, ListedFile("copy.png", test[-1].md5, 900), ListedFile("b.png", test[-2].md5, 900)]):
        folders = []
        for name, files in (("test", test), ("train", train)):
            listing = encode_listing(files)
            stored.blobs[Digest.of(listing)] = listing
            facts: dict[str, Any] = {"rows": None, "profile": None, "listing": Digest.of(listing)}
            folders.append(stored.snapshot({"x": [1]}, name, **facts))
        folders[1] = dataclasses.replace(folders[1], digest=digests(str(len(train))))
        records.append(record(*folders))
    (found,) = compare_overlaps(records[0], records[1], stored)
    assert found == OverlapChange(measured="test", trained="train", shared=(0, 2), rows=(12, 12), files=True)
    (change,) = overlap_changes(found)
    assert change_text(change) == "2 of 12 files of test are in train as well (0 before)"
