"""Two versions of a scorecard that are really trained: a table of loans is generated, a month of it has wrong labels.

`python -m lineage_pipelines_tests.replay.attribution.credit` prints what the change is allocated to.
"""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from lineage_pipelines.records.decisions.attribution import (
    AttributedVersion,
    Attribution,
    PlayerKind,
    Reevaluation,
)
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.replay.attribution.game import Game, Part
from lineage_pipelines.replay.attribution.solver import allocate

Mix = frozenset[str]
Numbers = npt.NDArray[np.float64]
ROWS = 2_000
PARTS = [
    Part("data", PlayerKind.DATA, "train: in 2013-05, 80 % of the labels of one region are turned around"),
    Part("parameters", PlayerKind.PARAMETERS, "max_leaf_nodes 4 → 24, max_iter 20 → 60"),
    Part("code", PlayerKind.CODE, "features.py: debt ratio rounded to one digit"),
    Part("environment", PlayerKind.ENVIRONMENT, "pandas 2.2.2 → 2.2.3"),
]
PARAMETERS = {False: {"max_leaf_nodes": 4, "max_iter": 20}, True: {"max_leaf_nodes": 24, "max_iter": 60}}


@cache
def _table() -> tuple[Numbers, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Features, labels and the month of each row."""
    chance = np.random.default_rng(7)
    features = chance.normal(size=(2 * ROWS, 6))
    score = 1.2 * features[:, 0] - 0.8 * features[:, 1] + 0.6 * features[:, 0] * features[:, 2]
    labels = (score + chance.normal(size=2 * ROWS) > 0).astype(np.int64)
    return features, labels, chance.integers(0, 3, size=2 * ROWS)


def _labels(mix: Mix) -> npt.NDArray[np.int64]:
    _, labels, months = _table()
    labels = labels[:ROWS].copy()
    wrong = np.random.default_rng(8).random(ROWS) < 0.8
    if "data" in mix:
        turned = wrong & (months[:ROWS] == 1) & (_table()[0][:ROWS, 3] > -0.5)
        labels[turned] = 1 - labels[turned]
    return labels


def _features(mix: Mix) -> Numbers:
    features = _table()[0].copy()
    if "code" in mix:
        features[:, 0] = np.round(features[:, 0])
    return features


class Credit:
    """Trains a mix on four fifths of the rows, which the seed chooses, and measures it on rows with right labels.

    Mixes are kept by what they consist of: one that differs in name only is not trained again.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[Digest, bool, int], float] = {}

    def measure(self, coalition: Mix, seed: int) -> float:
        features, labels = _features(coalition), _labels(coalition)
        content = Digest.of(features.tobytes() + labels.tobytes()), "parameters" in coalition, seed
        if content not in self.kept:
            self.kept[content] = self._train(coalition, seed, features, labels)
        return self.kept[content]

    def _train(self, coalition: Mix, seed: int, features: Numbers, labels: npt.NDArray[np.int64]) -> float:
        rows = np.random.default_rng(seed).permutation(ROWS)[: ROWS * 4 // 5]
        model = HistGradientBoostingClassifier(random_state=seed, **PARAMETERS["parameters" in coalition])
        with threadpool_limits(1):
            model.fit(features[rows], labels[rows])
        return float(roc_auc_score(_table()[1][ROWS:], model.predict_proba(features[ROWS:])[:, 1]))


def attribute(credit: Credit) -> Attribution:
    """The whole analysis."""
    allocation = allocate(Game(credit, (0, 1, 2)), PARTS)
    before, after = allocation.before.mean, allocation.after.mean
    return Attribution(
        old=AttributedVersion(record=Digest.of(b"71"), model="credit", version=71),
        new=AttributedVersion(record=Digest.of(b"73"), model="credit", version=73),
        metric="roc_auc",
        # The test data is the same in both.
        reevaluation=Reevaluation(old_on_old=before, old_on_new=before, new_on_old=after, new_on_new=after),
        allocation=allocation,
        by="ann",
        host="trainer-1",
        started=datetime(2026, 3, 5, 12, 0, tzinfo=UTC),
        finished=datetime(2026, 3, 5, 12, 1, tzinfo=UTC),
    )


if __name__ == "__main__":
    import sys

    from lineage_pipelines.reports.render.text import render_text
    from lineage_pipelines.reports.views.attribute import attribution_document

    sys.stdout.write(render_text(attribution_document(attribute(Credit()), full=True)))
