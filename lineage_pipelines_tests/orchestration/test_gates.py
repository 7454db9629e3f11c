"""Gates judge a version by its numbers and by the very bytes that it read."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from lineage_pipelines import (
    CaptureError,
    Gate,
    GateFacts,
    MetricSpec,
    SliceMetrics,
    disjoint,
    no_worse,
    slices_evaluated,
    threshold,
    unique_rows,
)
from lineage_pipelines.orchestration.training.model_definition import check_metric_specs
from lineage_pipelines.queries.registry.baseline import Baseline
from lineage_pipelines.queries.registry.promotion_policy import Policy, evaluate_policy
from lineage_pipelines.records.statement.dataset import Grade
from lineage_pipelines.records.statement.metric import metric_specs
from lineage_pipelines.records.statement.training_run import CheckKind, check_kind
from lineage_pipelines_tests.samples import make_record, with_metrics


@pytest.fixture
def facts(tmp_path: Path) -> GateFacts:
    """Six rows to train on and four others to test on."""
    rows = pd.DataFrame({"city": ["Oslo"] * 5 + ["Rome"] * 5, "amount": range(10)})
    tables = {"train": rows[:6], "test": rows[6:]}
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    record = make_record(auc=0.8)
    return GateFacts(
        metrics={"roc_auc": 0.79, "log_loss": 0.45},
        inputs={name: tmp_path / f"{name}.parquet" for name in tables},
        evaluated_on="test",
        baseline=Baseline(label="flight_delay@1", record=record),
        measured_on=record.measured_on,
    )


def passed(gate: Gate, facts: GateFacts) -> bool:
    return gate.check(facts).passed


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (threshold(min_roc_auc=0.79), True),
        (threshold(min_roc_auc=0.791), False),
        (threshold(max_log_loss=0.45), True),
        (threshold(max_log_loss=0.449), False),
        (threshold(min_f1=0.0), False),
        (no_worse(roc_auc=0.011), True),
        (no_worse(roc_auc=0.009), False),
        (no_worse(roc_auc=0.01), True),
        (no_worse(log_loss=0.02), True),
        (no_worse(log_loss=0.01), False),
        (no_worse(log_loss=0.0, falls=False), True),
        (no_worse(f1=0.1), False),
    ],
)
def test_a_metric_is_held_against_its_limit(facts: GateFacts, gate: Gate, expected: bool) -> None:
    assert passed(gate, facts) is expected


@pytest.mark.parametrize(("metric", "falls"), [("wer", True), ("uplift", False), ("roc_auc", None), ("logloss", None)])
@pytest.mark.parametrize(("before", "after"), [(0.3, 0.9), (0.9, 0.3), (0.5, 0.51), (0.51, 0.5), (0.5, 0.5)])
def test_gate_and_policy_agree(facts: GateFacts, metric: str, falls: bool | None, before: float, after: float) -> None:
    tolerances: dict[str, Any] = {metric: 0.01}
    gate = no_worse(falls=falls, **tolerances)
    declared = check_metric_specs([], [gate])
    old, new = (
        dataclasses.replace(record, evaluation=dataclasses.replace(record.evaluation, directions=specs))
        for record in (with_metrics(make_record(), **{metric: before}), with_metrics(make_record(), **{metric: after}))
        if record.evaluation is not None and (specs := metric_specs([metric], declared))
    )
    (rule,) = evaluate_policy(Policy(checks=(), no_worse={metric: 0.01}), new, old)[1:]
    baseline = Baseline(label="m@1", record=old)
    facts = dataclasses.replace(facts, metrics={metric: after}, baseline=baseline, directions=declared)
    check = gate.check(facts)
    assert check.passed is rule.passed
    assert check.passed is (
        before == after or (after > before) is (metric in ("uplift", "roc_auc")) or abs(after - before) < 0.1
    )
    assert rule.detail.startswith(f"{after:g} against {before:g}")
    assert check.detail.startswith(f"{metric} = {after:g}, m@1: {before:g}, tolerance 0.01")


def test_a_metric_of_unknown_direction_has_to_be_declared(facts: GateFacts) -> None:
    gate = no_worse(wer=0.01)
    with pytest.raises(CaptureError, match="wer") as caught:
        check_metric_specs([], [gate])
    assert 'MetricSpec("wer", greater_is_better=…)' in (caught.value.fix or "")
    with pytest.raises(CaptureError, match="MetricSpec"):
        gate.check(dataclasses.replace(facts, metrics={"wer": 0.1}))
    declared = check_metric_specs([MetricSpec("wer", greater_is_better=False)], [gate])
    record = with_metrics(make_record(), wer=0.2)
    baseline = Baseline(label="m@1", record=record)
    facts = dataclasses.replace(facts, metrics={"wer": 0.1}, directions=declared, baseline=baseline)
    assert passed(gate, facts)
    (rule,) = evaluate_policy(Policy(no_worse={"wer": 0.5}), record, None)[1:]
    assert (rule.passed, "MetricSpec" in rule.detail) == (False, True)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([MetricSpec("auc", greater_is_better=False)], "auc is declared in two ways"),
        ([MetricSpec("auc")], "auc is declared in two ways"),
        (["auc"], "a member of metrics"),
        ([MetricSpec("")], "no name"),
        ([MetricSpec("x", grade=Grade.CAPTURED)], "the grade of x is captured"),
        ([MetricSpec("x", grade="captured")], "the grade of x is captured"),  # type: ignore[arg-type]
        ({"auc": True}, "metrics"),
        ([MetricSpec("auc", greater_is_better="yes")], "greater_is_better of auc"),  # type: ignore[arg-type]
    ],
)
def test_a_direction_that_means_nothing_is_refused(metrics: list[MetricSpec], message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        check_metric_specs(metrics, [no_worse(auc=0.1, falls=False)])


@pytest.mark.parametrize(
    ("gate", "kind"),
    [
        (threshold(min_roc_auc=0.5), CheckKind.THRESHOLD),
        (no_worse(roc_auc=0.5), CheckKind.NO_WORSE),
        (slices_evaluated("city"), CheckKind.SLICES),
        (disjoint("train", "test"), CheckKind.DISJOINT),
        (unique_rows("train"), CheckKind.UNIQUE),
        (Gate(name="cheap", description="", judge=lambda _: (True, "yes")), CheckKind.CUSTOM),
    ],
)
def test_what_a_gate_asks_is_recorded_and_earlier_records_tell_it_by_name(
    facts: GateFacts, gate: Gate, kind: CheckKind
) -> None:
    check = gate.check(facts)
    assert check.kind is kind
    assert check_kind(dataclasses.replace(check, name="another_name")) is kind
    assert check_kind(dataclasses.replace(check, kind=None)) is kind


def test_without_a_version_to_compare_with_nothing_is_worse(facts: GateFacts) -> None:
    alone = dataclasses.replace(facts, baseline=None)
    assert passed(no_worse(roc_auc=0.0), alone)
    assert facts.baseline is not None
    other = Baseline(label="x@1", record=with_metrics(facts.baseline.record, f1=0.5))
    assert "no roc_auc" in no_worse(roc_auc=0.0).check(dataclasses.replace(facts, baseline=other)).detail


def test_the_numbers_of_a_verdict_are_recorded(facts: GateFacts) -> None:
    def figures(gate: Gate, seen: GateFacts = facts) -> dict[str, float]:
        return dict(gate.check(seen).figures)

    auc = facts.baseline.record.evaluation.metrics["roc_auc"]  # type: ignore[union-attr]  # the fixture has them
    assert figures(threshold(min_roc_auc=0.7)) == {"value": 0.79, "minimum": 0.7}
    assert figures(threshold(max_log_loss=0.4)) == {"value": 0.45, "maximum": 0.4}
    assert figures(no_worse(roc_auc=0.02)) == {"value": 0.79, "baseline": auc, "tolerance": 0.02}
    assert figures(no_worse(roc_auc=0.02), dataclasses.replace(facts, baseline=None)) == {"value": 0.79}
    assert figures(disjoint()) == {"shared_rows": 0, "rows": 4}
    assert figures(unique_rows("train", max_share=0.1)) == {"share_train": 0.0, "maximum": 0.1}
    own = Gate(name="own", description="", judge=lambda _: (True, "fine", {"value": np.float32(0.5)}))  # type: ignore[dict-item]  # numpy's too
    assert figures(own) == {"value": 0.5}


def test_figures_that_are_no_numbers_are_refused(facts: GateFacts) -> None:
    gate = Gate(name="own", description="", judge=lambda _: (True, "fine", {"value": float("nan")}))
    with pytest.raises(CaptureError, match="own: figures"):
        gate.check(facts)


def test_a_comparison_over_different_data_says_so(facts: GateFacts) -> None:
    assert "different" not in no_worse(roc_auc=0.1).check(facts).detail
    moved = dataclasses.replace(facts, measured_on=make_record(raw="later").measured_on)
    assert "measured on different test data" in no_worse(roc_auc=0.1).check(moved).detail


def test_data_is_compared_by_what_each_version_was_measured_on(facts: GateFacts) -> None:
    assert facts.baseline is not None
    assert facts.measured_on is not None
    test = dataclasses.replace(facts.measured_on, name="holdout")
    renamed = dataclasses.replace(facts, evaluated_on="holdout", measured_on=test)
    assert "data" not in no_worse(roc_auc=0.1).check(renamed).detail
    record = facts.baseline.record
    unmeasured = dataclasses.replace(record, data=())
    other = dataclasses.replace(
        facts, measured_on=None, baseline=dataclasses.replace(facts.baseline, record=unmeasured)
    )
    assert "not known whether both were measured on the same data" in no_worse(roc_auc=0.1).check(other).detail


@pytest.mark.parametrize(
    ("seen", "min_rows", "expected"),
    [
        ({"Rome"}, 1, True),
        (set(), 1, False),
        (set(), 4, False),
        ({"Rome"}, 4, True),
        (set(), 5, True),
        ({"Oslo"}, 1, False),
    ],
)
def test_every_large_slice_must_be_evaluated(facts: GateFacts, seen: set[str], min_rows: int, expected: bool) -> None:
    parts = [SliceMetrics(name="city", value=value, rows=4, metrics={"roc_auc": 0.7}) for value in seen]
    check = slices_evaluated("city", min_rows=min_rows).check(dataclasses.replace(facts, slices=parts))
    assert check.passed is expected
    assert expected or "city=Rome" in check.detail


def test_a_slice_column_that_is_not_there_does_not_pass(facts: GateFacts) -> None:
    assert "planet (no such column)" in slices_evaluated("planet").check(facts).detail


def test_shared_rows_are_found_and_counted(facts: GateFacts) -> None:
    assert passed(disjoint("train", "test"), facts)
    table = pd.read_parquet(facts.inputs["train"])
    pd.concat([pd.read_parquet(facts.inputs["test"]), table[:2]]).to_parquet(facts.inputs["test"], index=False)
    check = disjoint("train", "test").check(dataclasses.replace(facts))
    assert not check.passed
    assert "2 of 6 rows" in check.detail


def test_a_row_is_the_same_row_whatever_the_type_of_its_numbers(facts: GateFacts) -> None:
    """One gap makes a column of integers one of floats."""
    shared = pd.read_parquet(facts.inputs["train"]).assign(amount=[0, 1, 2, 3, 4, float("nan")])
    shared.to_parquet(facts.inputs["test"], index=False)
    check = disjoint("train", "test").check(facts)
    assert not check.passed
    assert "5 of 6 rows" in check.detail


def test_tables_without_a_common_column_are_not_called_disjoint(facts: GateFacts) -> None:
    pd.DataFrame({"town": ["Oslo"]}).to_parquet(facts.inputs["test"], index=False)
    assert "no column in common" in disjoint("train", "test").check(facts).detail
    assert not passed(disjoint("train", "test"), facts)


def test_repeated_rows_are_found_and_counted(facts: GateFacts) -> None:
    assert passed(unique_rows("train", "test"), facts)
    table = pd.read_parquet(facts.inputs["train"])
    pd.concat([table, table[:3]]).to_parquet(facts.inputs["train"], index=False)
    facts = dataclasses.replace(facts)  # of another version: tables are read once for each
    assert not passed(unique_rows("train", max_share=0.3), facts)
    assert passed(unique_rows("train", max_share=3 / 9), facts)
    assert passed(unique_rows("train", max_share=0.34), facts)
    assert "3 of 9 rows" in unique_rows("train").check(facts).detail


_ID = 1577134800018164904


def test_large_integers_with_a_gap_are_different_rows(facts: GateFacts) -> None:
    ids = pa.table({"id": pa.array([*range(_ID, _ID + 200), None], pa.int64())})
    later = pa.table({"id": pa.array([*range(_ID + 200, _ID + 300), _ID], pa.int64())})
    parquet.write_table(ids, facts.inputs["train"])
    parquet.write_table(later, facts.inputs["test"])
    assert unique_rows("train").check(facts).detail == "train: 0 of 201 rows repeat"
    assert disjoint().check(facts).detail == "1 of 101 rows of test are in train as well"


def test_columns_that_pandas_makes_an_index_count(facts: GateFacts) -> None:
    table = pd.DataFrame({"customer": [f"c{i}" for i in range(50)], "plan": ["basic"] * 50})
    for name in ("train", "test"):
        table.set_index("customer").to_parquet(facts.inputs[name])
    assert unique_rows("train").check(facts).detail == "train: 0 of 50 rows repeat"
    assert "50 of 50" in disjoint().check(facts).detail
    slices = [SliceMetrics(name="customer", value=f"c{i}", rows=1, metrics={"auc": 1.0}) for i in range(49)]
    check = slices_evaluated("customer", min_rows=1).check(dataclasses.replace(facts, slices=slices))
    assert check.detail == "not evaluated: customer=c49"


def test_an_index_without_a_name_makes_no_row_another(facts: GateFacts) -> None:
    pd.DataFrame({"plan": ["basic"] * 3}, index=[4, 8, 9]).to_parquet(facts.inputs["train"])
    assert unique_rows("train").check(facts).detail == "train: 2 of 3 rows repeat"


def test_a_number_in_one_table_is_the_text_in_the_other(facts: GateFacts, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("zip\n12345\n23456\n")
    (tmp_path / "test.csv").write_text("zip\n12345\nSW1A\n")
    inputs = {name: tmp_path / f"{name}.csv" for name in ("train", "test")}
    assert "1 of 2 rows" in disjoint().check(dataclasses.replace(facts, inputs=inputs)).detail


def test_nested_values_are_compared(facts: GateFacts) -> None:
    for name, rows in {"train": [[1, 2], [3]], "test": [[3], [2, 1]]}.items():
        parquet.write_table(pa.table({"x": rows, "y": [{"a": 1}] * 2}), facts.inputs[name])
    assert passed(unique_rows("train", "test"), facts)
    assert "1 of 2 rows" in disjoint().check(facts).detail
    check = slices_evaluated("x", min_rows=1).check(facts)
    assert "not evaluated: x=" in check.detail


def test_a_slice_without_a_metric_was_not_evaluated(facts: GateFacts) -> None:
    parts = [SliceMetrics(name="city", value="Rome", rows=4)]
    assert not passed(slices_evaluated("city", min_rows=1), dataclasses.replace(facts, slices=parts))


def test_a_gate_can_warn_only(facts: GateFacts) -> None:
    assert threshold(min_roc_auc=1.0, blocking=False).check(facts).severity == "warn"
    assert threshold(min_roc_auc=1.0).check(facts).severity == "error"


@pytest.mark.parametrize(
    "make",
    [
        threshold,
        lambda: threshold(roc_auc=0.7),
        lambda: threshold(min_roc_auc=0.7, max_log_loss=0.3),
        no_worse,
        lambda: no_worse(a=1, b=2),
        lambda: no_worse(roc_auc=-0.01),
        lambda: disjoint("train", "nothing"),
    ],
)
def test_a_gate_that_says_nothing_is_refused_with_an_example(make: object, facts: GateFacts) -> None:
    with pytest.raises(CaptureError) as told:
        make().check(facts)  # type: ignore[operator]
    assert told.value.fix


@pytest.mark.parametrize(("one", "other"), [("train", ""), ("", "test"), ("train", None), (7, "test")])
def test_tables_that_share_no_row_are_both_named(one: Any, other: Any) -> None:
    with pytest.raises(CaptureError, match=r"disjoint\(\) is given"):
        disjoint(one, other)


@pytest.mark.parametrize(
    ("limits", "described", "detail"),
    [
        ({"min_roc_auc": 0.5}, "roc_auc is at least 0.5", "required: at least 0.5"),
        ({"max_log_loss": 0.9}, "log_loss is at most 0.9", "required: at most 0.9"),
    ],
)
def test_a_threshold_says_on_which_side_it_is(
    facts: GateFacts, limits: dict[str, Any], described: str, detail: str
) -> None:
    gate = threshold(**limits)
    assert gate.description == described
    measured = dataclasses.replace(facts, metrics={"roc_auc": 0.5, "log_loss": 0.9})
    assert detail in gate.check(measured).detail
    assert gate.check(measured).passed


def test_gates_name_what_they_read_and_ask() -> None:
    gates = [
        threshold(min_roc_auc=0.65),
        threshold(max_log_loss=0.6, blocking=False),
        no_worse(roc_auc=0.01),
        slices_evaluated("origin", "dest", min_rows=50),
        disjoint("train", "new data"),
        unique_rows("train", "test", max_share=0.005),
    ]
    assert [(gate.name, gate.description, gate.inputs, gate.blocking) for gate in gates] == [
        ("min_roc_auc", "roc_auc is at least 0.65", (), True),
        ("max_log_loss", "log_loss is at most 0.6", (), False),
        ("no_worse_roc_auc", "roc_auc is no more than 0.01 worse than in production", (), True),
        ("slices_evaluated", "every origin, dest with 50 rows or more was evaluated", (), True),
        ("train_new_data_disjoint", "no row is in both train and new data", ("train", "new data"), True),
        ("unique_rows", "at most 0.5% of the rows of train, test are repeated", ("train", "test"), True),
    ]


def test_slices_are_asked_for_in_every_column_from_the_least_number_of_rows_on(facts: GateFacts) -> None:
    oslo = SliceMetrics(name="city", value="Rome", rows=4, metrics={"roc_auc": 0.7})
    evaluated = dataclasses.replace(facts, slices=(oslo,))
    found = slices_evaluated("town", "amount", "city", min_rows=1).check(evaluated)
    absent = "amount=6, amount=7, amount=8, amount=9"
    assert (found.passed, found.detail) == (False, f"not evaluated: town (no such column), {absent}")
    assert found.figures == {"asked": 5, "absent": 5}
    few = slices_evaluated("city", "amount", min_rows=4).check(evaluated)
    assert (few.passed, few.detail, few.figures) == (
        True,
        "1 slices of city, amount evaluated",
        {"asked": 1, "absent": 0},
    )
    assert passed(slices_evaluated("city", min_rows=5), facts)
    assert not passed(slices_evaluated("city", min_rows=4), facts)
    empty = dataclasses.replace(oslo, metrics={})
    assert not passed(slices_evaluated("city", min_rows=4), dataclasses.replace(facts, slices=(empty,)))


@pytest.mark.parametrize(("share", "expected"), [(0.5, True), (0.49, False), (0.0, False)])
def test_rows_may_repeat_up_to_a_share(tmp_path: Path, share: float, expected: bool) -> None:
    for name, rows in (("train", [1, 2, 2, 1]), ("test", [1, 2]), ("none", [])):
        pd.DataFrame({"x": pd.Series(rows, dtype="int64")}).to_parquet(tmp_path / f"{name}.parquet", index=False)
    inputs = {name: tmp_path / f"{name}.parquet" for name in ("train", "test", "none")}
    facts = GateFacts(metrics={}, inputs=inputs, evaluated_on=None, baseline=None)
    found = unique_rows("test", "train", "none", max_share=share).check(facts)
    assert found.passed is expected
    assert found.detail == "test: 0 of 2 rows repeat; train: 2 of 4 rows repeat; none: 0 of 0 rows repeat"
    assert found.figures == {"share_test": 0.0, "share_train": 0.5, "share_none": 0.0, "maximum": share}
