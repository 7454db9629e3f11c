from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.queries.diff.data.preparation import compare_stages
from lineage_pipelines.records.statement.dataset import StageInput, StageRun
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines_tests.queries.diff.stored import pairs, swapped
from lineage_pipelines_tests.samples import digests, make_record

BASE = make_record()


def with_stage(record: LineageRecord, place: int, **said: Any) -> LineageRecord:
    stages = list(record.stages)
    stages[place] = replace(stages[place], **said)
    return replace(record, stages=tuple(stages))


def origins(first: LineageRecord, second: LineageRecord) -> dict[str, bool]:
    return {change.name: change.origin for change in compare_stages(first, second) if change.kind is not Kind.IDENTICAL}


def test_new_data_begins_at_the_step_that_reads_it_and_is_passed_on() -> None:
    features, split = compare_stages(BASE, make_record(raw="through 2013-04"))
    assert (features.name, features.origin, features.inputs) == ("features", True, ("~ data/raw",))
    assert (split.name, split.origin, split.inputs) == ("split", False, ("~ data/features.parquet",))
    assert split.outputs == ("~ data/train.parquet", "~ data/test.parquet")


def test_a_step_with_a_change_of_its_own_is_an_origin_too_and_comes_first() -> None:
    other = with_stage(make_record(raw="later"), 1, command="python -m flights.split --every 2")
    assert origins(BASE, other) == {"features": True, "split": True}
    only = with_stage(BASE, 1, command="python -m flights.split --every 2")
    assert [(each.name, each.kind) for each in compare_stages(BASE, only)] == [
        ("split", Kind.CHANGED),
        ("features", Kind.IDENTICAL),
    ]


def test_code_is_told_apart_from_data() -> None:
    deps = (BASE.stages[0].deps[0], replace(BASE.stages[0].deps[1], digest=digests("features.py, edited")))
    change = compare_stages(BASE, with_stage(BASE, 0, deps=deps))[0]
    assert (change.inputs, change.code, change.origin) == ((), ("~ src/features.py",), True)


@pytest.mark.parametrize(("before", "after"), [(1, 1.0), (1, "1"), (True, 1), (0, None), ([], {})])
def test_parameters_are_typed(before: Any, after: Any) -> None:
    first, second = (with_stage(BASE, 0, params={"params.yaml": {"split": {"every": x}}}) for x in (before, after))
    change = compare_stages(first, second)[0]
    assert change.params == {"params.yaml:split.every": (before, after)}
    assert [type(each) for each in change.params["params.yaml:split.every"]] == [type(before), type(after)]


def test_a_section_and_the_same_value_by_its_whole_name_are_one_parameter() -> None:
    first = with_stage(BASE, 0, params={"params.yaml": {"split": {"every": 1}}})
    second = with_stage(BASE, 0, params={"params.yaml": {"split.every": 1}})
    assert compare_stages(first, second)[0].kind is Kind.IDENTICAL


def test_a_step_that_gives_out_something_else_for_no_declared_reason_is_an_origin() -> None:
    outs = (replace(BASE.stages[0].outs[0], digest=digests("a clock was in it")),)
    change = compare_stages(BASE, with_stage(BASE, 0, outs=outs))[0]
    assert (change.name, change.kind, change.origin) == ("features", Kind.CHANGED, True)
    assert change.outputs == ("~ data/features.parquet",)


def test_what_comes_from_a_step_that_has_recorded_something_else_since_begins_here() -> None:
    dep = StageInput(path="data/features.parquet", digest=digests("x"), origin="superseded:features")
    assert origins(
        with_stage(BASE, 1, deps=(dep,)), with_stage(BASE, 1, deps=(replace(dep, digest=digests("y")),))
    ) == {"split": True}


def test_an_external_input_is_compared_by_the_checksum_that_dvc_has() -> None:
    def reads(etag: str) -> LineageRecord:
        dep = StageInput(path="s3://b/x", digest=DigestSet(), origin="external", extra={"etag": etag})
        return with_stage(BASE, 0, deps=(dep,))

    assert compare_stages(reads("1"), reads("1"))[0].kind is Kind.IDENTICAL
    assert compare_stages(reads("1"), reads("2"))[0].inputs == ("~ s3://b/x",)


def test_steps_come_and_go() -> None:
    less = replace(BASE, stages=BASE.stages[:1])
    added, removed = compare_stages(less, BASE)[0], compare_stages(BASE, less)[0]
    assert (added.name, added.kind, added.command[0], added.origin) == ("split", Kind.ADDED, None, True)
    assert (removed.kind, removed.command[1], removed.inputs) == (Kind.REMOVED, None, ("- data/features.parquet",))


def turned(marks: tuple[str, ...]) -> tuple[str, ...]:
    other = {"+": "-", "-": "+", "~": "~"}
    return tuple(other[mark[0]] + mark[1:] for mark in marks)


@given(pairs)
def test_laws(two: tuple[LineageRecord, LineageRecord]) -> None:
    first, second = two
    assert all(each.kind is Kind.IDENTICAL and not each.origin for each in compare_stages(first, first))
    there, back = compare_stages(first, second), compare_stages(second, first)
    assert len(there) >= max(len(first.stages), len(second.stages))
    assert sum(each.kind is not Kind.ADDED for each in there) == len(first.stages)
    assert sum(each.kind is not Kind.REMOVED for each in there) == len(second.stages)
    kinds = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}
    assert back == tuple(
        replace(
            each,
            kind=kinds.get(each.kind, each.kind),
            command=swapped(each.command),
            params={name: swapped(values) for name, values in each.params.items()},
            inputs=turned(each.inputs),
            code=turned(each.code),
            outputs=turned(each.outputs),
        )
        for each in there
    )


def test_two_runs_of_one_name_hide_nothing() -> None:
    twice: tuple[StageRun, ...] = (BASE.stages[0], BASE.stages[0])
    assert [each.name for each in compare_stages(replace(BASE, stages=twice), BASE)] == [
        "features#2",
        "split",
        "features",
    ]
