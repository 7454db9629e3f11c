"""Ranking: all that differs, as sentences in an order: what explains a difference most often comes first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    DatasetChange,
    EnvironmentChange,
    EvaluationChange,
    Kind,
    OverlapChange,
    ParameterChange,
    Sentence,
    StageChange,
)
from lineage_pipelines.queries.diff.explanation.data_sentences import data_sentences, overlap_sentences
from lineage_pipelines.queries.diff.explanation.record_sentences import (
    check_sentences,
    code_sentences,
    environment_sentences,
    evaluation_sentences,
    fact_sentences,
    parameter_sentences,
    stage_sentences,
)
from lineage_pipelines.queries.diff.explanation.scores import by_effect, by_step
from lineage_pipelines.records.values.canonical import Json


def rank(
    *,
    data: Sequence[DatasetChange],
    stages: Sequence[StageChange],
    code: CodeChange,
    environment: EnvironmentChange,
    parameters: Sequence[ParameterChange],
    evaluation: EvaluationChange,
    facts: Mapping[str, tuple[Json, Json]],
    overlaps: Sequence[OverlapChange] = (),
) -> tuple[Sentence, ...]:
    """Return every finding once, highest score first; one sentence that says so when nothing differs.

    Of equal scores that of the greater effect comes first: every part yields its findings in that order, columns by
    how far they moved, files by lines, parameters and libraries by the step that they made.
    """
    found = [
        *(sentence for overlap in overlaps for sentence in overlap_sentences(overlap)),
        *(sentence for change in data for sentence in data_sentences(change)),
        *(sentence for change in stages for sentence in stage_sentences(change)),
        *code_sentences(code),
        *(sentence for change in by_effect(parameters) for sentence in parameter_sentences(change, facts)),
        *environment_sentences(replace(environment, packages=by_step(environment.packages))),
        *evaluation_sentences(
            evaluation, trained_alike=_trained_alike(data, evaluation), prepared_alike=_prepared_alike(stages)
        ),
        *check_sentences(evaluation),
        *fact_sentences(facts),
    ]
    ordered = sorted(_merged(found), key=lambda sentence: -sentence.score)
    return tuple(ordered) or (_nothing(evaluation),)


def _trained_alike(data: Sequence[DatasetChange], evaluation: EvaluationChange) -> bool:
    return all(change.kind is Kind.IDENTICAL or change.name in evaluation.snapshot for change in data)


def _prepared_alike(stages: Sequence[StageChange]) -> bool:
    """Whether every step had the command, parameters and code that it had: what it was given may differ."""
    return not any(
        change.kind in (Kind.ADDED, Kind.REMOVED)
        or change.params
        or change.code
        or change.command[0] != change.command[1]
        for change in stages
    )


def _merged(found: Sequence[Sentence]) -> Iterator[Sentence]:
    """Of what is found in the same column of several datasets, or says the same, only the highest."""
    best: dict[tuple[str, str | None, str], Sentence] = {}
    for sentence in found:
        key = (sentence.layer, sentence.column, sentence.text if sentence.column is None else "")
        if key not in best or best[key].score < sentence.score:
            best[key] = sentence
    yield from best.values()


def _nothing(evaluation: EvaluationChange) -> Sentence:
    text = "nothing differs in data, preparation, code, parameters and environment"
    if any(metric.difference for metric in evaluation.metrics):
        text = "nothing that was recorded differs; the record does not explain the change in the metrics"
    return Sentence(text=text, layer="nothing", subject="", score=0.0)
