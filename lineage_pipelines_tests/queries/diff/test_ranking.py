"""What of all that differs is kept, and in which order."""

from dataclasses import replace

import numpy as np
import pytest

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    DatasetChange,
    EnvironmentChange,
    EvaluationChange,
    MetricChange,
    Sentence,
)
from lineage_pipelines.queries.diff.data.dataset_changes import compare_datasets
from lineage_pipelines.queries.diff.explanation.data_sentences import data_sentences
from lineage_pipelines.queries.diff.explanation.ranking import rank
from lineage_pipelines_tests.queries.diff.tables import Stored, record
from lineage_pipelines_tests.samples import digests, make_record

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


def test_of_one_finding_the_highest_score_is_kept_whichever_comes_first() -> None:
    """A column that moved far in one dataset and a little in the other."""
    draw, stored = np.random.default_rng(5), Stored()
    base = draw.normal(size=2000)
    before = record(stored.snapshot({"x": base}, "train"), stored.snapshot({"x": base}, "validation"))
    far, little = base + 3 * draw.normal(size=2000), base + 0.2 * draw.normal(size=2000)
    for near in ("train", "validation"):
        moved = {name: little if name == near else far for name in ("train", "validation")}
        after = record(*(stored.snapshot({"x": values}, name) for name, values in moved.items()))
        changes = tuple(compare_datasets(before, after, stored))
        alone = max(s.score for change in changes for s in data_sentences(change) if s.column == "x")
        for order in (changes, changes[::-1]):
            assert [s.score for s in _ranked(*order) if s.column == "x"] == [alone]


def _measured_on(other: str, *, differs: str) -> list[str]:
    """The layers that are told where the data that was measured on is other, and one dataset differs."""
    one = make_record().data[0]
    first = (replace(one, name="train"), replace(one, name="test", path="t"))
    second = tuple(replace(each, digest=digests("other")) if each.name == differs else each for each in first)
    changes = compare_datasets(record(*first), record(*second), lambda _: None)
    return [
        sentence.layer
        for sentence in rank(
            data=changes,
            stages=(),
            code=CodeChange(identical=True),
            environment=EnvironmentChange(identical=True),
            parameters=(),
            evaluation=EvaluationChange(same_data=False, same_code=True, snapshot=(other, other)),
            facts={},
        )
    ]


def test_metrics_cannot_be_compared_where_only_what_was_measured_on_differs() -> None:
    assert "evaluation" in _measured_on("test", differs="test")
    assert "evaluation" not in _measured_on("test", differs="train")


@pytest.mark.parametrize("moved", [True, False])
def test_where_nothing_that_was_recorded_differs_no_cause_is_claimed(moved: bool) -> None:
    metric = MetricChange(name="roc_auc", before=0.7, after=0.8 if moved else 0.7)
    (sentence,) = rank(
        data=(),
        stages=(),
        code=CodeChange(identical=True),
        environment=EnvironmentChange(identical=True),
        parameters=(),
        evaluation=EvaluationChange(same_data=True, same_code=True, metrics=(metric,)),
        facts={},
    )
    unexplained = "nothing that was recorded differs; the record does not explain the change in the metrics"
    assert (sentence.text == unexplained) is moved
    assert "chance" not in sentence.text
