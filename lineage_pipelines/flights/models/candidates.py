"""Candidates: several models are compared on the same months, and one is chosen with a reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineage_pipelines import Candidate, CaptureError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Metrics = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A model that may be chosen."""

    name: str
    parameters: Mapping[str, Any]
    """What sets it apart from the others, for the record."""
    pipeline: "Pipeline"
    """Not fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """The one metric that decides."""

    metric: str
    title: str
    """The metric as a reader calls it."""
    higher_is_better: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The contender that won and the story of all of them."""

    winner: Contender
    fitted: "Pipeline"
    """The winner as it was trained for the comparison, on the training months only."""
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    contender: Contender
    fitted: "Pipeline"
    metrics: Metrics
    score: float
    """Higher is better."""


def choose(
    contenders: Sequence[Contender],
    *,
    fit: "Callable[[Pipeline], Pipeline]",
    measure: "Callable[[Pipeline], Metrics]",
    criterion: Criterion,
) -> Choice:
    """Fit every contender, measure each, and choose by the criterion; of equals the first wins.

    Args:
        contenders: the simplest first.
        fit: trains a clone of a pipeline on the training months.
        measure: the metrics of a fitted pipeline on the validation months.
        criterion: what decides.

    Raises:
        CaptureError: there are fewer than two contenders, so nothing is chosen.
    """
    if len(contenders) <= 1:
        raise CaptureError("nothing to choose from", fix="give settings for two candidates or more")
    trials = [_try(contender, fit(contender.pipeline), measure, criterion) for contender in contenders]
    best, second, *_ = sorted(trials, key=lambda trial: -trial.score)
    return Choice(
        winner=best.contender,
        fitted=best.fitted,
        candidates=tuple(
            _tell(trial, second if trial is best else best, criterion, won=trial is best) for trial in trials
        ),
    )


def _try(
    contender: Contender, fitted: "Pipeline", measure: "Callable[[Pipeline], Metrics]", criterion: Criterion
) -> _Trial:
    metrics = measure(fitted)
    if criterion.metric not in metrics:
        raise CaptureError(
            f"{criterion.title} has no value on the validation data, so nothing can be chosen by it",
            fix="validate on data that has both outcomes",
        )
    score = metrics[criterion.metric] * (1 if criterion.higher_is_better else -1)
    return _Trial(contender=contender, fitted=fitted, metrics=metrics, score=score)


def _tell(trial: _Trial, rival: _Trial, criterion: Criterion, *, won: bool) -> Candidate:
    value = f"{criterion.title} {trial.metrics[criterion.metric]:.4f} on the validation months"
    gap = f"{abs(trial.score - rival.score):.4f}"
    against = f"{gap} better than {rival.contender.name}" if won else f"{gap} worse than {rival.contender.name}"
    return Candidate(
        name=trial.contender.name,
        parameters=trial.contender.parameters,
        metrics=trial.metrics,
        selected=won,
        reason=f"{'won' if won else 'lost'}: {value}, {against}",
    )
