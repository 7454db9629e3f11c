"""What counts as the same: metrics within a tolerance that is declared or measured, and never within a constant."""

import pytest

from lineage_pipelines.records.statement.training_run import Evaluation, SliceMetrics
from lineage_pipelines.replay.level_check import Tolerances, compare_metrics


def _evaluation(auc: float, oslo: float | None = 0.7) -> Evaluation:
    slices = [SliceMetrics(name="city", value="Oslo", rows=10, metrics={"roc_auc": oslo})] if oslo is not None else []
    return Evaluation(metrics={"roc_auc": auc, "rows": 100.0}, slices=tuple(slices))


@pytest.mark.parametrize(
    ("tolerances", "within"),
    [
        (Tolerances(), [False, False]),
        (Tolerances(declared={"roc_auc": 0.01}), [True, False]),  # of a slice as well
        (Tolerances(declared={"roc_auc": 0.05}), [True, True]),
        (Tolerances(measured={"roc_auc": 0.01}), [True, False]),  # measured of each by itself
        (Tolerances(measured={"roc_auc of city=Oslo": 0.05}), [False, True]),
        (Tolerances(declared={"roc_auc": 0.001}, measured={"roc_auc": 0.01}), [True, False]),
    ],
)
def test_a_metric_may_move_as_far_as_its_tolerance(tolerances: Tolerances, within: list[bool]) -> None:
    count, moved, gone = compare_metrics(_evaluation(0.8), _evaluation(0.805, 0.73), tolerances)
    assert (count, gone) == (3, ())
    assert [(each.name, each.within) for each in moved] == [
        ("roc_auc", within[0]),
        ("roc_auc of city=Oslo", within[1]),
    ]


def test_equal_metrics_need_no_tolerance_and_lost_ones_are_named() -> None:
    assert compare_metrics(_evaluation(0.8), _evaluation(0.8), Tolerances()) == (3, (), ())
    assert compare_metrics(_evaluation(0.8), _evaluation(0.8, None), Tolerances())[2] == ("roc_auc of city=Oslo",)
    assert compare_metrics(_evaluation(0.8), None, Tolerances())[2] == ("roc_auc", "rows", "roc_auc of city=Oslo")
    assert compare_metrics(None, _evaluation(0.8), Tolerances()) == (0, (), ())
