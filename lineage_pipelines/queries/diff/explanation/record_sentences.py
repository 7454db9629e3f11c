"""Record sentences: findings about everything but data, in plain words."""

from collections.abc import Iterator, Mapping, Sequence

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    EnvironmentChange,
    EvaluationChange,
    FileChange,
    Kind,
    MetricChange,
    PackageChange,
    ParameterChange,
    Sentence,
    StageChange,
)
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.wording import amount, some
from lineage_pipelines.records.statement.training_run import CheckKind
from lineage_pipelines.records.values.canonical import Json

_MAX_FILES = 5


def stage_sentences(change: StageChange) -> Iterator[Sentence]:
    """Say what differs in one preparation step, if the difference begins there."""
    if change.kind is Kind.ADDED:
        yield _about_stage(change, f"the step {change.name} is new", scores.OWN_PREPARATION)
    elif change.kind is Kind.REMOVED:
        yield _about_stage(change, f"there is no step {change.name} any more", scores.OWN_PREPARATION)
    for name, (before, after) in change.params.items():
        text = f"the step {change.name} ran with {name} = {amount(after)}, before with {amount(before)}"
        yield _about_stage(change, text, scores.OWN_PREPARATION)
    if change.kind is Kind.CHANGED and change.command[0] != change.command[1]:
        before, after = (command.replace("\n", "; ") for command in (change.command[0] or "", change.command[1] or ""))
        text = f"the command of {change.name} is `{after}`, and was `{before}`"
        yield _about_stage(change, text, scores.OWN_PREPARATION)
    if change.kind is Kind.CHANGED and change.code:
        text = f"the code of the step {change.name} differs: {_files(change.code)}"
        yield _about_stage(change, text, scores.OWN_PREPARATION - 1)


def _files(marked: Sequence[str]) -> str:
    """Name files that came, went or changed, the first few."""
    words = {"+": "new", "-": "gone"}
    named = [
        f"{path} ({words[mark]})" if mark in words else path for mark, _, path in (m.partition(" ") for m in marked)
    ]
    more = f" and {len(named) - _MAX_FILES} more" if len(named) > _MAX_FILES else ""
    return ", ".join(named[:_MAX_FILES]) + more


def _about_stage(change: StageChange, text: str, score: float) -> Sentence:
    return Sentence(text=text, layer="preparation", subject=change.name, score=score)


def code_sentences(change: CodeChange) -> Iterator[Sentence]:
    """Say which source files differ."""
    real = [file for file in change.files if not file.only_layout]
    real.sort(key=lambda file: -sum(file.lines))  # stable: by path where as many lines differ
    for file in real[:_MAX_FILES]:
        yield Sentence(text=_file_words(file), layer="code", subject=file.path, score=scores.CODE)
    if len(real) > _MAX_FILES:
        text = f"{some(len(real) - _MAX_FILES, 'more source file')} differ"
        yield Sentence(text=text, layer="code", subject="code", score=scores.CODE - 1)
    for file in change.files:
        if file.only_layout:
            text = f"{file.path} differs in comments or layout alone"
            yield Sentence(text=text, layer="code", subject=file.path, score=scores.LAYOUT)


def _file_words(file: FileChange) -> str:
    if file.kind is Kind.ADDED:
        return f"{file.path} is reached by the training code now"
    if file.kind is Kind.REMOVED:
        return f"{file.path} is not reached by the training code any more"
    added, removed = file.lines
    lines = f" ({some(added, 'line')} added, {removed:,} removed)" if added or removed else ""
    return f"{file.path} differs{lines}"


def parameter_sentences(change: ParameterChange, facts: Mapping[str, tuple[Json, Json]]) -> Iterator[Sentence]:
    """Say how one parameter differs, unless it only repeats one of the facts: the seed, the chosen candidate."""
    if (change.before, change.after) in (facts.get("seed"), facts.get("chosen candidate")):
        return
    score = scores.DEFAULT if change.default_moved else scores.PARAMETER
    if change.kind is Kind.ADDED:
        text = f"the parameter {change.name} is new, and is {amount(change.after)}"
    elif change.kind is Kind.REMOVED:
        text = f"there is no parameter {change.name} any more; it was {amount(change.before)}"
    else:
        text = f"{change.name} is {_typed(change.after, change.before)}, and was {_typed(change.before, change.after)}"
        text += ": its default in the code changed, it is not set explicitly" if change.default_moved else ""
    yield Sentence(text=text, layer="parameters", subject=change.name, score=score)


def _typed(value: Json, other: Json) -> str:
    """Write a value so that it differs visibly from the other one: `1 (int)` from `1.0 (float)`."""
    shown = amount(value)
    if shown != amount(other):
        return shown
    return f"{value!r} ({type(value).__name__})" if type(value) is not type(other) else repr(value)


def environment_sentences(change: EnvironmentChange) -> Iterator[Sentence]:
    """Say which libraries differ, and what of the machine."""
    for package in (package for package in change.packages if package.imported):
        yield Sentence(
            text=_package_words(package), layer="environment", subject=package.name, score=_package_score(package)
        )
    others = [package for package in change.packages if not package.imported]
    if others:
        named = ", ".join(_package_words(package) for package in others[:3])
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""  # noqa: PLR2004
        known = all(package.imported is False for package in others)
        which = "libraries that the training did not import" if known else "other libraries"
        text = f"{which} differ: {named}{more}"
        yield Sentence(text=text, layer="environment", subject=others[0].name, score=scores.OTHER_LIBRARY)
    for name, (before, after) in change.facts.items():
        score = {"python": scores.PYTHON, "recorder": scores.OTHER_LIBRARY}.get(name, scores.MACHINE)
        what = "the library that made the record" if name == "recorder" else name
        text = f"{what} is {amount(after)}, and was {amount(before)}"
        yield Sentence(text=text, layer="environment", subject=name, score=score)


def _package_words(package: PackageChange) -> str:
    if package.kind is Kind.ADDED:
        return f"{package.name} {package.after} is installed now"
    if package.kind is Kind.REMOVED:
        return f"{package.name} {package.before} is not installed any more"
    return f"{package.name} is {package.after}, and was {package.before}"


def _package_score(package: PackageChange) -> float:
    before, after = ((version or "").split(".")[:2] for version in (package.before, package.after))
    return scores.LIBRARY - scores.LIBRARY_STEP if before == after else scores.LIBRARY


def evaluation_sentences(change: EvaluationChange, *, trained_alike: bool, prepared_alike: bool) -> Iterator[Sentence]:
    """Say that two versions were measured by other code, or on other data where they were trained on the same.

    Args:
        change: how they were measured.
        trained_alike: whether what they were trained on is the same.
        prepared_alike: whether no preparation step differs by itself. If one does, it comes first.
    """
    if change.same_code is False:
        changed = _reported(change)
        text = "the code that measures differs" + (f": {changed}" if changed else "")
        yield Sentence(text=text, layer="evaluation", subject="code", score=scores.MEASURED_OTHERWISE)
    if change.same_data is False and trained_alike:
        before, after = change.snapshot
        named = f"{after}" if before == after else f"{before} before, {after} now"
        text = f"the evaluation differs: other data was measured on ({named}), so the metrics cannot be compared"
        score = scores.OTHER_EVALUATION if prepared_alike else scores.MEASURED_BY_PREPARATION
        yield Sentence(text=text, layer="evaluation", subject=after or "evaluation", score=score)


def _reported(change: EvaluationChange) -> str:
    """What one version reports and the other does not."""
    parts = [*change.metrics, *change.slices]
    names = {side: {_reported_as(p) for p in parts if getattr(p, side) is not None} for side in ("before", "after")}
    new, gone = sorted(names["after"] - names["before"]), sorted(names["before"] - names["after"])
    words = [
        f"{', '.join(named[:3])}{f' and {len(named) - 3} more' if len(named) > 3 else ''} {what}"  # noqa: PLR2004
        for named, what in ((new, "reported now"), (gone, "reported no more"))
        if named
    ]
    return "; ".join(words)


def _reported_as(metric: MetricChange) -> str:
    return f"{metric.name} by {metric.slice.partition('=')[0]}" if metric.slice else metric.name


def check_sentences(change: EvaluationChange) -> Iterator[Sentence]:
    """Say which checks fail that passed before. Those of metrics tell the outcome, all others look at the data."""
    for name, (before, after) in change.checks.items():
        if before and after is False:
            of_metric = change.check_kinds.get(name) in (CheckKind.THRESHOLD, CheckKind.NO_WORSE)
            layer, score = ("metrics", scores.METRIC_CHECK) if of_metric else ("evaluation", scores.CHECK_FAILS)
            detail = change.details.get(name)
            text = f"the check {name} fails, and passed before" + (f": {detail}" if detail else "")
            yield Sentence(text=text, layer=layer, subject=name, score=score)


def fact_sentences(facts: Mapping[str, tuple[Json, Json]]) -> Iterator[Sentence]:
    """Say what else differs: seed, chosen candidate, estimator."""
    for name, (before, after) in facts.items():
        if name == "artifact":  # every training gives another file
            continue
        score = scores.SEED if name == "seed" else scores.CHOICE
        text = f"the {name} is {amount(after)}, and was {amount(before)}"
        yield Sentence(text=text, layer="parameters" if name == "seed" else "metrics", subject=name, score=score)
