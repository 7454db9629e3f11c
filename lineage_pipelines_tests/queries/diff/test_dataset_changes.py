"""What became of each dataset, from recorded profiles: every one once, and the same the other way round."""

import contextlib
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.queries.diff.changes import ColumnChange, DatasetChange, Evidence, Kind
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets, compare_sources
from lineage_pipelines.queries.diff.stored_tables import find_listings
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, TrackedSource
from lineage_pipelines.records.values.canonical import canonical_bytes
from lineage_pipelines.records.values.digest import Digest, DigestSet
from lineage_pipelines_tests.queries.diff.tables import Stored, compare, record
from lineage_pipelines_tests.samples import digests, make_record
from lineage_pipelines_tests.world import World

RANDOM = np.random.default_rng(11)


def _flights(rows: int = 3000) -> dict[str, Any]:
    return {
        "id": np.arange(rows),
        "origin": RANDOM.choice(["EWR", "JFK", "LGA"], rows, p=[0.4, 0.35, 0.25]),
        "temp": np.round(RANDOM.normal(60, 15, rows), 1),
        "delay": RANDOM.exponential(30, rows),
        "late": RANDOM.random(rows) < 0.25,
    }


def _column(change: DatasetChange, name: str) -> ColumnChange:
    (found,) = (column for column in change.columns if column.column == name)
    return found


def test_identical_bytes_are_folded_without_reading_a_profile() -> None:
    stored = Stored()
    one = stored.snapshot(_flights())
    (change,) = compare_datasets(record(one), record(dataclasses.replace(one, role="reference")), Ways(blobs=stored))
    assert (change.kind, change.role, change.evidence) == (Kind.IDENTICAL, ("train", "reference"), Evidence.DIGESTS)
    assert stored.read == []


def test_nothing_heavy_is_imported_when_all_is_identical() -> None:
    code = """
import sys
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets
from lineage_pipelines_tests.samples import make_record
changes = compare_datasets(make_record("1"), make_record("2"), Ways(blobs={}.get))
assert {change.kind.value for change in changes} == {"identical"}
print([name for name in ("numpy", "scipy", "pandas", "pyarrow", "dvc") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_dataset_that_came_and_one_that_went() -> None:
    first = make_record()
    second = dataclasses.replace(first, data=(dataclasses.replace(first.data[0], name="new", path="n", role="extra"),))
    changes = {change.name: change for change in compare_datasets(first, second, Ways(blobs=lambda _: None))}
    assert {name: change.kind for name, change in changes.items()} == {
        "new": Kind.ADDED,
        **{one.name: Kind.REMOVED for one in first.data},
    }
    assert changes["new"].rows == (None, first.data[0].rows)


def test_a_renamed_input_is_found_by_its_path() -> None:
    first = make_record()
    second = dataclasses.replace(first, data=tuple(dataclasses.replace(o, name=f"{o.name}_2") for o in first.data))
    changes = compare_datasets(first, second, Ways(blobs=lambda _: None))
    assert [(change.name, change.kind) for change in changes] == [
        (f"{one.name}_2", Kind.IDENTICAL) for one in first.data
    ]


def test_each_fact_that_moved_is_told() -> None:
    before = _flights()
    after = {**before, "temp": pa.array([None if i % 5 == 0 else t / 3 for i, t in enumerate(before["temp"])])}
    after["late"] = before["late"] | (before["delay"] > 60)
    after["origin"] = np.where(before["origin"] == "LGA", "HPN", before["origin"])
    change = compare(before, after)
    assert (change.kind, change.evidence, change.rows) == (Kind.CHANGED, Evidence.PROFILES, (3000, 3000))
    assert {column.column for column in change.columns} == {"temp", "late", "origin"}
    assert change.columns[0].weight == max(column.weight for column in change.columns)
    temp = _column(change, "temp")
    assert temp.facts["nulls"] == (0, 0.2)
    assert temp.facts["mean"][0] == pytest.approx(before["temp"].mean())
    assert (temp.psi or 0) > 2
    late = _column(change, "late")
    assert late.facts["rate"] == (before["late"].mean(), after["late"].mean())
    origin = _column(change, "origin")
    assert (origin.vanished, origin.appeared) == (("LGA",), ("HPN",))
    assert {value for value, _, _ in origin.values} == {"LGA", "HPN"}
    assert origin.distance == pytest.approx((before["origin"] == "LGA").mean())


def test_flipped_labels_of_numbers_have_another_rate() -> None:
    column = _column(compare({"y": [0, 0, 0, 1] * 100}, {"y": [1, 1, 1, 0] * 100}), "y")
    assert column.facts["rate"] == (0.25, 0.75)


def test_duplicates_are_counted() -> None:
    before = pa.table(_flights())
    after = pa.concat_tables([before, before.slice(0, 40)])
    change = compare(before, after)
    assert (change.duplicates, change.rows, change.same_rows) == ((0, 40), (3000, 3040), False)


_SAME: dict[str, Any] = {
    "another order": lambda table: table.take(pa.array(RANDOM.permutation(table.num_rows))),
    "columns in another order": lambda table: table.select(table.column_names[::-1]),
    "smaller integers": lambda table: table.set_column(0, "id", table["id"].cast(pa.int32())),
    "text as categories": lambda table: table.set_column(1, "origin", table["origin"].dictionary_encode()),
    "large text": lambda table: table.set_column(1, "origin", table["origin"].cast(pa.large_string())),
}


@pytest.mark.parametrize("turn", _SAME.values(), ids=_SAME)
def test_the_same_rows_are_known_in_another_order_or_encoding(turn: Any) -> None:
    table = pa.table(_flights())
    change = compare(table, turn(table))
    assert (change.kind, change.same_rows, change.columns) == (Kind.CHANGED, True, ())
    assert change.weaker == ""


def test_a_shifted_column_is_not_the_same_rows() -> None:
    before = _flights()
    change = compare(before, {**before, "temp": np.roll(before["temp"], 1)})
    assert (change.same_rows, change.columns, change.schema) == (False, (), ())


def test_schema_changes_are_told() -> None:
    before = _flights()
    after = {"id": before["id"].astype("float64"), "wind": before["delay"] * 2 + 1, "temperature": before["temp"]}
    change = compare(before, {**after, "late": before["late"]})
    told = {(each.kind, each.column): each for each in change.schema}
    assert set(told) == {
        (Kind.CHANGED, "id"),
        (Kind.CHANGED, "temperature"),
        (Kind.ADDED, "wind"),
        (Kind.REMOVED, "origin"),
        (Kind.REMOVED, "delay"),
    }
    assert told[Kind.CHANGED, "temperature"].renamed_from == "temp"
    retyped = told[Kind.CHANGED, "id"]
    assert (retyped.before and retyped.before.type, retyped.after and retyped.after.type) == ("int64", "double")
    assert change.columns == ()


def test_two_columns_of_one_content_are_not_taken_for_each_other() -> None:
    values = list(range(50))
    change = compare({"a": values, "b": values}, {"c": values, "d": values})
    assert all(each.renamed_from is None for each in change.schema)
    assert len(change.schema) == 4
    nothing = pa.nulls(5, pa.int64())
    change = compare({"a": nothing, "x": [1] * 5}, {"b": nothing, "x": [1] * 5})
    assert all(each.renamed_from is None for each in change.schema)


def _aged(stored: Stored, snapshot: Any) -> Any:
    """The snapshot with a profile as the first release wrote it."""
    profile = json.loads(stored.blobs[snapshot.profile])
    profile.pop("rows_digest")
    columns = [{name: value for name, value in each.items() if name != "content"} for each in profile["columns"]]
    data = canonical_bytes({**profile, "version": 1, "columns": columns})
    stored.blobs[Digest.of(data)] = data
    return dataclasses.replace(snapshot, profile=Digest.of(data))


def test_profiles_of_version_1_are_read() -> None:
    stored, before = Stored(), _flights()
    after = {**before, "delay": before["delay"] * 3 + 5}
    after["degrees"] = after.pop("temp")
    old = _aged(stored, stored.snapshot(before))
    changes = []
    for new in (stored.snapshot(after), _aged(stored, stored.snapshot(after))):
        (change,) = compare_datasets(record(old), record(new), Ways(blobs=stored))
        changes.append(change)
        assert [column.column for column in change.columns] == ["delay"]
        assert "older release" in change.weaker
        assert not change.same_rows
    assert [each.renamed_from for each in changes[-1].schema] == ["temp"]  # both old: by all that is said of the column


def _spoil(stored: Stored, snapshot: Any, data: bytes | None) -> Any:
    if data is None:
        return dataclasses.replace(snapshot, profile=None)
    digest = Digest.of(data)
    stored.blobs[digest] = data
    return dataclasses.replace(snapshot, profile=digest)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "no profile was recorded"),
        (b"{", "cannot be read"),
        (b'{"version":3}', "version 3"),
        (b'{"version":[]}', "version []"),
        (b"[]", "version None"),
        (b'{"version":2}', "cannot be read"),
        (b'{"version":2,"rows":1,"detail":0,"columns":[7]}', "cannot be read"),
        (b'{"version":2,"rows":1,"detail":5,"columns":{"nulls":[1]}}', "cannot be read"),
    ],
)
def test_what_no_profile_tells_is_said(data: bytes | None, words: str) -> None:
    stored = Stored()
    first, second = stored.snapshot({"x": [1]}), _spoil(stored, stored.snapshot({"x": [2]}), data)
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=stored))
    assert (change.kind, change.evidence, change.rows) == (Kind.CHANGED, Evidence.DIGESTS, (1, 1))
    assert words in change.weaker
    assert "after" in change.weaker


def test_a_profile_that_is_gone_is_said() -> None:
    stored = Stored()
    first, second = stored.snapshot({"x": [1]}), stored.snapshot({"x": [2]})
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=lambda _: None))
    assert "not in the artifact store" in change.weaker


def test_a_sampled_profile_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage_pipelines.capture.tables.profile._MAX_CELLS", 1000)
    change = compare({"x": np.arange(4000)}, {"x": np.arange(4000) * 2})
    assert "of 1,000 of 4,000 rows" in change.weaker
    assert change.duplicates == (None, None)
    assert _column(change, "x").ratio == pytest.approx(2)


@pytest.mark.parametrize("width", [150, 400, 1500, 5000])
def test_wide_tables_are_compared_with_what_fits(width: int) -> None:
    columns = {f"c{i}": RANDOM.normal(size=12) for i in range(width)}
    change = compare(columns, {**columns, "c77": RANDOM.normal(size=12) + 3})
    assert [column.column for column in change.columns] == ["c77"]
    assert ("reduced to fit" in change.weaker) is (width > 1000)
    same = compare(columns, {name: values[::-1] for name, values in columns.items()})
    assert (same.same_rows, same.columns) == (True, ())


def test_hostile_names_and_values_do_no_harm() -> None:
    names = ["a\nb", "<script>", "'; DROP TABLE x; --", "n" * 400, "ü\u202e", "", "\x1b[31m"]
    before = {name: ["x\x1b[0m", "<b>", "`"] * 20 for name in names}
    change = compare(before, {name: ["x\x1b[0m", "<i>", "`"] * 20 for name in names})
    assert {column.column for column in change.columns} == set(names)
    raw = pa.array([b"\xff\xfe", b"a", b"\xff"] * 20).cast(pa.binary())
    text = pa.StringArray.from_buffers(60, *raw.buffers()[1:])
    stored = Stored()
    first, second = (stored.snapshot({"t": each}, suffix="parquet") for each in (["a"] * 60, text))
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=stored))
    assert change.columns[0].facts["distinct"] == (1, 3)


def test_the_files_of_a_directory_are_told(world: World) -> None:
    listed = []
    for changed in ({"a.bin": "1", "b.bin": "2", "sub/c.bin": "3"}, {"b.bin": "two", "sub/c.bin": "3", "d.bin": "4"}):
        for old in world.path("pictures").rglob("*.bin"):
            old.unlink()
        for name, text in changed.items():
            world.write(f"pictures/{name}", text)
        world.track("pictures")
        found = [line for line in world.path("pictures.dvc").read_text().splitlines() if "md5: " in line]
        listed.append(found[0].split("md5: ")[1].strip())
    first, second = (
        dataclasses.replace(
            make_record().data[0],
            path="pictures",
            digest=dataclasses.replace(digests(md5, folder=True), md5=md5),
            rows=None,
            schema=(),
            profile=None,
        )
        for md5 in listed
    )
    listings = find_listings(world.root)
    (change,) = compare_datasets(record(first), record(second), Ways(blobs=lambda _: None, listings=listings))
    assert change.changed_files == ("- a.bin", "~ b.bin", "+ d.bin")
    assert "not a table" in change.weaker
    gone = dataclasses.replace(second, digest=DigestSet(md5="0" * 32 + ".dir"))
    (change,) = compare_datasets(record(first), record(gone), Ways(blobs=lambda _: None, listings=listings))
    assert (change.changed_files, "listing" in change.weaker) == ((), True)


_VALUES = {
    "n": st.integers(-5, 5) | st.none(),
    "x": st.floats(-1e3, 1e3) | st.none() | st.sampled_from([0.0, float("inf")]),
    "word": st.sampled_from(["a", "b", "", "ü"]) | st.none(),
    "yes": st.booleans() | st.none(),
}
_KINDS = {"n": pa.int64(), "x": pa.float64(), "word": pa.string(), "yes": pa.bool_()}


@st.composite
def _tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 25))
    names = draw(st.permutations(sorted(_VALUES)))[: draw(st.integers(1, 4))]
    return pa.table(
        {name: pa.array(draw(st.lists(_VALUES[name], min_size=rows, max_size=rows)), _KINDS[name]) for name in names}
    )


_SOME = st.dictionaries(st.sampled_from(["train", "test", "reference"]), _tables(), max_size=3)


def _mirrored(change: DatasetChange) -> DatasetChange:
    other = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}
    return dataclasses.replace(
        change,
        kind=other.get(change.kind, change.kind),
        **{name: getattr(change, name)[::-1] for name in ("role", "digest", "rows", "files", "duplicates")},
        schema=frozenset(  # type: ignore[arg-type]  # compared as a set
            str((other.get(each.kind, each.kind), each.renamed_from or each.column, each.after, each.before))
            for each in change.schema
        ),
        columns=tuple(_mirrored_column(column) for column in change.columns),
        added_group=change.removed_group,
        removed_group=change.added_group,
        differing=_renamed(change),
        repeated_keys=(),
        weaker="",
    )


def _renamed(change: DatasetChange) -> tuple[str, ...] | None:
    """The columns that differ, by the names that they had."""
    names = {each.column: each.renamed_from for each in change.schema if each.renamed_from is not None}
    return None if change.differing is None else tuple(sorted(names.get(name, name) for name in change.differing))


def _mirrored_column(column: ColumnChange) -> ColumnChange:
    return dataclasses.replace(
        column,
        facts={name: pair[::-1] for name, pair in column.facts.items()},
        values=tuple((value, after, before) for value, before, after in column.values),
        appeared=column.vanished,
        vanished=column.appeared,
        ratio=None,
        bins=column.bins[::-1],
        offset=None,
    )


def _plain(change: DatasetChange) -> DatasetChange:
    return dataclasses.replace(
        change,
        schema=frozenset(str((each.kind, each.column, each.before, each.after)) for each in change.schema),  # type: ignore[arg-type]
        columns=tuple(dataclasses.replace(column, ratio=None, offset=None) for column in change.columns),
        differing=tuple(sorted(change.differing)) if change.differing is not None else None,
        repeated_keys=(),  # of the one direction only
        weaker="",
    )


@given(first=_SOME, second=_SOME)
def test_a_comparison_mirrors_and_folding_loses_nothing(
    first: dict[str, pa.Table], second: dict[str, pa.Table]
) -> None:
    stored = Stored()
    a, b = (record(*(stored.snapshot(table, name) for name, table in each.items())) for each in (first, second))
    there, back = compare_datasets(a, b, Ways(blobs=stored)), compare_datasets(b, a, Ways(blobs=stored))
    assert sorted(change.name for change in there) == sorted({*first, *second})
    mirrored = {change.name: _mirrored(change) for change in there}
    assert {change.name: _plain(change) for change in back} == mirrored
    assert {change.kind for change in compare_datasets(a, a, Ways(blobs=stored))} <= {Kind.IDENTICAL}
    assert len(compare_datasets(a, a, Ways(blobs=stored))) == len(first)


def test_listings_of_no_project_are_unknown(tmp_path: Path) -> None:
    assert find_listings(tmp_path)(make_record().data[0]) is None


def _spread(often: str, count: int) -> dict[str, list[str]]:
    """A column of 80 values that occur 200 times each, more than a profile lists, and of one by another number."""
    return {"v": [f"usual {place}" for place in range(80) for _ in range(200)] + [often] * count}


def test_a_value_that_was_only_not_listed_is_neither_new_nor_gone() -> None:
    quiet, loud = _spread("unusual", 100), _spread("unusual", 900)
    there, back = (_column(compare(one, two), "v") for one, two in ((quiet, loud), (loud, quiet)))
    assert (there.appeared, there.vanished, back.appeared, back.vanished) == ((), (), (), ())


def test_a_value_is_new_where_the_other_side_lists_all_that_it_has() -> None:
    listed, spread = {"v": ["a", "b"] * 50}, _spread("a", 900)
    there, back = (_column(compare(one, two), "v") for one, two in ((listed, spread), (spread, listed)))
    assert "usual 1" in there.appeared
    assert (there.vanished, back.appeared) == ((), ())
    assert "usual 1" in back.vanished


@pytest.mark.parametrize("turned", [False, True])
def test_one_snapshot_is_compared_once(turned: bool) -> None:
    """One name went on to other data, and another name took its path: the name decides, and nothing is told twice."""
    one = make_record().data[0]
    old = (dataclasses.replace(one, name="a", path="p"),)
    new = (dataclasses.replace(one, name="a", path="q"), dataclasses.replace(one, name="b", path="p"))
    sides = [dataclasses.replace(make_record(), data=data) for data in ((new, old) if turned else (old, new))]
    told = {change.name: change.kind for change in compare_datasets(sides[0], sides[1], Ways(blobs=lambda _: None))}
    assert told == {"a": Kind.IDENTICAL, "b": Kind.REMOVED if turned else Kind.ADDED}


def test_a_name_that_occurs_twice_is_compared_once_each() -> None:
    one = make_record().data[0]
    twice = dataclasses.replace(make_record(), data=(one, dataclasses.replace(one, path="elsewhere")))
    for sides in ((twice, record(one)), (record(one), twice)):
        kinds = [change.kind for change in compare_datasets(*sides, Ways(blobs=lambda _: None))]
        assert sorted(kind.value for kind in kinds) == sorted(
            ["identical", "removed" if sides[0] is twice else "added"]
        )


def test_a_source_of_unknown_shape_is_compared_by_rows_where_its_size_is_small() -> None:
    """About four bytes a cell: a tracked file of 40 MB is beyond what is compared without being asked for."""
    opened = []

    def open_table(snapshot: DatasetSnapshot) -> contextlib.AbstractContextManager[str]:
        opened.append(snapshot.size)
        return contextlib.nullcontext("it is not here")

    base = make_record()
    for size, words in ((4_000, "it is not here"), (40_000_000, "about 20,000,000 cells")):
        both = [
            dataclasses.replace(
                base, sources=(TrackedSource(file="raw.dvc", path="raw", digest=digests(text), size=size),)
            )
            for text in ("before", "after")
        ]
        ways = Ways(blobs=lambda _: None, open_tables=open_table, automatic=True)
        (change,) = compare_sources(both[0], both[1], ways)
        assert words in change.weaker
    assert opened == [4_000, 4_000]


@pytest.mark.parametrize("side", [0, 1])
def test_a_source_that_is_an_input_of_either_version_is_no_source_beside_it(side: int) -> None:
    base = make_record()
    both = [
        dataclasses.replace(base, sources=(TrackedSource(file="raw.dvc", path="raw", digest=digests(text)),))
        for text in ("before", "after")
    ]
    assert [each.path for each in compare_sources(both[0], both[1], Ways(blobs=lambda _: None))] == ["raw"]
    read = dataclasses.replace(base.data[0], name="raw", path="raw")
    both[side] = dataclasses.replace(both[side], data=(*base.data, read))
    assert compare_sources(both[0], both[1], Ways(blobs=lambda _: None)) == ()


@pytest.mark.parametrize("side", [0, 1])
def test_a_renamed_column_is_recognized_by_both_profiles_only(side: int) -> None:
    stored = Stored()
    sides = [stored.snapshot({"x": [1, 2, 3], name: [7, 8, 9]}) for name in ("old", "new")]
    (change,) = compare_datasets(record(sides[0]), record(sides[1]), Ways(blobs=stored))
    assert [each.renamed_from for each in change.schema] == ["old"]
    sides[side] = dataclasses.replace(sides[side], profile=None)
    (change,) = compare_datasets(record(sides[0]), record(sides[1]), Ways(blobs=stored))
    assert [each.renamed_from for each in change.schema] == [None, None]
