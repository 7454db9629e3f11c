"""What was done to cells, and in which rows: every operation, in every kind of group, is found by itself."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.queries.diff.rows.row_change import (
    Alignment,
    CellChange,
    Effect,
    EffectKind,
    GroupKind,
    RowChange,
    RowGroup,
    Way,
)
from lineage_pipelines.reports.cell_text import effect_words, group_words
from lineage_pipelines_tests.queries.diff.tables import compare_frames

ROWS = 400
RANDOM = np.random.default_rng(41)


def _shop(rows: int = ROWS) -> pd.DataFrame:
    """Orders, in their order."""
    table = pd.DataFrame(
        {
            "id": np.arange(rows) + 7000,
            "at": pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(rows) * (200 * 1433 // rows), "min"),
            "city": RANDOM.choice(["Köln", "Zürich", "Bern", "Graz", "Ulm"], rows),
            "code": [f"{number:05d}" for number in RANDOM.integers(0, 400, rows)],
            "band": RANDOM.integers(1, 30, rows),
            "amount": np.exp(RANDOM.normal(3.6, 0.8, rows)).round(2),
            "price": RANDOM.uniform(3, 9, rows).round(2) + 100,
            "temp": RANDOM.normal(60, 15, rows).round(1),
            "x": RANDOM.normal(0, 1, rows),
            "items": RANDOM.integers(1, 9, rows),
            "late": RANDOM.random(rows) < 0.3,
            "label": (RANDOM.random(rows) < 0.3).astype(int),
            "note": RANDOM.choice(["red wine", "cold milk", "green tea"], rows),
            "rating": RANDOM.integers(1, 6, rows).astype("float64"),
        }
    )
    table.loc[RANDOM.random(rows) < 0.1, "rating"] = np.nan
    return table


SHOP = _shop()


def _changed(column: str, change: Callable[[pd.Series], Any], mask: Any) -> pd.DataFrame:
    after = SHOP.copy()
    new = pd.Series(change(SHOP[column]), index=SHOP.index)
    after[column] = new if bool(np.all(mask)) else new.where(mask, SHOP[column])
    return after


Operation = tuple[str, Callable[[pd.Series], Any], dict[str, Any]]
OPERATIONS: dict[str, Operation] = {
    "cents": ("amount", lambda s: s * 100, {"kind": "scaled", "ratio": 100.0, "offset": 0.0}),
    "pounds, rounded": ("temp", lambda s: (s * 2.2046).round(1), {"kind": "scaled", "ratio": 2.2046}),
    "minutes to hours": ("amount", lambda s: s / 60, {"kind": "scaled", "ratio": 1 / 60}),
    "Celsius": ("temp", lambda s: (s - 32) * 5 / 9, {"kind": "scaled", "ratio": 5 / 9, "offset": -160 / 9}),
    "Celsius, rounded": ("temp", lambda s: ((s - 32) * 5 / 9).round(1), {"kind": "scaled", "ratio": 5 / 9}),
    "other sign": ("x", lambda s: -s, {"kind": "scaled", "ratio": -1.0, "offset": 0.0}),
    "three more": ("items", lambda s: s + 3, {"kind": "scaled", "ratio": 1.0, "offset": 3.0}),
    "twice": ("items", lambda s: s * 2, {"kind": "scaled", "ratio": 2.0, "offset": 0.0}),
    "half more": ("amount", lambda s: (s + 0.5).round(2), {"kind": "scaled", "ratio": 1.0, "offset": 0.5}),
    "standardized": ("x", lambda s: (s - 0.25) / 1.6, {"kind": "scaled", "ratio": 0.625, "offset": -0.15625}),
    "whole cents": ("amount", lambda s: (s * 100).round(), {"kind": "scaled", "ratio": 100.0}),
    "seven hours": ("at", lambda s: s + pd.Timedelta(hours=7), {"kind": "delayed", "offset": 25200.0}),
    "flipped": ("label", lambda s: 1 - s, {"kind": "exchanged", "mapping": ((0, 1), (1, 0))}),
    "negated": ("late", lambda s: ~s, {"kind": "exchanged", "mapping": ((False, True), (True, False))}),
    "zero": ("amount", lambda s: s * 0, {"kind": "set", "value": 0.0}),
    "one city": ("city", lambda s: s.map(lambda _: "Aarau"), {"kind": "set", "value": "Aarau"}),
    "outage": ("amount", lambda s: s * np.nan, {"kind": "missing"}),
    "codes": (
        "items",
        lambda s: s.map({1: 3, 2: 7, 3: 1, 4: 2, 5: 8, 6: 4, 7: 6, 8: 5}),
        {"kind": "mapped"},
    ),
    "other spelling": ("note", lambda s: s.str.replace("tea", "herbs").str.replace("red", "white"), {"kind": "mapped"}),
    "upper case": ("city", lambda s: s.str.upper(), {"kind": "case", "way": Way.UPPER}),
    "lower case": ("city", lambda s: s.str.lower(), {"kind": "case", "way": Way.LOWER}),
    "title": ("note", lambda s: s.str.title(), {"kind": "case", "way": Way.TITLE}),
    "a blank": ("city", lambda s: s + " ", {"kind": "blanks", "way": Way.ADDED}),
    "no blank": ("note", lambda s: s.str.replace(" ", ""), {"kind": "blanks", "way": Way.LOST}),
    "Latin-1": ("city", lambda s: s.str.encode("utf-8").str.decode("latin-1"), {"kind": "mojibake", "way": None}),
    "Windows": ("city", lambda s: s.str.encode("utf-8").str.decode("cp1252"), {"kind": "mojibake", "way": None}),
    "zeros lost": ("code", lambda s: s.str.lstrip("0"), {"kind": "zeros", "way": Way.LOST}),
    "zeros added": ("code", lambda s: "0" + s, {"kind": "zeros", "way": Way.ADDED}),
    "upper bound": ("amount", lambda s: s.clip(upper=40), {"kind": "clipped", "value": 40.0, "way": Way.ABOVE}),
    "lower bound": ("amount", lambda s: s.clip(lower=30), {"kind": "clipped", "value": 30.0, "way": Way.BELOW}),
    "two bounds": ("amount", lambda s: s.clip(30, 50), {"kind": "clipped", "value": [30.0, 50.0], "way": Way.BOTH}),
    "rounded": ("amount", lambda s: s.round(1), {"kind": "rounded", "digits": 1, "way": None}),
    "whole": ("amount", lambda s: s.round(0), {"kind": "rounded", "digits": 0, "way": None}),
    "tens": ("amount", lambda s: s.round(-1), {"kind": "rounded", "digits": -1, "way": None}),
    "cut": ("amount", np.floor, {"kind": "rounded", "digits": 0, "way": Way.FLOOR}),
    "32 bits": ("x", lambda s: s.astype("float32").astype("float64"), {"kind": "rounded", "way": Way.SINGLE}),
    "days": ("at", lambda s: s.dt.floor("D"), {"kind": "rounded", "value": "day", "way": Way.FLOOR}),
    "noise": ("x", lambda s: s * (1 + 1e-13), {"kind": "noise"}),
    "jitter": ("amount", lambda s: s + RANDOM.normal(0, 1, len(s)), {"kind": "other"}),
    "logarithm": ("amount", np.log, {"kind": "other"}),
}
EVERYWHERE = np.ones(ROWS, bool)
GROUPS: dict[str, tuple[Any, tuple[str, GroupKind, tuple[str, ...]]]] = {
    "a band": (SHOP.band == 7, ("band", GroupKind.VALUE, ("7",))),
    "two cities": (SHOP.city.isin(["Köln", "Zürich"]), ("city", GroupKind.VALUES, ("Köln", "Zürich"))),
    "bands": (SHOP.band.between(5, 15), ("band", GroupKind.RANGE, ("5", "15"))),
    "from a band on": (SHOP.band >= 20, ("band", GroupKind.RANGE, ("20", ""))),
    "up to a band": (SHOP.band <= 9, ("band", GroupKind.RANGE, ("", "9"))),
    "cold": (SHOP.temp < 50, ("temp", GroupKind.RANGE, ("", f"{SHOP.temp[SHOP.temp < 50].max():.10g}"))),
    "a month": (SHOP["at"].dt.month == 3, ("at", GroupKind.VALUE, ("2025-03",))),
    "months": (SHOP["at"].dt.month.isin([2, 3]), ("at", GroupKind.VALUES, ("2025-02", "2025-03"))),
    "since": (SHOP["at"] >= "2025-05-05", ("at", GroupKind.RANGE, ("2025-05-05T07:20", ""))),
    "unrated": (SHOP.rating.isna(), ("rating", GroupKind.MISSING, ())),
    "late ones": (SHOP.late, ("late", GroupKind.VALUE, ("true",))),
}


def _matches(effect: Effect, expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        got = getattr(effect, name)
        assert got == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value), effect


def _only(found: RowChange, column: str) -> CellChange:
    (cells,) = found.cells
    assert cells.columns == (column,)
    assert cells.rows == found.columns[column] == found.changed
    return cells


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_on_a_whole_column_is_found(name: str) -> None:
    column, change, expected = OPERATIONS[name]
    after = _changed(column, change, EVERYWHERE)
    found = compare_frames(SHOP, after)
    assert (found.key, found.aligned, found.added, found.removed) == (("id",), Alignment.KEY, 0, 0)
    cells = _only(found, column)
    _matches(cells.effect, expected)
    assert cells.rows <= ROWS * 0.9 or cells.group is None


@pytest.mark.parametrize("name", [name for name in OPERATIONS if OPERATIONS[name][0] != "band"])
def test_an_operation_in_a_group_is_found_with_its_group(name: str) -> None:
    column, change, expected = OPERATIONS[name]
    mask = (SHOP.band >= 20).to_numpy()
    cells = _only(compare_frames(SHOP, _changed(column, change, mask)), column)
    _matches(cells.effect, expected)
    assert cells.group is not None
    assert (cells.group.column, cells.group.kind, cells.group.of) == ("band", GroupKind.RANGE, int(mask.sum()))
    assert cells.group.rows == cells.group.touched == cells.rows


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_told_in_the_fewest_words(name: str) -> None:
    mask, (column, kind, values) = GROUPS[name]
    cells = _only(compare_frames(SHOP, _changed("price", lambda s: s * 100, mask.to_numpy())), "price")
    count = int(mask.sum())
    assert cells.group == RowGroup(column=column, kind=kind, values=values, rows=count, of=count, touched=count)


@given(
    operation=st.sampled_from([name for name in OPERATIONS if OPERATIONS[name][0] not in ("at", "band")]),
    group=st.sampled_from(sorted(GROUPS)),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_was_done_and_where_is_found_and_mirrored(operation: str, group: str, seed: int) -> None:
    column, change, expected = OPERATIONS[operation]
    mask, (where, kind, _) = GROUPS[group]
    if where == column:
        return
    after = _changed(column, change, mask.to_numpy())
    shuffled = after.iloc[np.random.default_rng(seed).permutation(ROWS)]
    found, back = compare_frames(SHOP, shuffled), compare_frames(shuffled, SHOP)
    assert (back.added, back.removed, back.changed, back.same) == (0, 0, found.changed, found.same)
    assert (back.columns, back.key) == (found.columns, found.key)
    cells = _only(found, column)
    if cells.rows >= 20:  # with fewer, a bound is a value, and a mapping no more than its pairs
        _matches(cells.effect, expected)
    if cells.rows == mask.sum():
        assert cells.group is not None
        assert (cells.group.column, cells.group.kind) == (where, kind)
        assert back.cells[0].group == cells.group


@pytest.mark.parametrize("column", ["amount", "city", "label", "rating", "at"])
def test_values_in_other_rows_were_shuffled(column: str) -> None:
    after = _changed(column, lambda s: np.random.default_rng(3).permutation(s.to_numpy()), EVERYWHERE)
    cells = _only(compare_frames(SHOP, after), column)
    assert (cells.effect, cells.group) == (Effect(kind=EffectKind.SHUFFLED), None)


@pytest.mark.parametrize("column", ["amount", "city", "label"])
def test_a_column_that_moved_along_the_rows_was_shifted(column: str) -> None:
    found = compare_frames(SHOP, _changed(column, lambda s: np.roll(s.to_numpy(), 2), EVERYWHERE))
    assert _only(found, column).effect == Effect(kind=EffectKind.SHIFTED, value=2)
    assert found.shifted == {column: 2}


def test_two_columns_that_exchanged_their_values_in_a_group_were_swapped() -> None:
    after = SHOP.copy()
    mask = after.city == "Bern"
    after.loc[mask, ["amount", "temp"]] = after.loc[mask, ["temp", "amount"]].to_numpy()
    found = compare_frames(SHOP, after)
    assert {each.columns: each.effect for each in found.cells} == {
        ("amount",): Effect(kind=EffectKind.SWAPPED, other="temp"),
        ("temp",): Effect(kind=EffectKind.SWAPPED, other="amount"),
    }
    assert {each.group.values for each in found.cells if each.group} == {("Bern",)}


def test_categories_that_were_renamed_or_merged_are_mapped_and_labels_that_are_all_one_were_set() -> None:
    merged = compare_frames(SHOP, SHOP.assign(city=SHOP.city.replace({"Köln": "NRW", "Graz": "NRW"})))
    assert sorted(map(str, _only(merged, "city").effect.mapping)) == ["('Graz', 'NRW')", "('Köln', 'NRW')"]
    assert _only(merged, "city").effect.kind is EffectKind.MAPPED
    renamed = compare_frames(SHOP, SHOP.assign(label=SHOP.label.replace(0, -1)))
    assert _only(renamed, "label").effect == Effect(kind=EffectKind.MAPPED, mapping=((0, -1),))
    ones = compare_frames(SHOP, SHOP.assign(label=1))
    assert _only(ones, "label").effect == Effect(kind=EffectKind.SET, value=1)


def test_what_was_missing_is_filled_and_the_value_is_told() -> None:
    gaps = SHOP.rating.isna().sum()
    filled = _only(compare_frames(SHOP, SHOP.assign(rating=SHOP.rating.fillna(-999))), "rating")
    assert (filled.rows, filled.effect) == (gaps, Effect(kind=EffectKind.FILLED, value=-999.0))
    different = SHOP.rating.fillna(pd.Series(np.arange(ROWS), dtype="float64"))
    assert _only(compare_frames(SHOP, SHOP.assign(rating=different)), "rating").effect == Effect(kind=EffectKind.FILLED)
    both = _only(compare_frames(SHOP, SHOP.assign(rating=0.0)), "rating")
    assert (both.rows, both.effect) == (ROWS, Effect(kind=EffectKind.SET, value=0.0))


def test_mojibake_and_single_bits_are_told_the_other_way_round_too() -> None:
    after = SHOP.assign(city=SHOP.city.str.encode("utf-8").str.decode("latin-1"))
    assert _only(compare_frames(after, SHOP), "city").effect == Effect(kind=EffectKind.MOJIBAKE, way=Way.REPAIRED)


def test_two_operations_on_one_column_are_no_single_one() -> None:
    after = SHOP.copy()
    after.loc[: ROWS // 2, "amount"] *= 100
    after.loc[ROWS // 2 :, "amount"] += 3
    effect = _only(compare_frames(SHOP, after), "amount").effect
    assert effect.kind is EffectKind.OTHER
    assert effect.means[0] == pytest.approx(SHOP.amount.mean())
    assert effect.means[1] == pytest.approx(after.amount.mean())


def test_few_cells_tell_no_value() -> None:
    after = SHOP.copy()
    after.loc[[3, 90, 200], "amount"] = 0.0
    cells = _only(compare_frames(SHOP, after), "amount")
    assert (cells.rows, cells.effect, cells.group) == (3, Effect(kind=EffectKind.SET), None)


def test_columns_of_which_the_same_became_are_told_together() -> None:
    rows = 300
    sensors = {f"s{number:03d}": RANDOM.normal(size=rows) for number in range(40)}
    before = pd.DataFrame(
        {"id": np.arange(rows), "at": pd.date_range("2026-03-01", periods=rows, freq="17min"), **sensors}
    )
    after = before.copy()
    after.loc[after.index[-50:], [f"s{number:03d}" for number in range(10, 20)]] = np.nan
    after["s030"] *= 1000
    found = compare_frames(before, after)
    assert [(each.columns, each.effect.kind) for each in found.cells] == [
        (("s030",), EffectKind.SCALED),
        (tuple(f"s{number:03d}" for number in range(10, 20)), EffectKind.MISSING),
    ]
    assert found.cells[1].group == RowGroup(
        column="at", kind=GroupKind.RANGE, values=("2026-03-03T22:50", ""), rows=50, of=50, touched=50
    )


def test_a_group_is_told_by_columns_that_did_not_change_in_its_rows() -> None:
    after = SHOP.copy()
    after.loc[SHOP.band == 7, ["band", "price"]] = 0
    found = compare_frames(SHOP, after)
    assert {each.columns for each in found.cells} == {("price",), ("band",)}
    assert not [each for each in found.cells if each.group and each.group.column in ("band", "price")]


def test_changed_rows_that_are_too_many_to_hold_are_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage_pipelines.queries.diff.rows.cell_differences.MAX_ROWS", 1000)
    before = _shop(6000)
    mask = before.city == "Graz"
    after = before.assign(amount=np.where(mask, before.amount * 100, before.amount), temp=before.temp + 1)
    few = before.band == 3
    after = after.assign(x=np.where(few, -before.x, before.x))[:-600]
    found = compare_frames(before, after.sample(frac=1, random_state=1))
    by_column = {each.columns[0]: each for each in found.cells}
    assert (found.removed, by_column["temp"].rows) == (600, 5400)
    assert found.removed_group is not None
    assert (found.removed_group.column, found.removed_group.touched) == ("at", 600)
    for column, where in (("amount", mask), ("x", few)):
        group = by_column[column].group
        count = int(where[:-600].sum())
        assert group is not None
        assert (group.rows, group.of, group.touched) == (count, count, count)
    assert by_column["amount"].effect == Effect(kind=EffectKind.SCALED, ratio=100.0, offset=0.0)


def test_whole_numbers_beyond_what_a_double_holds_stay_exact() -> None:
    large = 2**53 + np.arange(300, dtype="int64") * 2
    before = pd.DataFrame({"id": np.arange(300), "large": large, "x": RANDOM.normal(size=300)})
    found = compare_frames(before, before.assign(large=large + 1))
    assert _only(found, "large").effect == Effect(kind=EffectKind.SCALED, ratio=1.0, offset=1.0)
    touched = dataclasses.replace(found, cells=())
    assert (touched.changed, touched.columns) == (300, {"large": 300})


AS_TEXT: dict[str, tuple[Callable[[], Any], Callable[[], Any], Effect, str]] = {
    "seven hours": (
        lambda: SHOP["at"].astype(str),
        lambda: (SHOP["at"] + pd.Timedelta(hours=7)).astype(str),
        Effect(kind=EffectKind.DELAYED, offset=25_200.0),
        "is 7 hours later",
    ),
    "days alone": (
        lambda: SHOP["at"].astype(str),
        lambda: SHOP["at"].dt.floor("D").astype(str),
        Effect(kind=EffectKind.ROUNDED, way=Way.FLOOR, value="day"),
        "is cut to the day",
    ),
    "another format": (
        lambda: SHOP["at"].dt.strftime("%Y-%m-%d"),
        lambda: SHOP["at"].dt.strftime("%d.%m.%Y"),
        Effect(kind=EffectKind.REWRITTEN, value="DD.MM.YYYY"),
        "is written as DD.MM.YYYY: the same times",
    ),
    "day and month": (
        lambda: SHOP["at"].dt.strftime("%m/%d/%Y"),
        lambda: SHOP["at"].dt.strftime("%d/%m/%Y"),
        Effect(kind=EffectKind.REWRITTEN, value="DD/MM/YYYY"),
        "is written as DD/MM/YYYY: the same times",
    ),
    "decimal comma": (
        lambda: SHOP["amount"],
        lambda: SHOP["amount"].astype(str).str.replace(".", ","),
        Effect(kind=EffectKind.REWRITTEN, value="decimal comma"),
        "is written with a decimal comma: the same numbers",
    ),
    "cents": (
        lambda: SHOP["amount"].astype(str).str.replace(".", ","),
        lambda: (SHOP["amount"] * 10).round(1).astype(str).str.replace(".", ","),
        Effect(kind=EffectKind.SCALED, ratio=10.0, offset=0.0),
        "is × 10",
    ),
    "another type": (
        lambda: SHOP["at"].astype(str),
        lambda: SHOP["at"],
        Effect(kind=EffectKind.REWRITTEN),
        "holds the same values, written otherwise",
    ),
}
"""Numbers and times in texts, as a CSV file holds them."""


@pytest.mark.parametrize(("before", "after", "effect", "words"), AS_TEXT.values(), ids=AS_TEXT)
def test_texts_that_are_times_or_numbers_move_as_these_do(
    before: Callable[[], Any], after: Callable[[], Any], effect: Effect, words: str
) -> None:
    found = _only(compare_frames(SHOP.assign(at=before()), SHOP.assign(at=after())), "at")
    assert found.effect == effect
    assert effect_words(found.effect) == words


def test_a_difference_is_told_in_words() -> None:
    words = [effect_words(Effect(kind=EffectKind.SCALED, ratio=1.0, offset=each)) for each in (1.0, -2.5)]
    assert words == ["is greater by 1", "is less by 2.5"]


def test_numbers_that_were_computed_with_a_scaled_and_rounded_one_are_about_as_much() -> None:
    kilos = SHOP["temp"].abs() + 20
    before, after = SHOP.assign(x=kilos / SHOP["price"]), SHOP.assign(x=(kilos * 2.2046).round(1) / SHOP["price"])
    effect = _only(compare_frames(before, after), "x").effect
    assert (effect.kind, effect.way) == (EffectKind.SCALED, Way.ABOUT)
    assert effect_words(effect) == "is about × 2.205 (as kg to pounds)"
    noisy = SHOP.assign(x=before["x"] * np.linspace(1, 1.009, ROWS))
    assert _only(compare_frames(before, noisy), "x").effect.kind is EffectKind.OTHER


def test_measures_that_rows_have_in_common_are_no_categories() -> None:
    """Of categories up to ten pairs are kept: with as many it is not known how many there are."""
    of = SHOP["band"] % 12
    weights, others = RANDOM.uniform(50, 90, 12).round(1), RANDOM.uniform(50, 90, 12).round(1)
    measures = _only(compare_frames(SHOP.assign(x=weights[of]), SHOP.assign(x=others[of])), "x").effect
    assert measures.kind is EffectKind.OTHER
    hours = _only(compare_frames(SHOP.assign(items=of), SHOP.assign(items=(of + 7) % 12)), "items").effect
    assert hours.kind is EffectKind.MAPPED
    assert effect_words(hours).endswith(" and others")


NOTES = pd.Series([f"{word} & {number} küche" for number, word in enumerate(SHOP["note"])])
TEXTS: dict[str, tuple[pd.Series, pd.Series, str]] = {
    "escaped": (NOTES, NOTES.str.replace("&", "&amp;"), "is escaped as HTML (& as &amp;)"),
    "escaped no longer": (NOTES.str.replace("&", "&amp;"), NOTES, "is no longer escaped as HTML (& as &amp;)"),
    "accents": (NOTES, NOTES.str.replace("ü", "u"), "has lost its accents"),
    "prefix": (SHOP["code"], "C" + SHOP["code"], "has C before it"),
    "suffix lost": (SHOP["code"] + " kg", SHOP["code"], "has lost ' kg' behind it"),
    "cut": (NOTES, NOTES.str[:12], "is cut to 12 characters"),
}


@pytest.mark.parametrize(("before", "after", "words"), TEXTS.values(), ids=TEXTS)
def test_what_was_done_to_texts_is_told(before: pd.Series, after: pd.Series, words: str) -> None:
    found = _only(compare_frames(SHOP.assign(note=before), SHOP.assign(note=after)), "note")
    assert effect_words(found.effect) == words


def test_day_and_month_that_were_exchanged_are_told() -> None:
    swapped = SHOP["at"].map(lambda at: at.replace(day=at.month, month=at.day) if at.day <= 12 else at)
    for before, after in ((SHOP["at"], swapped), (SHOP["at"].astype(str), swapped.astype(str))):
        effect = _only(compare_frames(SHOP.assign(at=before), SHOP.assign(at=after)), "at").effect
        assert effect_words(effect) == "has day and month exchanged"


def test_a_category_that_was_split_is_told() -> None:
    parts = pd.Series(np.where(np.arange(ROWS) % 2, "Bern-a", "Bern-b"))
    after = SHOP.assign(city=SHOP["city"].where(SHOP["city"] != "Bern", parts))
    words = effect_words(_only(compare_frames(SHOP, after), "city").effect)
    assert words in (": Bern is written Bern-a or Bern-b", ": Bern is written Bern-b or Bern-a")


def test_texts_that_are_times_group_rows_as_times_do() -> None:
    """A month in a CSV file, whose moments are texts."""
    written = SHOP.assign(at=SHOP["at"].astype(str))
    march = SHOP["at"].dt.month == 3
    found = _only(compare_frames(written, written.assign(x=SHOP["x"].where(~march, SHOP["x"] * 60))), "x")
    assert found.group == RowGroup(
        column="at", kind=GroupKind.VALUE, values=("2025-03",), rows=found.rows, of=found.rows, touched=found.rows
    )


def test_rows_among_the_first_are_not_all_of_them() -> None:
    group = RowGroup(column="", kind=GroupKind.FIRST, rows=50, of=120, touched=50)
    assert group_words(group) == ", all among the first 120 rows"
    assert group_words(dataclasses.replace(group, of=50)) == ": the first rows"
