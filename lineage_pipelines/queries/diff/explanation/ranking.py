"""Ranking: all that differs, as changes in an order: what explains a difference most often comes first.

The order rests on recorded facts alone, so that every answer about two versions has the same; a comparison of rows
says more about a change, and never adds or moves one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    DatasetChange,
    EnvironmentChange,
    EvaluationChange,
    Kind,
    OverlapChange,
    ParameterChange,
    StageChange,
)
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind, Layer
from lineage_pipelines.queries.diff.explanation.data_layer import (
    data_changes,
    exchanged_inputs,
    is_trained_on,
    overlap_changes,
)
from lineage_pipelines.queries.diff.explanation.record_layers import (
    check_changes,
    code_changes,
    environment_changes,
    evaluation_changes,
    fact_changes,
    parameter_changes,
    stage_changes,
)
from lineage_pipelines.queries.diff.explanation.scores import by_effect, by_step
from lineage_pipelines.records.values.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The parts of a comparison, before anything is ranked."""

    data: Sequence[DatasetChange] = ()
    sources: Sequence[DatasetChange] = ()
    overlaps: Sequence[OverlapChange] = ()
    stages: Sequence[StageChange] = ()
    code: CodeChange
    environment: EnvironmentChange
    parameters: Sequence[ParameterChange] = ()
    same_parameters: Mapping[str, Json] = field(default_factory=dict)
    """Those that do not differ: dotted name to value."""
    evaluation: EvaluationChange
    facts: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)


def rank(found: Differences) -> tuple[Change, ...]:
    """Return every change once, highest score first; one that says so when nothing differs.

    Of equal scores that of the greater effect comes first: every part yields its changes in that order, columns by
    how far they moved, files by lines, parameters and libraries by the step that they made.
    """
    environment, evaluation = found.environment, found.evaluation
    changes = [
        *exchanged_inputs(found.data),
        *(change for overlap in found.overlaps for change in overlap_changes(overlap)),
        *_data_changes(found),
        *(
            change
            for stage in found.stages
            for change in stage_changes(stage, found.code.others)
            if not _gave_the_same(change, stage, found.data)
        ),
        *code_changes(found.code),
        *(change for each in by_effect(found.parameters) for change in parameter_changes(each, found.facts)),
        *environment_changes(replace(environment, packages=by_step(environment.packages))),
        *evaluation_changes(
            evaluation,
            trained_alike=_trained_alike(found.data, evaluation),
            measured_alike=_measured_alike(found.data, evaluation),
            prepared_alike=not any(stage.differs_itself for stage in found.stages),
        ),
        *check_changes(evaluation),
        *fact_changes(found.facts),
    ]
    measured = {change.name: change for change in found.data if change.kind is Kind.CHANGED}
    changes = [
        replace(change, dataset=measured.get(change.subject))
        if change.kind is ChangeKind.MEASURED_ON_OTHER_DATA and change.before == change.after
        else change
        for change in changes
    ]
    ordered = sorted(_merged(changes), key=lambda change: -change.score)
    if all(change.kind is ChangeKind.OTHER_FILES_CHANGED for change in ordered):
        ordered.append(_nothing(evaluation))
    return tuple(_delivered(ordered)) if ordered else (_nothing(evaluation),)


def _data_changes(found: Differences) -> Iterator[Change]:
    """Changes of sources and datasets; what a changed source or step explains counts less than the source or step."""
    sources = [list(data_changes(source)) for source in found.sources]
    known = [change for changes in sources for change in changes if change.score >= scores.EXPLAINS and _tells(change)]
    stepped = any(stage.differs_itself and stage.outputs for stage in found.stages)
    exchanged = {name for change in exchanged_inputs(found.data) for name in change.names}
    results = [
        replace(change, score=change.score * _weight(dataset, explained=bool(known) or stepped))
        for dataset in found.data
        if dataset.name not in exchanged  # there is nothing else to say of them
        for change in data_changes(dataset)
    ]
    best = max((change.score for change in results), default=0.0)
    counted = {kind: max((c.score for c in results if c.kind is kind), default=0.0) for kind in _COUNTS}
    silent = _UNKNOWN if known or best <= scores.ORDER_ONLY else (*_UNKNOWN, ChangeKind.ORDER_CHANGED)
    for changes in sources:
        for place, change in enumerate(sorted(changes, key=lambda change: -change.score)):
            # A delivery of which only the bytes are known comes right behind what it is seen by; with its rows, before.
            # So does one that reads the same by itself, where nothing else explains what was made from it.
            unknown = change.kind in silent and place == 0
            rows = _tells(change)
            if unknown and results and not stepped:
                yield replace(change, score=best + (scores.HARDLY if rows else -scores.HARDLY))
            elif counted.get(change.kind) and not stepped:
                yield replace(change, score=max(change.score, counted[change.kind] + scores.HARDLY))
            else:
                yield change
    yield from results


_COUNTS = (ChangeKind.ROWS_ADDED, ChangeKind.ROWS_REMOVED)
"""What a source hands on as it is: rows that came with a delivery stand before those that were made of them."""
_UNKNOWN = (ChangeKind.CONTENT_CHANGED, ChangeKind.FILES_CHANGED)


def _tells(change: Change) -> bool:
    """Whether more is known of a source than that its bytes differ."""
    rows = change.dataset.row_change if change.dataset is not None else None
    if change.kind is ChangeKind.ORDER_CHANGED:
        return rows is not None and bool(rows.cells)
    return change.kind not in _UNKNOWN or rows is not None


def _gave_the_same(change: Change, stage: StageChange, data: Sequence[DatasetChange]) -> bool:
    """Whether what a step gave out otherwise holds the same rows, in another order or encoding."""
    same = {dataset.path for dataset in data if dataset.same_rows}
    return change.kind is ChangeKind.STEP_OUTPUT_CHANGED and all(mark[2:] in same for mark in stage.outputs)


def _weight(dataset: DatasetChange, *, explained: bool) -> float:
    weight = 1.0 if is_trained_on(dataset) else scores.ELSEWHERE
    return weight * scores.EXPLAINED if dataset.prepared and explained else weight


def _trained_alike(data: Sequence[DatasetChange], evaluation: EvaluationChange) -> bool:
    return all(change.kind is Kind.IDENTICAL or change.name in evaluation.snapshot for change in data)


def _measured_alike(data: Sequence[DatasetChange], evaluation: EvaluationChange) -> bool:
    """Whether what was measured on holds the same rows, in whichever order."""
    return set(evaluation.snapshot) <= {change.name for change in data if change.same_rows}


def _merged(found: Sequence[Change]) -> Iterator[Change]:
    """Of what is found in the same columns of several datasets only the highest."""
    best: dict[object, Change] = {}
    for change in found:
        key = (change.layer, change.kind, change.columns) if change.columns else (id(change),)
        if key not in best or best[key].score < change.score:
            best[key] = change
    yield from best.values()


def _delivered(ordered: Sequence[Change]) -> Iterator[Change]:
    """Say with the first change in each tracked file how its content came."""
    named: set[str] = set()
    for change in ordered:
        dataset = change.dataset
        of_data = change.layer is Layer.DATA
        if of_data and dataset is not None and dataset.delivery is not None and dataset.path not in named:
            named.add(dataset.path)
            yield replace(change, delivery=dataset.delivery)
        else:
            yield change


def _nothing(evaluation: EvaluationChange) -> Change:
    moved = any(metric.difference for metric in evaluation.metrics)
    kind = ChangeKind.UNEXPLAINED if moved else ChangeKind.NOTHING
    return Change(kind=kind, layer=Layer.NOTHING, subject="", score=0.0)
