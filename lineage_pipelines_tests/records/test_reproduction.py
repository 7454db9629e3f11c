"""A verdict comes back as it went in, and cannot claim a level that its steps did not reach."""

import dataclasses
from datetime import UTC, datetime

import pytest

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.decisions.reproduction import (
    Level,
    MetricAgain,
    Reproduction,
    ReproductionStep,
    decode_reproduction,
    encode_reproduction,
    reached_level,
)
from lineage_pipelines.records.values.digest import Digest

STEPS = (
    ReproductionStep(level=Level.INPUTS, reached=True, detail="3 inputs"),
    ReproductionStep(level=Level.SETTING, reached=False, detail="scikit-learn is another one"),
    ReproductionStep(level=Level.RAN, reached=True, detail="in 3 s"),
    ReproductionStep(level=Level.METRICS, reached=True, detail="12 metrics"),
)
VERDICT = Reproduction(
    record=Digest.of(b"record"),
    model="churn",
    version=4,
    level=Level.METRICS,
    steps=STEPS,
    differs=("environment: scikit-learn 1.9.1 instead of 1.9.0",),
    metrics_compared=12,
    metrics=(MetricAgain(name="roc_auc", recorded=0.81, again=0.8, tolerance=0.02, within=True),),
    tolerance="declared",
    by="ann",
    host="trainer-1",
    started=datetime(2026, 3, 5, tzinfo=UTC),
    finished=datetime(2026, 3, 6, tzinfo=UTC),
)


def test_a_verdict_comes_back() -> None:
    assert decode_reproduction(encode_reproduction(VERDICT)) == VERDICT


@pytest.mark.parametrize(
    ("reached", "level"),
    [
        ("", "R0"),
        ("R1", "R1"),
        ("R2", "R0"),
        ("R1 R2", "R2"),
        ("R1 R2 R3", "R3"),
        ("R1 R2 R3 R5", "R3"),  # the metrics are others, so something else is
        ("R1 R2 R3 R4", "R4"),
        ("R1 R3 R4 R4.5", "R4.5"),
        ("R1 R2 R3 R4 R5", "R5"),  # no predictions were recorded
        ("R3 R4 R4.5 R5", "R5"),
    ],
)
def test_the_level_is_how_far_it_came(reached: str, level: str) -> None:
    steps = [ReproductionStep(level=each, reached=each in reached.split(), detail="") for each in Level][1:]
    assert reached_level(steps) == level


def test_levels_have_an_order_and_a_meaning() -> None:
    assert Level.PREDICTIONS.reaches(Level.METRICS)
    assert not Level.METRICS.reaches(Level.PREDICTIONS)
    assert all(level.meaning for level in Level)


def test_a_level_that_was_not_reached_is_refused() -> None:
    claimed = dataclasses.replace(VERDICT, level=Level.MODEL)
    with pytest.raises(RecordError, match="its steps say R4"):
        decode_reproduction(encode_reproduction(claimed))
