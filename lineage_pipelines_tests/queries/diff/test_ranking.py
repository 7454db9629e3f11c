"""What of all that differs is kept, and in which order."""

import numpy as np
import pytest

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    DatasetChange,
    EnvironmentChange,
    EvaluationChange,
    Sentence,
)
from lineage_pipelines.queries.diff.data.dataset_changes import compare_datasets
from lineage_pipelines.queries.diff.explanation.ranking import rank
from lineage_pipelines_tests.queries.diff.tables import Stored, record

NAMES = [("home.age", "away.age"), ("home_age", "away_age"), ("age", ".age"), ("a.b.", "b.")]


def _ranked(*changes: DatasetChange) -> tuple[Sentence, ...]:
    return rank(
        data=changes,
        stages=(),
        code=CodeChange(identical=True),
        environment=EnvironmentChange(identical=True),
        parameters=(),
        evaluation=EvaluationChange(same_data=True, same_code=True),
        facts={},
    )


def _changes(names: tuple[str, str], *datasets: str) -> tuple[DatasetChange, ...]:
    """Both columns moved, by different ways, in each dataset."""
    draw, stored = np.random.default_rng(3), Stored()
    before = {name: draw.normal(size=500) for name in names}
    after = {names[0]: before[names[0]] * 1.5 + 4, names[1]: draw.exponential(size=500)}
    sides = [record(*(stored.snapshot(side, name) for name in datasets)) for side in (before, after)]
    return tuple(compare_datasets(sides[0], sides[1], stored))


@pytest.mark.parametrize("names", NAMES)
def test_columns_are_told_apart_by_their_whole_name(names: tuple[str, str]) -> None:
    found = _ranked(*_changes(names, "train"))
    assert {f"train.{name}" for name in names} <= {sentence.subject for sentence in found}


@pytest.mark.parametrize("names", NAMES)
def test_a_column_that_moved_in_two_datasets_is_one_finding(names: tuple[str, str]) -> None:
    found = _ranked(*_changes(names, "train", "validation"))
    assert sorted(sentence.column for sentence in found if sentence.column) == sorted(names)


def test_datasets_are_told_apart_whatever_their_names_end_with() -> None:
    one, other = _changes(("x", "y"), "north.csv", "south.csv")
    gone = [sentence.subject for sentence in _ranked(*(_without_columns(change) for change in (one, other)))]
    assert sorted(gone) == ["north.csv", "south.csv"]


def _without_columns(change: DatasetChange) -> DatasetChange:
    return DatasetChange(name=change.name, kind=change.kind, evidence=change.evidence, role=change.role, rows=(9, 5))
