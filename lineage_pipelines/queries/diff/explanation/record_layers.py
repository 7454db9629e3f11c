"""Record layers: the changes of preparation, code, parameters, environment and evaluation."""

from collections.abc import Iterator, Mapping, Sequence

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    EnvironmentChange,
    EvaluationChange,
    Evidence,
    FileChange,
    Kind,
    MetricChange,
    PackageChange,
    ParameterChange,
    StageChange,
)
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind, Layer
from lineage_pipelines.records.statement.training_run import CheckKind
from lineage_pipelines.records.values.canonical import Json


def stage_changes(stage: StageChange, others: Sequence[FileChange] = ()) -> Iterator[Change]:
    """Yield what differs in one preparation step itself; not what it only passes on.

    Args:
        stage: the step.
        others: files that changed between the two commits and that no recorded part reaches.
    """
    own = scores.OWN_PREPARATION if stage.outputs or stage.kind is not Kind.CHANGED else scores.WITHOUT_EFFECT
    if stage.stale:
        yield _of_stage(stage, ChangeKind.STEP_NOT_RUN, scores.STEP_NOT_RUN, names=stage.stale)
    for name, (before, after) in stage.params.items():
        yield _of_stage(stage, ChangeKind.STEP_PARAMETER_CHANGED, own, before=before, after=after, names=[name])
    if stage.kind is Kind.CHANGED:
        yield from _same_stage(stage, own, others)
    elif stage.kind is not Kind.IDENTICAL:
        kind = ChangeKind.STEP_ADDED if stage.kind is Kind.ADDED else ChangeKind.STEP_REMOVED
        yield _of_stage(stage, kind, own)


def _same_stage(stage: StageChange, own: float, others: Sequence[FileChange]) -> Iterator[Change]:
    """The command, code and output of a step that is in both versions."""
    before, after = stage.command
    if before != after:
        yield _of_stage(stage, ChangeKind.STEP_COMMAND_CHANGED, own, before=before, after=after)
    if stage.code:
        layout = bool(stage.sources) and all(file.only_layout for file in stage.sources)
        score = scores.LAYOUT if layout else own - 1
        yield _of_stage(stage, ChangeKind.STEP_CODE_CHANGED, score, names=stage.code)
    if stage.outputs and not (stage.params or stage.code or stage.inputs or before != after):
        names = [file.path for file in others]
        yield _of_stage(stage, ChangeKind.STEP_OUTPUT_CHANGED, scores.OWN_PREPARATION, names=names)


def _of_stage(
    stage: StageChange,
    kind: ChangeKind,
    score: float,
    *,
    before: Json = None,
    after: Json = None,
    names: Sequence[str] = (),
) -> Change:
    return Change(
        kind=kind,
        layer=Layer.PREPARATION,
        subject=stage.name,
        score=score,
        before=before,
        after=after,
        names=tuple(names),
        part=stage,
    )


def code_changes(code: CodeChange) -> Iterator[Change]:
    """Yield the source files that differ, those with the most changed lines first, and files outside the closure."""
    for file in sorted(code.files, key=lambda file: (file.only_layout, -sum(file.lines))):
        kind = ChangeKind.LAYOUT_CHANGED if file.only_layout else _SOURCE_KINDS[file.kind]
        score = scores.LAYOUT if file.only_layout else scores.CODE
        yield Change(kind=kind, layer=Layer.CODE, subject=file.path, score=score, part=file)
    if code.entry[0] != code.entry[1] and None not in code.entry:
        yield Change(
            kind=ChangeKind.ENTRY_CHANGED,
            layer=Layer.CODE,
            subject=code.entry[1] or "",
            score=scores.CODE,
            before=code.entry[0],
            after=code.entry[1],
        )
    elif not code.files and code.patched:
        yield Change(kind=ChangeKind.PATCH_CHANGED, layer=Layer.CODE, subject="patch", score=scores.OTHER_FILES)
    others = [file for file in code.others if file.path not in code.opened]
    for file in (file for file in code.others if file.path in code.opened):
        kind = ChangeKind.OPENED_FILE_CHANGED
        yield Change(
            kind=kind, layer=Layer.CODE, subject=file.path, score=scores.CODE, evidence=Evidence.GIT, part=file
        )
    if others:
        yield Change(
            kind=ChangeKind.OTHER_FILES_CHANGED,
            layer=Layer.CODE,
            subject=others[0].path,
            score=scores.OTHER_FILES,
            names=tuple(file.path for file in others),
            evidence=Evidence.GIT,
            part=others[0],
        )
    if not code.files and not code.identical and code.weaker:
        yield Change(kind=ChangeKind.SOURCES_UNKNOWN, layer=Layer.CODE, subject="code", score=scores.OTHER_FILES)


_SOURCE_KINDS: Mapping[Kind, ChangeKind] = {
    Kind.ADDED: ChangeKind.SOURCE_ADDED,
    Kind.REMOVED: ChangeKind.SOURCE_REMOVED,
    Kind.CHANGED: ChangeKind.SOURCE_CHANGED,
}


def parameter_changes(parameter: ParameterChange, facts: Mapping[str, tuple[Json, Json]]) -> Iterator[Change]:
    """Yield how one parameter differs, unless it only repeats one of the facts: the seed, the chosen candidate."""
    if parameter.name == "seed" and (parameter.before, parameter.after) == facts.get("seed"):
        return
    if isinstance(parameter.after, str) and (parameter.before, parameter.after) == facts.get("chosen candidate"):
        return
    kind, score = _PARAMETER_KINDS[parameter.kind], scores.PARAMETER
    if parameter.kind is Kind.CHANGED and parameter.default_moved:
        kind, score = ChangeKind.DEFAULT_CHANGED, scores.DEFAULT
    yield Change(
        kind=kind,
        layer=Layer.PARAMETERS,
        subject=parameter.name,
        score=score,
        before=parameter.before,
        after=parameter.after,
        part=parameter,
    )


_PARAMETER_KINDS: Mapping[Kind, ChangeKind] = {
    Kind.ADDED: ChangeKind.PARAMETER_ADDED,
    Kind.REMOVED: ChangeKind.PARAMETER_REMOVED,
    Kind.CHANGED: ChangeKind.PARAMETER_CHANGED,
}


def environment_changes(environment: EnvironmentChange) -> Iterator[Change]:
    """Yield which libraries differ, and what of the machine."""
    for package in environment.packages:
        if package.imported:
            yield _of_package(package)
    others = [package for package in environment.packages if not package.imported]
    if others:
        yield Change(
            kind=ChangeKind.OTHER_LIBRARIES_CHANGED,
            layer=Layer.ENVIRONMENT,
            subject=others[0].name,
            score=scores.OTHER_LIBRARY,
            names=tuple(package.name for package in others),
            before=others[0].before,
            after=others[0].after,
            part=others[0],
        )
    if not environment.packages and not environment.identical and environment.weaker:
        yield Change(
            kind=ChangeKind.LIBRARIES_UNKNOWN, layer=Layer.ENVIRONMENT, subject="libraries", score=scores.LIBRARY
        )
    for name, (before, after) in environment.facts.items():
        kind = ChangeKind.RECORDER_CHANGED if name == "recorder" else ChangeKind.MACHINE_CHANGED
        score = {"python": scores.PYTHON, "recorder": scores.OTHER_LIBRARY}.get(name, scores.MACHINE)
        yield Change(kind=kind, layer=Layer.ENVIRONMENT, subject=name, score=score, before=before, after=after)


def _of_package(package: PackageChange) -> Change:
    before, after = ((version or "").split(".")[:2] for version in (package.before, package.after))
    score = scores.LIBRARY - scores.LIBRARY_STEP if before == after else scores.LIBRARY
    return Change(
        kind=ChangeKind.LIBRARY_CHANGED,
        layer=Layer.ENVIRONMENT,
        subject=package.name,
        score=score,
        before=package.before,
        after=package.after,
        part=package,
    )


def evaluation_changes(
    evaluation: EvaluationChange, *, trained_alike: bool, prepared_alike: bool, measured_alike: bool = False
) -> Iterator[Change]:
    """Yield that two versions were measured by other code, or on other data where they were trained on the same.

    Args:
        evaluation: how they were measured.
        trained_alike: whether what they were trained on is the same.
        prepared_alike: whether no preparation step differs by itself. If one does, it comes first.
        measured_alike: whether what they were measured on holds the same rows, in another order or encoding.
    """
    if evaluation.same_code is False:
        yield Change(
            kind=ChangeKind.MEASURED_BY_OTHER_CODE,
            layer=Layer.EVALUATION,
            subject="code",
            score=scores.MEASURED_OTHERWISE,
            part=evaluation,
        )
    if evaluation.same_data is False and trained_alike and not measured_alike:
        before, after = evaluation.snapshot
        yield Change(
            kind=ChangeKind.MEASURED_ON_OTHER_DATA,
            layer=Layer.EVALUATION,
            subject=after or "evaluation",
            score=scores.OTHER_EVALUATION if prepared_alike else scores.MEASURED_BY_PREPARATION,
            before=before,
            after=after,
            part=evaluation,
        )


def reported_metrics(evaluation: EvaluationChange) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the metrics and kinds of slices that only the second version reports, and those only of the first."""
    parts = [*evaluation.metrics, *evaluation.slices]
    after = {_reported_as(part) for part in parts if part.after is not None}
    before = {_reported_as(part) for part in parts if part.before is not None}
    return tuple(sorted(after - before)), tuple(sorted(before - after))


def _reported_as(metric: MetricChange) -> str:
    return f"{metric.name} by {metric.slice.partition('=')[0]}" if metric.slice else metric.name


def check_changes(evaluation: EvaluationChange) -> Iterator[Change]:
    """Yield which checks fail that passed before. Those of metrics tell the outcome, all others look at the data."""
    for name, (before, after) in evaluation.checks.items():
        if before and after is False:
            of_metric = evaluation.check_kinds.get(name) in (CheckKind.THRESHOLD, CheckKind.NO_WORSE)
            layer, score = (Layer.METRICS, scores.METRIC_CHECK) if of_metric else (Layer.EVALUATION, scores.CHECK_FAILS)
            yield Change(
                kind=ChangeKind.CHECK_FAILED,
                layer=layer,
                subject=name,
                score=score,
                before=True,
                after=False,
                part=evaluation,
            )


def fact_changes(facts: Mapping[str, tuple[Json, Json]]) -> Iterator[Change]:
    """Yield what else differs: seed, chosen candidate, estimator, partition."""
    for name, (before, after) in facts.items():
        if name in _FACTS:
            kind, layer, score = _FACTS[name]
            yield Change(kind=kind, layer=layer, subject=name, score=score, before=before, after=after)


_FACTS: Mapping[str, tuple[ChangeKind, Layer, float]] = {
    "seed": (ChangeKind.SEED_CHANGED, Layer.PARAMETERS, scores.SEED),
    "undeclared reads": (ChangeKind.UNDECLARED_CHANGED, Layer.ENVIRONMENT, scores.UNDECLARED),
    "model": (ChangeKind.CHOICE_CHANGED, Layer.METRICS, scores.CHOICE),
    "estimator": (ChangeKind.CHOICE_CHANGED, Layer.METRICS, scores.CHOICE),
    "chosen candidate": (ChangeKind.CHOICE_CHANGED, Layer.METRICS, scores.CHOICE),
    "partition": (ChangeKind.PARTITION_CHANGED, Layer.DATA, scores.PARTITION),
}
"""Every training gives another artifact, which is no change to speak of."""


def patch_of(change: Change) -> Sequence[FileChange]:
    """Return the source files whose lines a change of code is about."""
    if isinstance(change.part, FileChange):
        return (change.part,)
    return change.part.sources if isinstance(change.part, StageChange) else ()
