"""Leakage report: does anything that is known only after departure reach the features?

Three kinds of evidence: what the tables hold, how much each feature knows alone (a leaked one knows too much), and
what a model learns from labels that were shuffled (nothing, unless the evaluation itself leaks).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.flights.delivery.delivery_reader import AFTER_DEPARTURE
from lineage_pipelines.flights.models.preprocessing import tree_pipeline
from lineage_pipelines.flights.preparation.columns import IDENTITY, LABEL, Feature, Kind
from lineage_pipelines.flights.preparation.features import COLUMNS, FEATURES
from lineage_pipelines.flights.tables import read_frame

if TYPE_CHECKING:
    import pandas as pd

TOO_GOOD = 0.85
"""ROC AUC of one feature alone that nothing known before departure reaches; the departure delay has 0.94."""

LATE_AFTER_MINUTES = 15
_SHUFFLES = 5
_SHUFFLED_SPREAD = 0.1
_BINS = 20
_FLIGHT = ["date", "carrier", "flight", "origin", "sched_dep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReport:
    """What is known of one feature."""

    feature: Feature
    alone: float
    """ROC AUC on the validation months when flights are ranked by this feature only; 0.5 is chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageReport:
    """The evidence, and what speaks against it."""

    features: tuple[FeatureReport, ...]
    true_labels: float
    """ROC AUC of a small model on the validation months."""
    shuffled_labels: float
    """The same model trained on shuffled labels; the mean of several shuffles."""
    findings: tuple[str, ...]


def check_leakage(clean: Path, features: Path, *, seed: int = 7) -> LeakageReport:
    """Look for knowledge from after departure in what the stages `clean` and `split` wrote.

    Args:
        clean: the folder of the stage `clean`.
        features: the folder of the stages `features` and `split`.
        seed: of the shuffles.

    Raises:
        DatasetError: a table is missing or unreadable.
    """
    schedule = read_frame(clean / "schedule.parquet")
    train, validation, test = (read_frame(features / f"{part}.parquet") for part in ("train", "validation", "test"))
    findings = [*column_findings(schedule.columns, train.columns), *_shared_flights(train, validation, test)]
    reports = tuple(FeatureReport(feature=f, alone=_alone(f, train, validation)) for f in FEATURES if f.name in train)
    true_labels, shuffled = _learned(train, validation, seed)
    findings.extend(_number_findings(reports, shuffled))
    return LeakageReport(features=reports, true_labels=true_labels, shuffled_labels=shuffled, findings=tuple(findings))


def column_findings(schedule: Iterable[str], features: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the columns of the schedule and of the features table."""
    allowed = {**IDENTITY, **COLUMNS}
    for column in schedule:
        if column in AFTER_DEPARTURE:
            yield f"{column}, known only after departure, is in the schedule"
    for column in features:
        if column in AFTER_DEPARTURE and column != LABEL:
            yield f"{column}, known only after departure, is in the features table"
        elif column not in allowed:
            yield f"{column} is in the features table, but nothing says when it is known"
    for feature in FEATURES:
        if feature.name in AFTER_DEPARTURE:
            yield f"{feature.name}, known only after departure, is declared a feature"


def _shared_flights(*parts: "pd.DataFrame") -> Iterator[str]:
    import pandas as pd

    flights = pd.concat([part[_FLIGHT].drop_duplicates() for part in parts])
    if shared := int(flights.duplicated().sum()):
        yield f"{shared:,} flights are in more than one of train, validation and test"


def _number_findings(reports: tuple[FeatureReport, ...], shuffled: float) -> Iterator[str]:
    for report in reports:
        if report.alone >= TOO_GOOD:
            yield f"{report.feature.name} alone reaches {report.alone:.3f}; nothing known before departure does"
    if abs(shuffled - 0.5) > _SHUFFLED_SPREAD:
        yield f"a model of shuffled labels reaches {shuffled:.3f}, which should be near 0.5"


def _late(table: "pd.DataFrame") -> "pd.Series[bool]":
    return table[LABEL] > LATE_AFTER_MINUTES


def _alone(feature: Feature, train: "pd.DataFrame", validation: "pd.DataFrame") -> float:
    """Rank validation flights by the share of late flights in training that had the same, or a near, value."""
    import pandas as pd
    from sklearn.metrics import roc_auc_score

    late = _late(train)
    past, present = train[feature.name], validation[feature.name]
    if feature.kind is Kind.NUMBER:
        edges = past.quantile([i / _BINS for i in range(1, _BINS)]).unique()
        past, present = (pd.Series(edges.searchsorted(v), index=v.index).where(v.notna(), -1) for v in (past, present))
    shares = late.groupby(past).mean()
    return float(roc_auc_score(_late(validation), present.map(shares).astype(float).fillna(late.mean())))


def _learned(train: "pd.DataFrame", validation: "pd.DataFrame", seed: int) -> tuple[float, float]:
    """Return the ROC AUC of a small model of the true labels, and of shuffled ones."""
    import numpy as np

    late = _late(train).to_numpy()
    random = np.random.default_rng(seed)
    shuffled = [_trained_on(train, random.permutation(late), validation, seed) for _ in range(_SHUFFLES)]
    return _trained_on(train, late, validation, seed), float(np.mean(shuffled))


def _trained_on(train: "pd.DataFrame", late: object, validation: "pd.DataFrame", seed: int) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    small = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=15, early_stopping=False, random_state=seed)
    fitted = tree_pipeline(small).fit(train, late)
    return float(roc_auc_score(_late(validation), fitted.predict_proba(validation)[:, 1]))


def describe(report: LeakageReport) -> Iterator[str]:
    """Yield the report line by line, for a terminal."""
    yield f"{'feature':<16} {'alone':>6}  known"
    for line in sorted(report.features, key=lambda line: -line.alone):
        yield f"{line.feature.name:<16} {line.alone:>6.3f}  {line.feature.known}"
    yield ""
    yield f"alone: ROC AUC by this feature only on the validation months; 0.5 is chance, {TOO_GOOD} too good to be true"
    yield f"a small model of all features: {report.true_labels:.3f}; of shuffled labels: {report.shuffled_labels:.3f}"
    yield f"not learned from: {', '.join(IDENTITY)}; the label: {LABEL}"
    yield ""
    yield from (f"finding: {finding}" for finding in report.findings)
    if not report.findings:
        yield "no feature from after departure"
