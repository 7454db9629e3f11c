"""Metric: its direction (whether a greater value is better), the rule `no_worse`, and the order of several.

The direction is declared by the author (`MetricSpec`), else inferred from the names of scikit-learn's scorers, losses
and errors, else unknown. It is recorded with the metric, so that gates, policies, colours and charts agree.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lineage_pipelines.records.statement.dataset import Grade
from lineage_pipelines.records.values.codec import Value


@dataclass(frozen=True, slots=True)
class MetricSpec(Value):
    """A metric and its direction: `MetricSpec("word_error_rate", greater_is_better=False)`."""

    name: str
    greater_is_better: bool | None = field(default=None, kw_only=True)
    """None where neither a greater nor a lower value is better, as of a share of rows."""
    grade: Grade = field(default=Grade.DECLARED, kw_only=True)
    """`declared` by the author, or `inferred` from the name."""


_SCORERS = (
    "accuracy adjusted_mutual_info_score adjusted_rand_score average_precision balanced_accuracy completeness_score "
    "d2_absolute_error_score d2_brier_score d2_log_loss_score explained_variance f1 f1_macro f1_micro f1_samples "
    "f1_weighted fowlkes_mallows_score homogeneity_score jaccard jaccard_macro jaccard_micro jaccard_samples "
    "jaccard_weighted matthews_corrcoef mutual_info_score neg_brier_score neg_log_loss neg_max_error "
    "neg_mean_absolute_error neg_mean_absolute_percentage_error neg_mean_gamma_deviance neg_mean_poisson_deviance "
    "neg_mean_squared_error neg_mean_squared_log_error neg_median_absolute_error neg_negative_likelihood_ratio "
    "neg_root_mean_squared_error neg_root_mean_squared_log_error normalized_mutual_info_score "
    "positive_likelihood_ratio precision precision_macro precision_micro precision_samples precision_weighted r2 "
    "rand_score recall recall_macro recall_micro recall_samples recall_weighted roc_auc roc_auc_ovo "
    "roc_auc_ovo_weighted roc_auc_ovr roc_auc_ovr_weighted top_k_accuracy v_measure_score"
)
_SCORES = (
    "accuracy_score average_precision_score balanced_accuracy_score calinski_harabasz_score cohen_kappa_score "
    "consensus_score d2_pinball_score d2_tweedie_score dcg_score explained_variance_score f1_score fbeta_score "
    "jaccard_score label_ranking_average_precision_score ndcg_score precision_score r2_score recall_score "
    "roc_auc_score silhouette_score top_k_accuracy_score"
)
_LOSSES_AND_ERRORS = (
    "brier_score_loss coverage_error hamming_loss hinge_loss label_ranking_loss log_loss max_error "
    "mean_absolute_error mean_absolute_percentage_error mean_pinball_loss mean_squared_error mean_squared_log_error "
    "median_absolute_error root_mean_squared_error root_mean_squared_log_error zero_one_loss"
)
_OTHER_LOWER = (
    "brier_score davies_bouldin_score deviance mean_gamma_deviance mean_poisson_deviance mean_tweedie_deviance "
    "negative_likelihood_ratio"
)
GREATER_IS_BETTER = frozenset(f"{_SCORERS} {_SCORES} acc auc ap kappa map mcc ndcg pr_auc r2_adjusted".split())
"""Names of scikit-learn's scorers and of its other `*_score` functions, and common abbreviations of them."""
LOWER_IS_BETTER = frozenset(
    f"{_LOSSES_AND_ERRORS} {_OTHER_LOWER} brier error logloss loss mae mape medae mse msle nll rmse rmsle smape".split()
)
"""Names of scikit-learn's losses, errors and deviances, and common abbreviations of them."""
_SPLITS = frozenset(["cv", "eval", "evaluation", "holdout", "test", "train", "training", "val", "valid", "validation"])
"""Words before a metric's name that leave its direction as it is: `val_rmse`."""

_SHOWN_FIRST = ("roc_auc", "average_precision", "accuracy", "f1", "r2", "mae", "rmse")

_ROUNDING = 1e-12
"""So that 0.79 is no more than 0.01 worse than 0.8; in binary fractions it is, by 9e-18."""


def direction_by_name(metric: str) -> bool | None:
    """Return whether a greater value of a metric is better, as far as its name tells; None where it does not."""
    words = [word for word in re.split(r"[^a-z0-9]+", metric.lower()) if word]
    while len(words) > 1 and words[0] in _SPLITS and "_".join(words) not in LOWER_IS_BETTER:
        del words[0]
    name = "_".join(words)
    if words[:1] == ["neg"]:
        return True if "_".join(words[1:]) in LOWER_IS_BETTER else None
    if name in GREATER_IS_BETTER:
        return True
    return False if name in LOWER_IS_BETTER else None


def direction_by_words(metric: str) -> bool:
    """Return what releases before schema 2 assumed: greater is better but for names with a word such as `loss`.

    Decisions of that time were made with it, and are verified with it.
    """
    lower = {"loss", "error", "brier", "mae", "mse", "rmse", "mape", "deviance"}
    return lower.isdisjoint(metric.lower().split("_"))


def metric_specs(metrics: Iterable[str], declared: Sequence[MetricSpec] = ()) -> tuple[MetricSpec, ...]:
    """Return the metrics whose direction is known, sorted by name: as declared, else inferred from the name."""
    specs = {spec.name: spec for spec in declared}
    names = sorted(set(metrics))
    inferred = {
        name: MetricSpec(name, greater_is_better=direction, grade=Grade.INFERRED)
        for name in names
        if name not in specs and (direction := direction_by_name(name)) is not None
    }
    known = inferred | specs
    return tuple(known[name] for name in names if name in known)


def is_no_worse(value: float, before: float, *, greater_is_better: bool, tolerance: float) -> bool:
    """Return whether a metric is no worse than before, beyond an absolute tolerance."""
    worse = before - value if greater_is_better else value - before
    return worse <= tolerance + _ROUNDING


def metric_text(value: float) -> str:
    """Write a metric's value with five significant digits, as every text does; JSON has the exact value."""
    return f"{value:.5g}"


def declare_direction(metric: str) -> str:
    """Return what to write to make the direction of a metric known, for the fix of an error."""
    return f'declare it: model_asset(metrics=[MetricSpec("{metric}", greater_is_better=…)], …)'


def by_interest(metrics: Iterable[str]) -> list[str]:
    """Return metric names, the ones that people look at first in front, the others by name."""
    rank = {name: place for place, name in enumerate(_SHOWN_FIRST)}
    return sorted(metrics, key=lambda name: (rank.get(name, len(rank)), name))
