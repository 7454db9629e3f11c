from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.diff.changes import MetricChange
from lineage_pipelines.queries.diff.code.code import compare_code
from lineage_pipelines.queries.diff.run.evaluation import compare_evaluation
from lineage_pipelines.queries.diff.run.noise_band import measure_noise
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.metric import MetricSpec
from lineage_pipelines.records.statement.training_run import CheckKind
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines_tests.queries.diff.stored import Store, pairs, swapped, with_sources
from lineage_pipelines_tests.samples import make_record

BASE = make_record()


def evaluated(record: LineageRecord, **said: Any) -> LineageRecord:
    assert record.evaluation is not None
    return replace(record, evaluation=replace(record.evaluation, **said))


def test_other_data_is_told_by_its_content() -> None:
    assert compare_evaluation(BASE, make_record(auc=0.8)).same_data is True
    assert compare_evaluation(BASE, make_record(raw="later")).same_data is False
    moved = replace(BASE, data=tuple(replace(each, path="elsewhere", role="other") for each in BASE.data))
    assert compare_evaluation(BASE, moved).same_data is True
    assert compare_evaluation(BASE, evaluated(BASE, snapshot="train")).same_data is False


@pytest.mark.parametrize("snapshot", [None, "not an input"])
def test_what_is_not_known_of_the_data_is_not_guessed(snapshot: str | None) -> None:
    assert compare_evaluation(BASE, evaluated(BASE, snapshot=snapshot)).same_data is None
    md5_only = replace(BASE, data=tuple(replace(each, digest=DigestSet(md5=each.digest.md5)) for each in BASE.data))
    assert compare_evaluation(BASE, md5_only).same_data is None


def test_code_is_known_to_be_the_same_known_to_differ_or_not_known() -> None:
    store = Store()
    first, layout, other = (
        with_sources(BASE, store, {"a.py": text}) for text in ("x = 1\n", "x = 1  # one\n", "x = 2\n")
    )
    assert compare_evaluation(first, first).same_code is True
    assert compare_evaluation(first, layout).same_code is None
    assert compare_evaluation(first, layout, code=compare_code(first, layout, store)).same_code is True
    assert compare_evaluation(first, other, code=compare_code(first, other, store)).same_code is None
    assert compare_evaluation(first, evaluated(other, metrics={"f1": 0.5})).same_code is False


def test_every_metric_of_either_side_with_its_band() -> None:
    second = evaluated(BASE, metrics={"roc_auc": 0.75, "f1": 0.5})
    change = compare_evaluation(BASE, second, {"roc_auc": 0.01})
    assert [(each.name, each.before, each.after, each.noise) for each in change.metrics] == [
        ("roc_auc", 0.7421, 0.75, 0.01),
        ("average_precision", 0.56, None, None),
        ("f1", None, 0.5, None),
        ("brier", 0.137, None, None),
        ("log_loss", 0.4312, None, None),
    ]


def test_slices_by_their_share_of_the_rows() -> None:
    assert BASE.evaluation is not None
    slices = list(BASE.evaluation.slices)
    slices[2] = replace(slices[2], metrics={"roc_auc": slices[2].metrics["roc_auc"] - 0.1, "log_loss": 0.498})
    change = compare_evaluation(BASE, evaluated(BASE, slices=tuple(slices)), {"roc_auc of origin=LGA": 0.02})
    top = change.slices[0]
    assert (top.slice, top.name, top.rows, top.noise) == ("origin=LGA", "roc_auc", (8_545, 8_545), 0.02)
    assert top.contribution == pytest.approx(-0.1 * 8_545 / 28_834)
    assert [each.contribution for each in change.slices[1:]] == [0.0] * 5


def test_the_share_is_of_the_data_where_slices_leave_rare_values_out() -> None:
    assert BASE.evaluation is not None
    first = evaluated(BASE, slices=BASE.evaluation.slices[:1])
    part = replace(BASE.evaluation.slices[0], metrics={"roc_auc": 0.0})
    (top, _) = compare_evaluation(first, evaluated(BASE, slices=(part,))).slices
    assert top.contribution == pytest.approx(-0.7521 * 10_592 / 28_834)


@pytest.mark.parametrize("neutral_is_later", [True, False])
def test_the_direction_is_that_of_the_later_version_on_whichever_side(neutral_is_later: bool) -> None:
    neutral = evaluated(BASE, directions=(MetricSpec("roc_auc"),))
    earlier, later = (BASE, neutral) if neutral_is_later else (neutral, BASE)
    there = compare_evaluation(earlier, later)
    back = compare_evaluation(later, earlier, first_is_later=True)
    for found in (there, back):
        directions = {each.name: each.greater_is_better for each in found.metrics}
        assert directions["roc_auc"] is (None if neutral_is_later else True)
        assert directions["log_loss"] is False  # recorded in one of the two


def test_checks_with_another_verdict() -> None:
    change = compare_evaluation(BASE, make_record(auc=0.6))
    assert (change.checks, change.same_checks) == ({"min_roc_auc": (True, False)}, {"slices_covered": True})
    none = evaluated(BASE, checks=())
    assert compare_evaluation(none, BASE).checks == {"min_roc_auc": (None, True), "slices_covered": (None, True)}


def test_a_version_that_was_not_evaluated() -> None:
    change = compare_evaluation(BASE, replace(BASE, evaluation=None))
    assert (change.same_data, change.snapshot, len(change.metrics)) == (None, ("test", None), 4)
    assert all(each.after is None and each.contribution is None for each in (*change.metrics, *change.slices))


def versions(folder: Path, *records: LineageRecord) -> Catalog:
    catalog = Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys")
    for record in records:
        catalog.append(record)
    return catalog


def seeded(run: int, auc: float, **said: Any) -> LineageRecord:
    record = make_record(run=str(run), auc=auc, **said)
    return replace(record, parameters={**record.parameters, "seed": run}, run=replace(record.run, seed=run))


def test_noise_is_measured_over_three_repeats(tmp_path: Path) -> None:
    repeats = [seeded(run, auc) for run, auc in ((1, 0.70), (2, 0.71), (3, 0.72))]
    other = replace(seeded(4, 0.9), parameters={"learning_rate": 0.5})
    with versions(tmp_path, *repeats[:2], seeded(9, 0.1, raw="later"), repeats[2], other) as catalog:
        entries = catalog.entries("flight_delay")
        bands = measure_noise(entries)
        assert bands["roc_auc"] == pytest.approx(0.02)
        assert bands["roc_auc of origin=JFK"] == pytest.approx(0.02)
        assert "brier" not in bands  # the same in every repeat
        assert measure_noise(entries[:-1]) == {}
        assert measure_noise([]) == {}


def test_repeats_with_one_seed_that_agree_say_nothing_of_noise(tmp_path: Path) -> None:
    with versions(tmp_path, *(make_record(run=str(run)) for run in range(4))) as catalog:
        assert measure_noise(catalog.entries("flight_delay")) == {}


def mirrored(metric: MetricChange) -> MetricChange:
    less = -metric.contribution if metric.contribution is not None else None
    return replace(metric, before=metric.after, after=metric.before, rows=swapped(metric.rows), contribution=less)


@given(pairs)
def test_laws(two: tuple[LineageRecord, LineageRecord]) -> None:
    first, second = two
    same = compare_evaluation(first, first)
    assert same.same_data in (True, None)
    assert same.same_code in (True, None)
    assert not same.checks
    assert all(each.before == each.after for each in (*same.metrics, *same.slices))
    there, back = compare_evaluation(first, second), compare_evaluation(second, first, first_is_later=True)
    assert (back.same_data, back.same_code, back.snapshot) == (
        there.same_data,
        there.same_code,
        swapped(there.snapshot),
    )
    assert back.checks == {name: swapped(verdicts) for name, verdicts in there.checks.items()}
    assert back.metrics == tuple(map(mirrored, there.metrics))
    assert {(each.slice, each.name): each for each in back.slices} == {
        (each.slice, each.name): mirrored(each) for each in there.slices
    }
    for record, place in ((first, 0), (second, 1)):
        checks = record.evaluation.checks if record.evaluation else ()
        assert len(checks) == there.unchanged_checks + sum(v[place] is not None for v in there.checks.values())


def test_slices_share_their_own_rows_where_those_of_the_data_are_not_known() -> None:
    assert BASE.evaluation is not None
    unknown = replace(BASE, data=tuple(replace(each, rows=None, schema=()) for each in BASE.data))
    parts = [replace(each, rows=0) for each in BASE.evaluation.slices[:1]]
    change = compare_evaluation(evaluated(unknown, slices=tuple(parts)), evaluated(unknown, slices=tuple(parts)))
    assert [each.contribution for each in change.slices if each.rows == (0, 0)] == [0.0] * len(change.slices)
    whole = BASE.evaluation.slices[:1]
    lower = (replace(whole[0], metrics={"roc_auc": whole[0].metrics["roc_auc"] - 0.1}),)
    (top, _) = compare_evaluation(evaluated(unknown, slices=whole), evaluated(unknown, slices=lower)).slices
    assert top.contribution == pytest.approx(-0.1)


def test_code_differs_where_one_file_of_several_differs_by_more_than_layout() -> None:
    store = Store()
    files = {"a.py": "x = 1\n", "b.py": "y = 1\n"}
    first, second = (with_sources(BASE, store, each) for each in (files, {"a.py": "x = 1  # one\n", "b.py": "y = 2\n"}))
    assert compare_evaluation(first, second, code=compare_code(first, second, store)).same_code is None
    layout = with_sources(BASE, store, {"a.py": "x = 1  # one\n", "b.py": "y = 1\n\n"})
    assert compare_evaluation(first, layout, code=compare_code(first, layout, store)).same_code is True


def test_the_kind_of_a_check_is_that_of_the_later_version() -> None:
    assert BASE.evaluation is not None
    check = BASE.evaluation.checks[0]
    first, second = (
        evaluated(BASE, checks=(replace(check, kind=kind, passed=passed),))
        for kind, passed in ((CheckKind.CUSTOM, True), (CheckKind.THRESHOLD, False))
    )
    assert compare_evaluation(first, second).check_kinds == {check.name: CheckKind.THRESHOLD}
    gone = evaluated(BASE, checks=())
    assert compare_evaluation(first, gone).check_kinds == {check.name: CheckKind.CUSTOM}


@pytest.mark.parametrize("unknown", ["data", "sources", "digest"])
def test_repeats_of_a_recipe_that_is_not_known_in_full_are_no_repeats(tmp_path: Path, unknown: str) -> None:
    def less(record: LineageRecord) -> LineageRecord:
        if unknown == "data":
            return replace(record, data=())
        if unknown == "sources":
            return replace(record, code=replace(record.code, source=None))
        md5_only = DigestSet(md5=record.data[0].digest.md5)
        return replace(record, data=(replace(record.data[0], digest=md5_only), *record.data[1:]))

    with versions(tmp_path, *(less(seeded(run, 0.7 + run / 100)) for run in range(4))) as catalog:
        assert measure_noise(catalog.entries("flight_delay")) == {}
