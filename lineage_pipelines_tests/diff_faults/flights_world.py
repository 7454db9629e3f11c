"""The worked pipeline on a sample of four months: its own functions prepare, train and evaluate."""

import functools
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import lineage_pipelines
from lineage_pipelines.capture.trained_model import TrainedModel
from lineage_pipelines.flights.delivery.source import read_months, read_reference
from lineage_pipelines.flights.preparation.cleaning import CleanSettings, clean
from lineage_pipelines.flights.preparation.features import FeatureSettings
from lineage_pipelines.flights.preparation.split import SplitSettings, split
from lineage_pipelines.orchestration.training.gates import disjoint, threshold, unique_rows
from lineage_pipelines_tests.diff_faults.worlds import Draft, FaultyWorld, Step, Tables

if TYPE_CHECKING:
    import pandas as pd

FIRST, LAST, NEXT = 4, 7, 8
"""Months of 2013: two to train on, one to validate, one to test, and the one that comes next."""
DELAY = "lineage_pipelines/flights/models/delay_model.py"
FEATURES = "lineage_pipelines/flights/preparation/features.py"
_EVERY = 24
_PACKAGE = Path(lineage_pipelines.__file__).parent


def month_file(table: str, month: int) -> str:
    """Return the path of one delivered month."""
    return f"data/raw/{table}-2013-{month:02}.csv"


@functools.cache
def _delivered(table: str, month: int, every: int) -> "pd.DataFrame":
    import pandas as pd

    header, *lines = _months(table)[f"2013-{month:02}"].splitlines(keepends=True)
    return pd.read_csv(io.BytesIO(b"".join([header, *lines[::every]])), dtype=str, keep_default_na=False)


@functools.cache
def _months(table: str) -> dict[str, bytes]:
    return read_months(table)


def delivery(through: int) -> Tables:
    """Return the files of a delivery as tables of text, as they are sent."""
    months = range(FIRST, through + 1)
    tables = {month_file("flights", month): _delivered("flights", month, _EVERY).copy() for month in months}
    return tables | {month_file("weather", month): _delivered("weather", month, 1).copy() for month in months}


class FlightsWorld(FaultyWorld):
    """Will a flight out of New York arrive late?"""

    model = "flight_delay"
    inputs = {name: f"data/features/{name}.parquet" for name in ("train", "validation", "test")}  # noqa: RUF012
    gates = (
        threshold(min_roc_auc=0.55),
        disjoint("train", "test"),
        unique_rows("train", "validation", "test", max_share=0.01),
    )

    def initial_sources(self) -> dict[str, str]:
        """The package's own code: only what is read from this folder can be edited."""
        return {f"lineage_pipelines/{p.relative_to(_PACKAGE)}": p.read_text() for p in _PACKAGE.rglob("*.py")}

    def base(self) -> Draft:
        return Draft(
            tables=delivery(LAST),
            settings={
                "clean": {"origins": ["EWR", "JFK", "LGA"]},
                "features": {"holiday_cap_days": 7, "weather_max_age_hours": 3},
                "split": {"validation_months": 1, "test_months": 1},
            },
            commands={name: f"python -m lineage_pipelines.flights {name}" for name in ("clean", "features", "split")},
            parameters={"logistic_c": (0.1,), "max_leaf_nodes": (7,), "min_samples_leaf": 40, "max_iter": 40},
        )

    def prepare(self, draft: Draft) -> list[Step]:
        raw, into, features = (self.root / "data" / name for name in ("raw", "clean", "features"))
        shutil.rmtree(raw, ignore_errors=True)
        raw.mkdir()
        for path, table in draft.tables.items():
            table.to_csv(self.root / path, index=False)
        (raw / "planes.csv").write_bytes(read_reference("planes"))
        clean(raw, into, CleanSettings(**draft.settings["clean"]))
        code = self.load(FEATURES, "lineage_pipelines.flights.preparation.features")
        code.make_features(into, features, FeatureSettings(**draft.settings["features"]))
        split(features, SplitSettings(**draft.settings["split"]))
        return self._steps(draft)

    @staticmethod
    def _steps(draft: Draft) -> list[Step]:
        cleaned = [f"data/clean/{name}.parquet" for name in ("schedule", "arrivals", "weather", "planes")]
        made = "data/features/flights.parquet"
        params = {
            name: {f"{name}.{key}": value for key, value in section.items()} for name, section in draft.settings.items()
        }
        home = "lineage_pipelines/flights/preparation"
        return [
            Step(
                name="clean",
                inputs={"data/raw": "tracked:data/raw.dvc", f"{home}/cleaning.py": "git"},
                outputs=cleaned,
                params=params["clean"],
            ),
            Step(
                name="features",
                inputs={**dict.fromkeys(cleaned, "stage:clean"), FEATURES: "git"},
                outputs=[made],
                params=params["features"],
            ),
            Step(
                name="split",
                inputs={made: "stage:features", f"{home}/split.py": "git"},
                outputs=list(FlightsWorld.inputs.values()),
                params=params["split"],
            ),
        ]

    def train(self, draft: Draft, tables: Tables) -> tuple[TrainedModel, Callable[..., object], object]:
        code = self.load(DELAY, "lineage_pipelines.flights.models.delay_model")
        parameters = code.DelayParams(**draft.parameters)
        return code.train_flight_delay(**tables, params=parameters), code.train_flight_delay, parameters
