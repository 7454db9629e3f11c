"""Trained model: what a training function returns, with its metrics and the alternatives considered.

Light on purpose: training code imports this and needs nothing else of this package.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lineage_pipelines.records.statement.training_run import Candidate, SliceMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A trained estimator with its evaluation.

    Numbers may be numpy's; they are converted when they are recorded. A metric that is not finite (ROC
    AUC of a slice of one class) is left out of the record, which says so in its list of what is missing.
    """

    estimator: object
    """Anything that skops can save: scikit-learn estimators and pipelines first of all."""
    metrics: Mapping[str, float]
    """Overall metrics by name, `roc_auc` for example."""
    slices: Sequence[SliceMetrics] = ()
    """The same metrics on parts of the evaluation data."""
    evaluated_on: str | None = None
    """The name of the input that the metrics were measured on; `test` when there is an input of that name."""
    candidates: Sequence[Candidate] = ()
    """The alternatives, the chosen one included, each with the reason why it won or lost."""
    seed: int | None = None
    """The seed that was used; the parameter `seed` when there is one."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Effective parameters that only training knows, such as those of the chosen candidate."""
    probe: object = None
    """A few rows as the estimator's `predict` takes them: what it says of them is recorded, the rows are not. The
    first of the data that it was evaluated on by default, where the estimator knows its columns by name."""
    plot: bytes | None = None
    """A small PNG, shown on the asset's page; beyond 10 kB the event may have no room for it. Not in the record."""
    notes: str | None = None
    """Plain text for the asset's page."""
