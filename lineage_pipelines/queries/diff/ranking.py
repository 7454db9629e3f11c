"""All that differs, as sentences in an order: what explains a difference most often comes first."""

from collections.abc import Iterator, Mapping, Sequence

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    DatasetChange,
    EnvironmentChange,
    EvaluationChange,
    Kind,
    ParameterChange,
    Sentence,
    StageChange,
)
from lineage_pipelines.queries.diff.data_sentences import data_sentences
from lineage_pipelines.queries.diff.sentences import (
    check_sentences,
    code_sentences,
    environment_sentences,
    evaluation_sentences,
    fact_sentences,
    parameter_sentences,
    stage_sentences,
)
from lineage_pipelines.records import Json


def rank(
    *,
    data: Sequence[DatasetChange],
    stages: Sequence[StageChange],
    code: CodeChange,
    environment: EnvironmentChange,
    parameters: Sequence[ParameterChange],
    evaluation: EvaluationChange,
    facts: Mapping[str, tuple[Json, Json]],
) -> tuple[Sentence, ...]:
    """Return every finding once, highest score first; one sentence that says so when nothing differs."""
    found = [
        *(sentence for change in data for sentence in data_sentences(change)),
        *(sentence for change in stages for sentence in stage_sentences(change)),
        *code_sentences(code),
        *(sentence for change in parameters for sentence in parameter_sentences(change, facts)),
        *environment_sentences(environment),
        *evaluation_sentences(evaluation, trained_alike=_trained_alike(data, evaluation)),
        *check_sentences(evaluation),
        *fact_sentences(facts),
    ]
    ordered = sorted(_merged(found), key=lambda sentence: (-sentence.score, sentence.layer, sentence.subject))
    return tuple(ordered) or (_nothing(evaluation),)


def _trained_alike(data: Sequence[DatasetChange], evaluation: EvaluationChange) -> bool:
    return all(change.kind is Kind.IDENTICAL or change.name in evaluation.snapshot for change in data)


def _merged(found: Sequence[Sentence]) -> Iterator[Sentence]:
    """Drop what says the same of the same thing in several datasets, but for the highest."""
    best: dict[tuple[str, str], Sentence] = {}
    for sentence in found:
        column = sentence.subject.rpartition(".")[2] if sentence.layer == "data" and "." in sentence.subject else ""
        key = (sentence.layer, column) if column else (sentence.layer, sentence.text)
        if key not in best or best[key].score < sentence.score:
            best[key] = sentence
    yield from best.values()


def _nothing(evaluation: EvaluationChange) -> Sentence:
    moved = any(metric.difference for metric in evaluation.metrics)
    text = "nothing differs in data, preparation, code, parameters and environment"
    text += ": what the metrics differ by is chance" if moved else ""
    return Sentence(text=text, layer="nothing", subject="", score=0.0)
