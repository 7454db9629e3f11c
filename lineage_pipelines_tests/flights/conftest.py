"""Real deliveries, prepared once a session; tests that change something work on a copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from lineage_pipelines.flights.delivery.delivery_faults import Fault
from lineage_pipelines.flights.delivery.delivery_writer import deliver
from lineage_pipelines.flights.preparation.cleaning import CleanSettings, clean
from lineage_pipelines.flights.preparation.features import FeatureSettings, make_features
from lineage_pipelines.flights.preparation.split import PARTS, SplitSettings, split

CLEAN = CleanSettings(origins=["EWR", "JFK", "LGA"])
FEATURES = FeatureSettings(holiday_cap_days=7, weather_max_age_hours=3)
SPLIT = SplitSettings(validation_months=1, test_months=1)

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def prepare(root: Path, through: str, *faults: str) -> Path:
    """Deliver and run the three stages, each with its ordinary settings, below `root`."""
    deliver(through, root / "raw", [Fault.parse(fault) for fault in faults])
    clean(root / "raw", root / "clean", CLEAN)
    make_features(root / "clean", root / "features", FEATURES)
    split(root / "features", SPLIT)
    return root


def read_parts(root: Path) -> Tables:
    """Return train, validation and test."""
    train, validation, test = (pd.read_parquet(root / "features" / f"{part}.parquet") for part in PARTS)
    return train, validation, test


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first quarter, delivered and prepared. Read only."""
    return prepare(tmp_path_factory.mktemp("quarter"), "2013-03")


@pytest.fixture(scope="session")
def tables(prepared: Path) -> Tables:
    """Train, validation and test of the first quarter. Read only."""
    return read_parts(prepared)


@pytest.fixture
def raw(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the delivery of the first quarter."""
    return Path(shutil.copytree(prepared / "raw", tmp_path / "raw"))


@pytest.fixture
def edit(raw: Path) -> Callable[[str, str, str], Path]:
    """Replace text in a delivered file: `edit("flights-2013-02.csv", "517", "x")`."""

    def replace(name: str, old: str, new: str) -> Path:
        path = raw / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return path

    return replace
