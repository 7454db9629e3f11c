"""Which parts of two versions differ for an attribution: those that the comparison of versions finds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets
from lineage_pipelines.queries.diff.run.parameters import compare_parameters
from lineage_pipelines.records.decisions.attribution import PlayerKind
from lineage_pipelines.records.statement.dataset import StageInput, StageRun
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.replay.mix_design import Differing, differing_parts, mix, recipe
from lineage_pipelines_tests.queries.diff.stored import pairs
from lineage_pipelines_tests.samples import digests, make_record


def parts(old: LineageRecord, new: LineageRecord) -> dict[str, Differing]:
    return {each.part.name: each for each in differing_parts(old, new)}


def test_equal_versions_have_no_part_that_differs() -> None:
    assert parts(make_record(), make_record()) == {}


@given(pairs)
def test_every_difference_that_the_comparison_finds_is_a_part(two: tuple[LineageRecord, LineageRecord]) -> None:
    old, new = two
    kinds = {each.part.kind for each in differing_parts(old, new)}
    parameters = {change.name for change in compare_parameters(old, new).changes}
    if parameters and parameters.isdisjoint({"seed"}) and not old.candidates and not new.candidates:
        assert PlayerKind.PARAMETERS in kinds
    if any(change.kind is not Kind.IDENTICAL for change in compare_datasets(old, new, Ways(blobs=lambda _: None))):
        assert kinds & {PlayerKind.DATA, PlayerKind.EVALUATION, PlayerKind.PREPARATION}
    everything = parts(old, new)
    assert parts(mix(old, new, everything, frozenset(everything)), new) == {}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"n": 1}, {"n": 1.0}, "n 1 to 1.0"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b[1] 2 to 3"),
    ],
)
def test_parameters_differ_as_the_comparison_says(
    before: Mapping[str, Any], after: Mapping[str, Any], words: str
) -> None:
    old, new = (replace(make_record(), parameters=each) for each in (before, after))
    (found,) = differing_parts(old, new)
    assert (found.part.kind, found.part.differs) == (PlayerKind.PARAMETERS, words)
    assert recipe(found.take(old, new)) == recipe(new)


def test_parts_know_where_their_difference_begins() -> None:
    def made(orders: str, every: int) -> LineageRecord:
        base = make_record()
        orders_used = StageInput(path="data/orders.csv", digest=digests(orders), origin="tracked:data/orders.csv.dvc")
        clean = StageRun(name="clean", command="c", deps=(orders_used,), params={}, outs=(), lock=base.artifact.digest)
        used = StageInput(path="clean.csv", digest=digests(orders), origin="stage:clean")
        split = replace(clean, name="split", command="s", deps=(used,), params={"params.yaml": {"every": every}})
        data = tuple(
            replace(
                base.data[0], name=name, path=f"{name}.csv", digest=digests(f"{name}{orders}{every}"), produced_by=by
            )
            for name, by in (("train", "split"), ("test", "split"), ("prices", None))
        )
        return replace(base, data=data, stages=(clean, split), sources=())

    def origins(new: LineageRecord) -> set[str]:
        found = differing_parts(made("a", 3), new)
        return {each.part.origin for each in found if each.part.name.endswith(("train)", "test)", "train", "test"))}

    assert origins(made("b", 3)) == {"data/orders.csv"}
    assert origins(made("a", 5)) == {"stage split"}
    assert origins(made("b", 5)) == {"data/orders.csv, stage split"}


def test_another_training_function_of_the_same_files_is_other_code() -> None:
    old = make_record()
    assert old.code.source is not None
    new = replace(old, code=replace(old.code, source=replace(old.code.source, entry="flights.model:other")))
    assert parts(old, new).keys() == {"code"}


def test_an_input_of_another_name_replaces_the_one_that_it_was() -> None:
    old = make_record()
    new = replace(old, data=(replace(old.data[0], name="training"), old.data[1]))
    found = parts(old, new)
    assert found.keys() == {"data (training)"}
    assert recipe(mix(old, new, found, frozenset(found))) == recipe(new)


def test_the_same_bytes_at_another_place_are_the_same_data() -> None:
    old = make_record()
    assert parts(old, replace(old, data=(replace(old.data[0], path="elsewhere.parquet"), old.data[1]))) == {}


@pytest.mark.parametrize("origin", ["tracked:raw.dvc", "superseded:raw.dvc", "external", "untracked"])
def test_data_of_other_steps_is_preparation_unless_its_sources_differ(origin: str) -> None:
    old = make_record()
    (first, *others) = old.stages
    old = replace(old, stages=(replace(first, deps=(replace(first.deps[0], origin=origin),)), *others))
    train = replace(old.data[0], digest=digests("prepared by other steps"))
    steps = (replace(old.stages[0], command=f"{first.command} --twice"), *others)
    new = replace(old, data=(train, old.data[1]), stages=steps)
    assert parts(old, new).keys() == {"preparation of train"}
    dep = replace(steps[0].deps[0], digest=digests("other sources"))
    grown = replace(new, stages=(replace(steps[0], deps=(dep,)), *others))
    assert parts(old, grown).keys() == {"data (train)"}
