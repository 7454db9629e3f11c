"""Training: a choice with reasons, an honest evaluation, a model that can be saved and used on a whole row."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from lineage_pipelines import CaptureError, TrainedModel
from lineage_pipelines.capture.evaluation import check_metrics
from lineage_pipelines.capture.parameters import effective_parameters
from lineage_pipelines.flights.models.delay_model import DelayParams, train_flight_delay
from lineage_pipelines.flights.models.minutes_model import MinutesParams, train_expected_minutes
from lineage_pipelines.flights.preparation.columns import LABEL
from lineage_pipelines.flights.preparation.features import FEATURES
from lineage_pipelines_tests.flights.conftest import Tables, prepare, read_parts

DELAY = DelayParams(max_iter=30)
MINUTES = MinutesParams(max_iter=30)
QUICK = DelayParams(max_iter=5, logistic_c=(0.01,), max_leaf_nodes=(4,))
"""Where a test is not about which candidate wins."""


@pytest.fixture(scope="module")
def part(tables: Tables) -> Tables:
    """A quarter of the flights, so that training is quick."""
    train, validation, test = (table.iloc[::4].reset_index(drop=True) for table in tables)
    return train, validation, test


@pytest.fixture(scope="module")
def delay(part: Tables) -> TrainedModel:
    return train_flight_delay(*part, DELAY)


@pytest.fixture(scope="module")
def minutes(part: Tables) -> TrainedModel:
    return train_expected_minutes(*part, MINUTES)


@pytest.fixture(params=["delay", "minutes"])
def trained(request: pytest.FixtureRequest) -> TrainedModel:
    """Either model; what holds for one holds for the other."""
    model: TrainedModel = request.getfixturevalue(request.param)
    return model


def test_the_best_on_validation_is_chosen_and_every_candidate_says_why(delay: TrainedModel) -> None:
    (chosen,) = (candidate for candidate in delay.candidates if candidate.selected)
    assert chosen.metrics["roc_auc"] == max(candidate.metrics["roc_auc"] for candidate in delay.candidates)
    assert chosen.name == delay.parameters["chosen"]
    assert [candidate.name for candidate in delay.candidates] == [
        *("logistic_c0.01", "logistic_c1"),
        *("boosting_15_leaves", "boosting_31_leaves", "boosting_63_leaves"),
    ]
    for candidate in delay.candidates:
        assert candidate.reason.startswith("won: ROC AUC" if candidate.selected else "lost: ROC AUC")
        assert candidate.selected or candidate.reason.endswith(f"worse than {chosen.name}")


def test_the_regression_is_chosen_by_the_smallest_error(minutes: TrainedModel) -> None:
    (chosen,) = (candidate for candidate in minutes.candidates if candidate.selected)
    assert chosen.metrics["rmse"] == min(candidate.metrics["rmse"] for candidate in minutes.candidates)


def test_everything_can_be_recorded(trained: TrainedModel) -> None:
    assert check_metrics(trained.metrics, where="metrics")
    for part in trained.slices:
        assert check_metrics(part.metrics, where=f"{part.name}={part.value}")
    for candidate in trained.candidates:
        assert check_metrics(candidate.metrics, where=candidate.name)
        assert effective_parameters(candidate.parameters)
    assert effective_parameters(DelayParams())
    assert effective_parameters(MinutesParams())
    assert effective_parameters(trained.parameters)
    assert trained.seed == 7
    assert trained.plot is not None
    assert len(trained.plot) <= 30_000


def test_every_origin_and_large_carrier_has_a_slice(trained: TrainedModel, part: Tables) -> None:
    test = part[2]
    for column in ("origin", "carrier"):
        large = {str(value) for value, rows in test[column].value_counts().items() if rows >= 200}
        assert {s.value for s in trained.slices if s.name == column} >= large
    assert {s.value: s.rows for s in trained.slices if s.name == "month"} == {
        "2013-02": len(part[1]),
        "2013-03": len(test),
    }
    assert sum(s.rows for s in trained.slices if s.name == "origin") == len(test)


def test_the_overall_metrics_are_those_of_the_test_month(trained: TrainedModel) -> None:
    (newest,) = (s for s in trained.slices if (s.name, s.value) == ("month", "2013-03"))
    assert newest.metrics == {name: trained.metrics[name] for name in newest.metrics}


def test_training_again_gives_the_same_model_and_changes_no_input(part: Tables) -> None:
    before = [table.copy() for table in part]
    once, again = (train_flight_delay(*part, QUICK) for _ in range(2))
    assert again.metrics == once.metrics
    assert again.candidates == once.candidates
    assert (_probability(again, part[2]) == _probability(once, part[2])).all()
    for table, was in zip(part, before, strict=True):
        pd.testing.assert_frame_equal(table, was)


def test_the_model_reads_features_only(trained: TrainedModel, part: Tables) -> None:
    test = part[2]
    features = test[[feature.name for feature in FEATURES]]
    assert (_predict(trained, features) == _predict(trained, test.assign(**{LABEL: 0}))).all()


def test_the_model_can_be_saved_with_types_of_scikit_learn_and_numpy_only(
    trained: TrainedModel, part: Tables, tmp_path: Path
) -> None:
    skops.io.dump(trained.estimator, tmp_path / "model.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert all(name.startswith(("sklearn.", "numpy.")) for name in types)
    loaded = skops.io.load(tmp_path / "model.skops", trusted=types)
    assert (_predict(replace(trained, estimator=loaded), part[2]) == _predict(trained, part[2])).all()


def test_boosting_can_be_saved_as_well(part: Tables, tmp_path: Path) -> None:
    params = DelayParams(max_iter=5, logistic_c=(), max_leaf_nodes=(4, 8))
    skops.io.dump(train_flight_delay(*part, params).estimator, tmp_path / "model.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert all(name.startswith(("sklearn.", "numpy.")) for name in types)


def test_a_flight_to_a_new_place_by_a_new_airline_is_no_error(trained: TrainedModel, part: Tables) -> None:
    flight = part[2].head(1).assign(carrier="ZZ", dest="XXX", plane_maker="ANTONOV")
    assert len(_predict(trained, flight)) == 1


def test_what_late_means_is_a_parameter(part: Tables) -> None:
    shares = [
        train_flight_delay(*part, replace(QUICK, late_after_minutes=minutes)).metrics["late_share"]
        for minutes in (0, 15, 60)
    ]
    assert shares == [(part[2][LABEL] > minutes).mean() for minutes in (0, 15, 60)]


def test_one_candidate_is_no_choice(part: Tables) -> None:
    with pytest.raises(CaptureError, match="nothing to choose from"):
        train_flight_delay(*part, DelayParams(logistic_c=(), max_leaf_nodes=(15,)))


def test_validation_with_one_outcome_decides_nothing(part: Tables) -> None:
    train, validation, test = part
    with pytest.raises(CaptureError, match="ROC AUC has no value"):
        train_flight_delay(train, validation[validation[LABEL] <= 15], test, DELAY)


def test_a_test_month_with_one_outcome_has_no_ranking_but_is_measured(part: Tables) -> None:
    train, validation, test = part
    trained = train_flight_delay(train, validation, test[test[LABEL] <= 15], QUICK)
    assert "roc_auc" not in trained.metrics
    assert check_metrics(trained.metrics, where="metrics")["late_share"] == 0


def test_the_first_quarter_teaches_more_than_history(tables: Tables) -> None:
    trained = train_flight_delay(*tables, DelayParams())
    assert trained.metrics["gain_over_history"] > 0.05
    assert trained.metrics["roc_auc"] > 0.69
    assert trained.metrics["calibration_error"] < 0.05


def test_a_month_in_celsius_costs_most_of_what_the_model_is_worth(tmp_path: Path) -> None:
    """July as it was and July as the faulty delivery has it, through the same code and settings."""
    params = DelayParams(max_iter=60, logistic_c=(), max_leaf_nodes=(15, 31))
    sound = read_parts(prepare(tmp_path / "sound", "2013-07"))
    faulty = read_parts(prepare(tmp_path / "faulty", "2013-07", "celsius:2013-07", "duplicates:2013-07:LGA"))
    worth = train_flight_delay(*_third(sound), params).metrics["gain_over_history"]
    assert worth > 0.03
    assert train_flight_delay(*_third(faulty), params).metrics["gain_over_history"] < worth / 2
    assert [round(table.duplicated().mean(), 2) for table in faulty] == [0, 0, 0.23]


def _third(tables: Tables) -> Tables:
    train, validation, test = (table.iloc[::3].reset_index(drop=True) for table in tables)
    return train, validation, test


def _predict(trained: TrainedModel, table: pd.DataFrame) -> "np.ndarray[Any, Any]":
    return np.asarray(trained.estimator.predict(table))  # type: ignore[attr-defined]  # any estimator


def _probability(trained: TrainedModel, table: pd.DataFrame) -> "np.ndarray[Any, Any]":
    return np.asarray(trained.estimator.predict_proba(table))  # type: ignore[attr-defined]  # any classifier
