"""Faults of the generated table of loans, and changes of the small project that trains on it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines_tests.diff_faults.credit_world import (
    FEATURES,
    FEATURES_PY,
    LOANS,
    MODEL,
    MODEL_PY,
    MONTHS,
    PREPARE,
    PREPARE_PY,
    RATES,
    TEST,
    TRAIN,
    loans,
)
from lineage_pipelines_tests.diff_faults.faults import (
    Fault,
    both,
    command,
    edit,
    library,
    machine,
    prepared_with,
    setting,
    unchanged,
)
from lineage_pipelines_tests.diff_faults.worlds import Draft

if TYPE_CHECKING:
    import pandas as pd

    Rows = pd.Series[bool]
Change = Callable[["pd.DataFrame"], "pd.DataFrame"]


def _loans(change: Change) -> Callable[[Draft], None]:
    def inject(draft: Draft) -> None:
        draft.tables[LOANS] = change(draft.tables[LOANS])

    return inject


def _column(name: str, change: "Callable[[pd.Series[Any]], Any]") -> Callable[[Draft], None]:
    return _loans(lambda table: table.assign(**{name: change(table[name])}))


def _share(table: "pd.DataFrame", share: float) -> "Rows":
    """Some rows, always the same, whatever their order."""
    return (table["customer"] * 2654435761 % 1000) < share * 1000


def _flipped(chosen: "Callable[[pd.DataFrame], Rows]") -> Callable[[Draft], None]:
    return _loans(lambda table: table.assign(defaulted=table["defaulted"] ^ chosen(table)))


def _repeated(share: float) -> Change:
    def apply(table: "pd.DataFrame") -> "pd.DataFrame":
        import pandas as pd

        return pd.concat([table, table[_share(table, share)]], ignore_index=True)

    return apply


def _swapped(one: str, other: str) -> Callable[[Draft], None]:
    return _loans(lambda table: table.assign(**{one: table[other], other: table[one]}))


def _hours_later(column: "pd.Series[Any]") -> Any:
    import pandas as pd

    return column + pd.Timedelta(hours=5)


def _leaked(table: "pd.DataFrame") -> "pd.DataFrame":
    return table.assign(collection_fee=(table["defaulted"] * 35.0).where(~_share(table, 0.05), 0.0))


def _grown(draft: Draft) -> None:
    draft.tables[LOANS] = loans(MONTHS)


def _after(change: Callable[[Path], None]) -> Callable[[Draft], None]:
    def inject(draft: Draft) -> None:
        draft.afterwards = change

    return inject


def _rewritten(path: str, change: Change, **options: Any) -> Callable[[Draft], None]:
    def afterwards(root: Path) -> None:
        import pandas as pd

        change(pd.read_parquet(root / path)).to_parquet(root / path, index=False, **options)

    return _after(afterwards)


def _overlap(root: Path) -> None:
    """A third of the customers that should be for testing is trained on as well."""
    import pandas as pd

    train, test = pd.read_parquet(root / TRAIN), pd.read_parquet(root / TEST)
    pd.concat([train, test[::3]]).to_parquet(root / TRAIN, index=False)


def _tested_on_train(root: Path) -> None:
    """The very rows of train, in another order, with the name of the test data."""
    import pandas as pd

    pd.read_parquet(root / TRAIN).sample(frac=1, random_state=3).to_parquet(root / TEST, index=False)


def _other_customers_tested(root: Path) -> None:
    """The test set of another half-year, which nobody trained on."""
    test = loans(MONTHS).tail(600)
    test.to_parquet(root / TEST, index=False)


def _rates_written_otherwise(root: Path) -> None:
    import pandas as pd

    pd.read_csv(root / RATES).to_csv(root / RATES, index=False, float_format="%.6f")


def _same(table: "pd.DataFrame") -> "pd.DataFrame":
    return table


def _fault(name: str, inject: Callable[[Draft], None], *accepted: tuple[str, ...]) -> Fault:
    return Fault(world="credit", name=name, inject=inject, accepted=accepted)


_SAME_ROWS = ("data", "train", "same rows")
_PARAMETER = ("parameters", "learning_rate", "0.4")

FAULTS = [
    _fault("nothing at all", unchanged, ("nothing", "")),
    _fault("rows repeated", _loans(_repeated(0.06)), ("data", "train", "repeat")),
    _fault("income in thousands", _column("income", lambda c: c / 1000), ("data", "train.income", "÷ 1,000")),
    _fault(
        "utilization in per cent", _column("utilization", lambda c: c * 100), ("data", "train.utilization", "× 100")
    ),
    _fault(
        "balance with the other sign",
        _column("balance", lambda c: -c),
        ("data", "train.balance", "the other sign"),
    ),
    _fault("debt with the other sign", _column("debt", lambda c: -c), ("data", "train.debt", "the other sign")),
    _fault(
        "a month more, debt with the other sign",
        both(_grown, _column("debt", lambda c: -c)),
        ("data", "train.debt", "the other sign"),
    ),
    _fault(
        "income moved by a row",
        _column("income", lambda c: [c.iloc[-1], *c.iloc[:-1]]),
        ("data", "train", "in other rows"),
        ("data", "train.income"),
    ),
    _fault(
        "a region is gone",
        _loans(lambda t: t[t["region"] != "West"]),
        ("data", "train", "fewer", "region = West"),
        ("data", "train.region", "West is gone"),
    ),
    _fault(
        "a new channel",
        _loans(lambda t: t.assign(channel=t["channel"].mask(_share(t, 0.1), "partner"))),
        ("data", "train.channel", "partner is new"),
    ),
    _fault(
        "labels of one region flipped",
        _flipped(lambda t: t["region"].eq("North") & _share(t, 0.6)),
        ("data", "train.defaulted"),
    ),
    _fault("labels flipped", _flipped(lambda t: _share(t, 0.15)), ("data", "train.defaulted")),
    _fault("the outcome leaks", _loans(_leaked), ("data", "train.collection_fee", "is new")),
    _fault("two columns swapped", _swapped("income", "debt"), ("data", "train", "debt holds what income held")),
    _fault("purposes in capitals", _column("purpose", lambda c: c.str.upper()), ("data", "train.purpose", "CAR")),
    _fault(
        "a blank behind a purpose", _column("purpose", lambda c: c.where(c != "car", "car ")), ("data", "train.purpose")
    ),
    _fault(
        "-999 for unknown years", _column("employed_years", lambda c: c.fillna(-999)), ("data", "train.employed_years")
    ),
    _fault("scores cut at 700", _column("score", lambda c: c.clip(upper=700)), ("data", "train.score")),
    _fault("a constant rate", _column("rate", lambda c: c * 0 + 6.5), ("data", "train.rate")),
    _fault(
        "gaps in the score",
        _loans(lambda t: t.assign(score=t["score"].mask(_share(t, 0.3)))),
        ("data", "train.score", "missing 0 %"),
    ),
    _fault(
        "a column renamed",
        _loans(lambda t: t.rename(columns={"debt": "total_debt"})),
        ("data", "train.total_debt", "debt is called total_debt"),
    ),
    _fault(
        "a column dropped",
        _loans(lambda t: t.drop(columns="late_payments")),
        ("data", "train.late_payments", "late_payments is gone"),
    ),
    _fault(
        "a column as text", _column("inquiries", lambda c: c.astype(str)), ("data", "train.inquiries", "is text now")
    ),
    _fault("times five hours later", _column("opened", _hours_later), ("data", "train.opened")),
    _fault(
        "half of the rows", _loans(lambda t: t.head(len(t) // 2)), ("data", "train", "fewer"), ("data", "train.opened")
    ),
    _fault("train in another order", _loans(lambda t: t.sample(frac=1, random_state=5)), _SAME_ROWS),
    _fault("train compressed otherwise", _rewritten(TRAIN, _same, compression="gzip"), _SAME_ROWS),
    _fault(
        "age in fewer bytes",
        _rewritten(TRAIN, lambda t: t.assign(age=t["age"].astype("int32"))),
        ("data", "train", "same rows"),
        ("data", "train.age", "int32"),
    ),
    _fault("rates with more digits", _after(_rates_written_otherwise), ("data", "rates", "same rows")),
    _fault(
        "customers in both parts", _after(_overlap), ("data", "train", "test"), ("evaluation", "train_test_disjoint")
    ),
    _fault("other customers tested", _after(_other_customers_tested), ("evaluation", "test")),
    _fault("tested on the rows of train", _after(_tested_on_train), ("data", "test", "all rows", "in train as well")),
    _fault(
        "another metric is reported",
        edit(MODEL_PY, MODEL, "    parts = [", '    metrics["gini"] = 2 * metrics["roc_auc"] - 1\n    parts = ['),
        ("evaluation", "code", "gini reported now"),
    ),
    _fault(
        "two parameters, one of them by far",
        both(setting("max_iter", 29), setting("learning_rate", 0.8)),
        ("parameters", "learning_rate", "0.8"),
    ),
    _fault(
        "two libraries, one of them by a major release",
        both(library("numpy", "9.9.9"), library("pandas", "2.99.0")),
        ("environment", "numpy", "9.9.9"),
    ),
    _fault(
        "the split gives other test data",
        edit(PREPARE_PY, PREPARE, '"test": loans[chosen]', '"test": loans[chosen].iloc[::2]'),
        ("preparation", "split", PREPARE_PY),
    ),
    _fault("measured on train", edit(MODEL_PY, MODEL, "measured = test", "measured = train"), ("code", MODEL_PY)),
    _fault(
        "measured and said on train",
        both(
            edit(
                MODEL_PY,
                MODEL.replace('evaluated_on="test"', 'evaluated_on="train"'),
                "measured = test",
                "measured = train",
            )
        ),
        ("evaluation", "train"),
    ),
    _fault("a month more", _grown, ("data", "train", "more")),
    _fault("a month more and a parameter", both(_grown, setting("learning_rate", 0.4)), _PARAMETER),
    _fault("a parameter", setting("learning_rate", 0.4), _PARAMETER),
    _fault("a parameter's type", setting("ratio", 1.0), ("parameters", "ratio")),
    _fault(
        "a default in the code",
        edit(MODEL_PY, MODEL, "max_iter: int = 30", "max_iter: int = 5"),
        ("parameters", "max_iter", "default"),
    ),
    _fault("the training function", edit(MODEL_PY, MODEL, "max_leaf_nodes=8", "max_leaf_nodes=3"), ("code", MODEL_PY)),
    _fault(
        "a module that it imports",
        edit(FEATURES_PY, FEATURES, '"opened")', '"opened", "late_payments")'),
        ("code", FEATURES_PY),
    ),
    _fault(
        "layout",
        edit(MODEL_PY, MODEL, "    text = make", "\n    # Text.\n    text = make"),
        ("code", MODEL_PY, "comments or layout"),
        ("nothing", ""),
    ),
    _fault("a parameter of the preparation", prepared_with("split", "every", 2), ("preparation", "split", "every")),
    _fault(
        "code of the preparation",
        edit(PREPARE_PY, PREPARE, "~chosen]", "~chosen].head(1000)"),
        ("preparation", "split", PREPARE_PY),
    ),
    _fault(
        "a command of the preparation",
        command("split", "python -O -m lending.prepare"),
        ("preparation", "split", "command"),
    ),
    _fault("a newer scikit-learn", library("scikit-learn", "2.0.0"), ("environment", "scikit-learn", "2.0.0")),
    _fault("an unused library is gone", library("rich", None), ("environment", "rich", "no longer installed")),
    _fault("the seed", setting("seed", 8), ("parameters", "seed")),
    _fault(
        "threads",
        machine("threads", {"cpus": 16, "openblas": 16}),
        ("environment", "threads.cpus"),
        ("environment", "threads.openblas"),
    ),
    _fault("another Python", machine("python", "CPython 3.12.4"), ("environment", "python", "3.12.4")),
]
