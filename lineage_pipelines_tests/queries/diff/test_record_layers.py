"""What is yielded of preparation, code, parameters, environment and evaluation, each branch on its smallest example."""

from typing import Any

import pytest

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    EnvironmentChange,
    EvaluationChange,
    FileChange,
    Kind,
    PackageChange,
    ParameterChange,
    StageChange,
)
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind, Layer
from lineage_pipelines.queries.diff.explanation.record_layers import (
    check_changes,
    code_changes,
    environment_changes,
    evaluation_changes,
    fact_changes,
    parameter_changes,
    patch_of,
    stage_changes,
)
from lineage_pipelines.records.statement.training_run import CheckKind

LAYOUT = FileChange(path="split.py", kind=Kind.CHANGED, only_layout=True)
CODE = FileChange(path="split.py", kind=Kind.CHANGED, lines=(1, 1))
OUTPUTS = ("~ train.csv",)


def _kinds(changes: Any) -> list[tuple[ChangeKind, float]]:
    return [(change.kind, change.score) for change in changes]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"kind": Kind.ADDED}, [(ChangeKind.STEP_ADDED, scores.OWN_PREPARATION)]),
        ({"kind": Kind.REMOVED}, [(ChangeKind.STEP_REMOVED, scores.OWN_PREPARATION)]),
        ({"kind": Kind.IDENTICAL}, []),
        ({"kind": Kind.IDENTICAL, "stale": ("in",)}, [(ChangeKind.STEP_NOT_RUN, scores.STEP_NOT_RUN)]),
        ({"command": ("a", "b")}, [(ChangeKind.STEP_COMMAND_CHANGED, scores.WITHOUT_EFFECT)]),
        ({"params": {"p": (1, 2)}}, [(ChangeKind.STEP_PARAMETER_CHANGED, scores.WITHOUT_EFFECT)]),
        (
            {"command": ("a", "b"), "outputs": OUTPUTS},
            [(ChangeKind.STEP_COMMAND_CHANGED, scores.OWN_PREPARATION)],
        ),
        (
            {"params": {"p": (1, 2)}, "outputs": OUTPUTS},
            [(ChangeKind.STEP_PARAMETER_CHANGED, scores.OWN_PREPARATION)],
        ),
        (
            {"code": ("~ split.py",), "outputs": OUTPUTS},
            [(ChangeKind.STEP_CODE_CHANGED, scores.OWN_PREPARATION - 1)],
        ),
        (
            {"code": ("~ split.py",), "sources": (CODE, LAYOUT), "outputs": OUTPUTS},
            [(ChangeKind.STEP_CODE_CHANGED, scores.OWN_PREPARATION - 1)],
        ),
        ({"code": ("~ split.py",), "sources": (LAYOUT,)}, [(ChangeKind.STEP_CODE_CHANGED, scores.LAYOUT)]),
        ({"outputs": OUTPUTS}, [(ChangeKind.STEP_OUTPUT_CHANGED, scores.OWN_PREPARATION)]),
        ({"outputs": OUTPUTS, "inputs": ("~ in",)}, []),
    ],
)
def test_a_step_is_told_by_what_is_its_own(facts: dict[str, Any], expected: list[tuple[ChangeKind, float]]) -> None:
    stage = StageChange(name="split", **{"kind": Kind.CHANGED, **facts})
    found = list(stage_changes(stage, [CODE]))
    assert _kinds(found) == expected
    assert all(change.part is stage and change.layer is Layer.PREPARATION for change in found)
    assert [change.names for change in found if change.kind is ChangeKind.STEP_OUTPUT_CHANGED] in ([], [("split.py",)])


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"files": (FileChange(path="a", kind=Kind.ADDED),)}, [(ChangeKind.SOURCE_ADDED, scores.CODE)]),
        ({"files": (FileChange(path="a", kind=Kind.REMOVED),)}, [(ChangeKind.SOURCE_REMOVED, scores.CODE)]),
        ({"files": (LAYOUT,)}, [(ChangeKind.LAYOUT_CHANGED, scores.LAYOUT)]),
        ({"entry": ("m:f", "m:g")}, [(ChangeKind.ENTRY_CHANGED, scores.CODE)]),
        ({"entry": ("m:f", "m:f")}, []),
        ({"entry": (None, "m:f")}, []),
        ({"patched": True}, [(ChangeKind.PATCH_CHANGED, scores.OTHER_FILES)]),
        ({"patched": True, "files": (CODE,)}, [(ChangeKind.SOURCE_CHANGED, scores.CODE)]),
        ({"others": (CODE,)}, [(ChangeKind.OTHER_FILES_CHANGED, scores.OTHER_FILES)]),
        ({"others": (CODE,), "opened": ("split.py",)}, [(ChangeKind.OPENED_FILE_CHANGED, scores.CODE)]),
        ({"weaker": "gone"}, [(ChangeKind.SOURCES_UNKNOWN, scores.OTHER_FILES)]),
        ({"weaker": "gone", "identical": True}, []),
        ({"weaker": "gone", "files": (CODE,)}, [(ChangeKind.SOURCE_CHANGED, scores.CODE)]),
        ({}, []),
    ],
)
def test_code_is_told_by_files_entry_and_patch(facts: dict[str, Any], expected: list[tuple[ChangeKind, float]]) -> None:
    assert _kinds(code_changes(CodeChange(**{"identical": False, **facts}))) == expected


@pytest.mark.parametrize(
    ("name", "before", "after", "kind"),
    [
        ("depth", 3, 4, ChangeKind.PARAMETER_CHANGED),
        ("seed", 3, 4, ChangeKind.PARAMETER_CHANGED),
        ("seed", 1, 2, None),
        ("model", "a", "b", None),
        ("model", "b", "a", ChangeKind.PARAMETER_CHANGED),
    ],
)
def test_a_parameter_that_repeats_a_fact_is_not_told(
    name: str, before: Any, after: Any, kind: ChangeKind | None
) -> None:
    parameter = ParameterChange(name=name, kind=Kind.CHANGED, before=before, after=after)
    found = parameter_changes(parameter, {"seed": (1, 2), "chosen candidate": ("a", "b")})
    assert [(change.kind, change.score) for change in found] == ([(kind, scores.PARAMETER)] if kind else [])


@pytest.mark.parametrize(
    ("kind", "default", "expected"),
    [
        (Kind.ADDED, True, (ChangeKind.PARAMETER_ADDED, scores.PARAMETER)),
        (Kind.REMOVED, True, (ChangeKind.PARAMETER_REMOVED, scores.PARAMETER)),
        (Kind.CHANGED, True, (ChangeKind.DEFAULT_CHANGED, scores.DEFAULT)),
        (Kind.CHANGED, None, (ChangeKind.PARAMETER_CHANGED, scores.PARAMETER)),
    ],
)
def test_a_default_that_moved_is_told_as_one(
    kind: Kind, default: bool | None, expected: tuple[ChangeKind, float]
) -> None:
    parameter = ParameterChange(name="depth", kind=kind, before=1, after=2, default_moved=default)
    assert _kinds(parameter_changes(parameter, {})) == [expected]


def test_libraries_that_are_not_imported_are_one_change_and_facts_one_each() -> None:
    packages = (
        PackageChange(name="numpy", kind=Kind.CHANGED, before="1.0", after="2.0", imported=True),
        PackageChange(name="pip", kind=Kind.CHANGED, before="1", after="2"),
        PackageChange(name="tox", kind=Kind.ADDED, after="3", imported=None),
    )
    facts = {"python": ("3.11", "3.12"), "recorder": ("1", "2"), "cpu": ("a", "b")}
    environment = EnvironmentChange(identical=False, packages=packages, facts=facts, weaker="x")
    found = list(environment_changes(environment))
    assert _kinds(found) == [
        (ChangeKind.LIBRARY_CHANGED, scores.LIBRARY),
        (ChangeKind.OTHER_LIBRARIES_CHANGED, scores.OTHER_LIBRARY),
        (ChangeKind.MACHINE_CHANGED, scores.PYTHON),
        (ChangeKind.RECORDER_CHANGED, scores.OTHER_LIBRARY),
        (ChangeKind.MACHINE_CHANGED, scores.MACHINE),
    ]
    assert (found[1].subject, found[1].names, found[1].before, found[1].after) == ("pip", ("pip", "tox"), "1", "2")


@pytest.mark.parametrize(
    ("identical", "weaker", "kinds"),
    [(False, "gone", [ChangeKind.LIBRARIES_UNKNOWN]), (True, "gone", []), (False, "", [])],
)
def test_libraries_are_unknown_where_their_list_is_gone(identical: bool, weaker: str, kinds: list[ChangeKind]) -> None:
    found = environment_changes(EnvironmentChange(identical=identical, weaker=weaker))
    assert [change.kind for change in found] == kinds


@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("measured", [True, False])
@pytest.mark.parametrize("same", [True, False, None])
def test_other_data_was_measured_on_where_all_that_was_trained_on_is_the_same(
    same: bool | None, measured: bool, trained: bool, prepared: bool
) -> None:
    evaluation = EvaluationChange(same_data=same, same_code=same, snapshot=("a", "b"))
    found = evaluation_changes(evaluation, trained_alike=trained, prepared_alike=prepared, measured_alike=measured)
    code = [(ChangeKind.MEASURED_BY_OTHER_CODE, scores.MEASURED_OTHERWISE)] if same is False else []
    score = scores.OTHER_EVALUATION if prepared else scores.MEASURED_BY_PREPARATION
    data = [(ChangeKind.MEASURED_ON_OTHER_DATA, score)] if same is False and trained and not measured else []
    assert _kinds(found) == [*code, *data]


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ((True, False), True),
        ((True, True), False),
        ((True, None), False),
        ((False, True), False),
        ((None, False), False),
    ],
)
@pytest.mark.parametrize(
    ("kind", "layer", "score"),
    [
        (CheckKind.THRESHOLD, Layer.METRICS, scores.METRIC_CHECK),
        (CheckKind.NO_WORSE, Layer.METRICS, scores.METRIC_CHECK),
        (CheckKind.DISJOINT, Layer.EVALUATION, scores.CHECK_FAILS),
    ],
)
def test_a_check_is_told_that_passed_and_fails(
    verdicts: tuple[bool | None, bool | None], told: bool, kind: CheckKind, layer: Layer, score: float
) -> None:
    evaluation = EvaluationChange(same_data=True, same_code=True, checks={"c": verdicts}, check_kinds={"c": kind})
    found = [(each.subject, each.layer, each.score, each.before, each.after) for each in check_changes(evaluation)]
    assert found == ([("c", layer, score, True, False)] if told else [])


def test_facts_are_told_but_the_artifact_is_not() -> None:
    facts = dict.fromkeys(("artifact", "seed", "partition", "estimator"), (1, 2))
    assert [(each.subject, each.score) for each in fact_changes(facts)] == [
        ("seed", scores.SEED),
        ("partition", scores.PARTITION),
        ("estimator", scores.CHOICE),
    ]


def test_the_lines_of_a_change_are_those_of_its_file_or_of_its_step() -> None:
    def about(part: Any) -> Change:
        return Change(kind=ChangeKind.SOURCE_CHANGED, layer=Layer.CODE, subject="x", score=1.0, part=part)

    assert patch_of(about(CODE)) == (CODE,)
    assert patch_of(about(StageChange(name="s", kind=Kind.CHANGED, sources=(LAYOUT,)))) == (LAYOUT,)
    assert patch_of(about(None)) == ()
