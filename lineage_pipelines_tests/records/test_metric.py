"""The direction of a metric: what names tell, and the one rule `no_worse`."""

import pytest
import sklearn.metrics

from lineage_pipelines.records.statement.dataset import Grade
from lineage_pipelines.records.statement.metric import (
    GREATER_IS_BETTER,
    LOWER_IS_BETTER,
    MetricSpec,
    direction_by_name,
    is_no_worse,
    metric_specs,
)


@pytest.mark.parametrize("name", sklearn.metrics.get_scorer_names())
def test_a_greater_value_of_every_scorer_is_better(name: str) -> None:
    assert sklearn.metrics.get_scorer(name) is not None
    assert direction_by_name(name) is True


def test_the_table_has_every_loss_and_error_of_scikit_learn() -> None:
    falling = {name for name in dir(sklearn.metrics) if name.endswith(("_loss", "_error", "_deviance"))}
    assert "log_loss" in falling
    assert falling <= LOWER_IS_BETTER
    assert {name for name in falling if direction_by_name(name) is not False} == set()


def test_the_table_has_every_score_of_scikit_learn() -> None:
    scores = {name for name in dir(sklearn.metrics) if name.endswith("_score")}
    assert scores - GREATER_IS_BETTER == {"davies_bouldin_score"}
    assert direction_by_name("davies_bouldin_score") is False


def test_no_name_is_on_both_sides_of_the_table() -> None:
    assert not GREATER_IS_BETTER & LOWER_IS_BETTER


@pytest.mark.parametrize(
    ("name", "greater"),
    [
        ("logloss", False),
        ("rmsle", False),
        ("nll", False),
        ("mae", False),
        ("val_loss", False),
        ("Test RMSE", False),
        ("training_roc_auc", True),
        ("training_accuracy_score", True),
        ("neg_rmse", True),
        ("val_neg_log_loss", True),
        ("auc", True),
        # Nothing is guessed.
        ("profit_loss", None),
        ("weight_loss", None),
        ("mean_bias_error", None),
        ("calibration_error", None),
        ("word_accuracy_lost", None),
        ("wer", None),
        ("latency_ms", None),
        ("mean_error", None),
        ("roc_auc_gap", None),
        ("error_recovery", None),
        ("neg_something", None),
        ("", None),
        ("_", None),
    ],
)
def test_what_a_name_tells(name: str, greater: bool | None) -> None:
    assert direction_by_name(name) is greater


def test_what_was_declared_counts_before_the_name() -> None:
    declared = [MetricSpec("error", greater_is_better=None), MetricSpec("wer", greater_is_better=False)]
    assert metric_specs(["wer", "roc_auc", "error", "cost"], declared) == (
        MetricSpec("error"),
        MetricSpec("roc_auc", greater_is_better=True, grade=Grade.INFERRED),
        MetricSpec("wer", greater_is_better=False),
    )


@pytest.mark.parametrize(
    ("value", "before", "greater", "tolerance", "passes"),
    [
        (0.79, 0.8, True, 0.01, True),  # in binary fractions, the difference is 9e-18 over the tolerance
        (0.789, 0.8, True, 0.01, False),
        (0.9, 0.3, False, 0.01, False),
        (0.3, 0.9, False, 0.0, True),
        (0.31, 0.3, False, 0.01, True),
        (0.5, 0.5, True, 0.0, True),
    ],
)
def test_the_rule_no_worse(value: float, before: float, greater: bool, tolerance: float, passes: bool) -> None:
    assert is_no_worse(value, before, greater_is_better=greater, tolerance=tolerance) is passes
