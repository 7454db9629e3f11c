"""A generated table of loans with twenty columns, split by customer; a small project of three files trains on it."""

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from lineage_pipelines.capture.trained_model import TrainedModel
from lineage_pipelines.orchestration.training.gates import disjoint, threshold, unique_rows
from lineage_pipelines_tests.diff_faults.worlds import Draft, FaultyWorld, Step, Tables

if TYPE_CHECKING:
    import pandas as pd

LOANS = "data/loans.parquet"
RATES = "data/rates.csv"
TRAIN = "data/parts/train.parquet"
TEST = "data/parts/test.parquet"
PREPARE_PY, MODEL_PY, FEATURES_PY = "lending/prepare.py", "lending/model.py", "lending/features.py"
MONTHS, PER_MONTH = 6, 600
"""Five months are the base, the sixth is growth."""

PREPARE = '''
"""Split loans by customer."""


def split(loans, every):
    """Every so many-th customer is for testing."""
    chosen = loans["customer"] % every == 0
    return {"train": loans[~chosen], "test": loans[chosen]}
'''

FEATURES = '''
"""What a model reads of a loan."""


def read(table, rates):
    """Return the features of each row."""
    left_out = ("customer", "defaulted", "opened")
    found = table[[name for name in table.columns if name not in left_out]]
    rate = table["region"].map(rates.groupby("region")["base_rate"].mean())
    return found.assign(base_rate=rate, hour=table["opened"].dt.hour)
'''

MODEL = '''
"""Train the model of defaults."""

from dataclasses import dataclass

from lending import features
from lineage_pipelines import Candidate, SliceMetrics, TrainedModel


@dataclass(frozen=True)
class LoanParams:
    """How to train."""

    learning_rate: float = 0.1
    max_iter: int = 30
    ratio: float = 1
    """Weight of a default against a loan that was paid back."""
    seed: int = 7


def train_default(train, test, rates, params: LoanParams):
    """Will this loan default?"""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import log_loss, roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    text = make_column_selector(dtype_include=["object", "string"])
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((codes, text), remainder="passthrough")
    trees = HistGradientBoostingClassifier(
        learning_rate=params.learning_rate, max_iter=params.max_iter, max_leaf_nodes=8, random_state=params.seed
    )
    weight = train["defaulted"].map({True: float(params.ratio), False: 1.0})
    model = make_pipeline(columns, trees)
    model.fit(
        features.read(train, rates), train["defaulted"], histgradientboostingclassifier__sample_weight=weight
    )
    measured = test
    said = model.predict_proba(features.read(measured, rates))[:, 1]
    metrics = {"roc_auc": roc_auc_score(measured["defaulted"], said), "log_loss": log_loss(measured["defaulted"], said)}
    parts = [
        SliceMetrics(
            name="region",
            value=region,
            rows=len(rows),
            metrics={"roc_auc": roc_auc_score(measured["defaulted"][rows], said[measured.index.get_indexer(rows)])},
        )
        for region, rows in measured.groupby("region").groups.items()
        if len(rows) >= 50 and measured["defaulted"][rows].nunique() > 1
    ]
    return TrainedModel(
        estimator=model,
        metrics=metrics,
        slices=parts,
        evaluated_on="test",
        seed=params.seed,
        candidates=[Candidate(name="trees", metrics=metrics, selected=True, reason="the only one")],
    )
'''


@functools.cache
def _loans() -> "pd.DataFrame":
    """Every month alike, but for prices that rise a little: real tables drift."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(20)
    n = MONTHS * PER_MONTH
    month = np.repeat(np.arange(MONTHS), PER_MONTH)
    income = np.round(rng.lognormal(10.3, 0.45, n) * (1 + 0.01 * month), 2)
    debt = np.round(income * rng.beta(2, 5, n), 2)
    working = rng.gamma(4, 7, n) % 24  # hours of the day, most in the morning
    opened = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(month * 30 + rng.integers(0, 30, n), "D")
    table = pd.DataFrame(
        {
            "customer": rng.permutation(n) + 10_000,
            "opened": (opened + pd.to_timedelta(np.floor(working * 3600), "s")).astype("datetime64[us, UTC]"),
            "region": rng.choice(["North", "South", "East", "West", "Centre"], n, p=[0.3, 0.25, 0.2, 0.15, 0.1]),
            "channel": rng.choice(["branch", "web", "phone", "agent"], n, p=[0.35, 0.4, 0.15, 0.1]),
            "purpose": rng.choice(["car", "house", "study", "repair", "travel", "other"], n),
            "housing": rng.choice(["own", "rent", "family"], n, p=[0.5, 0.4, 0.1]),
            "married": rng.random(n) < 0.55,
            "age": rng.integers(19, 76, n),
            "employed_years": np.round(rng.exponential(6, n), 1),
            "income": income,
            "debt": debt,
            "balance": np.round(rng.normal(900, 1500, n), 2),
            "utilization": np.round(rng.beta(2, 3, n), 4),
            "rate": np.round(rng.normal(6.5, 1.2, n), 2),
            "amount": np.round(income * rng.uniform(0.1, 0.9, n), -2),
            "term_months": rng.choice([12, 24, 36, 48, 60], n),
            "inquiries": rng.poisson(1.3, n),
            "late_payments": rng.poisson(0.6, n),
            "score": np.round(rng.normal(640, 70, n)),
        }
    )
    table["employed_years"] = table["employed_years"].where(rng.random(n) > 0.03)
    risk = 0.9 * table["late_payments"] + 4 * (debt / income) + 2 * table["utilization"] - (table["score"] - 640) / 50
    table["defaulted"] = rng.random(n) < 1 / (1 + np.exp(4.2 - risk))
    return table


@functools.cache
def _rates() -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    days = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    regions = ["North", "South", "East", "West", "Centre"]
    table = pd.MultiIndex.from_product([days, regions], names=["day", "region"]).to_frame(index=False)
    return table.assign(base_rate=np.round(np.random.default_rng(3).normal(3.5, 0.4, len(table)), 2))


def loans(months: int = MONTHS - 1) -> "pd.DataFrame":
    """Return the loans of the first months."""
    return _loans().head(months * PER_MONTH).copy()


class CreditWorld(FaultyWorld):
    """Will a loan default?"""

    model = "loan_default"
    inputs = {"train": TRAIN, "test": TEST, "rates": RATES}  # noqa: RUF012
    gates = (threshold(min_roc_auc=0.6), disjoint("train", "test"), unique_rows("train", "test", max_share=0.01))

    def initial_sources(self) -> dict[str, str]:
        return {"lending/__init__.py": "", PREPARE_PY: PREPARE, FEATURES_PY: FEATURES, MODEL_PY: MODEL}

    def base(self) -> Draft:
        return Draft(
            tables={LOANS: loans(), RATES: _rates().copy()},
            settings={"split": {"every": 4}},
            commands={"split": "python -m lending.prepare"},
        )

    def prepare(self, draft: Draft) -> list[Step]:
        for path in (LOANS, TRAIN):
            (self.root / path).parent.mkdir(exist_ok=True)
        draft.tables[LOANS].to_parquet(self.root / LOANS, index=False)
        draft.tables[RATES].to_csv(self.root / RATES, index=False)
        every = draft.settings["split"]["every"]
        parts = self.load(PREPARE_PY, "lending.prepare").split(draft.tables[LOANS], every)
        for name, part in parts.items():
            part.to_parquet(self.root / self.inputs[name], index=False)
        return [
            Step(
                name="split",
                inputs={LOANS: "tracked:data/loans.parquet.dvc", PREPARE_PY: "git"},
                outputs=[TRAIN, TEST],
                params={"split.every": every},
            )
        ]

    def train(self, draft: Draft, tables: Tables) -> tuple[TrainedModel, Callable[..., object], object]:
        sys.modules["lending"] = self.load("lending/__init__.py", "lending")
        try:
            helper = self.load(FEATURES_PY, "lending.features")
            vars(sys.modules["lending"])["features"] = sys.modules["lending.features"] = helper
            sys.modules["lending.model"] = self.load(MODEL_PY, "lending.model")
            code = sys.modules["lending.model"]
            parameters = code.LoanParams(**draft.parameters)
            return code.train_default(**tables, params=parameters), code.train_default, parameters
        finally:
            for name in ("lending.model", "lending.features", "lending"):
                sys.modules.pop(name, None)
