"""The report on leakage: silent on the real tables, loud where something from after departure was planted."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from lineage_pipelines.flights.delivery.delivery_reader import AFTER_DEPARTURE
from lineage_pipelines.flights.leakage import check_leakage, column_findings, describe
from lineage_pipelines.flights.preparation.columns import LABEL
from lineage_pipelines.flights.preparation.features import COLUMNS, FEATURES


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    for name in ("clean", "features"):
        shutil.copytree(prepared / name, tmp_path / name)
    return tmp_path


def _findings(root: Path) -> str:
    return "; ".join(check_leakage(root / "clean", root / "features").findings)


def test_nothing_leaks(prepared: Path) -> None:
    report = check_leakage(prepared / "clean", prepared / "features")
    assert report.findings == ()
    assert [line.feature for line in report.features] == list(FEATURES)
    assert max(line.alone for line in report.features) < 0.75
    assert report.true_labels > report.shuffled_labels
    assert report.shuffled_labels == pytest.approx(0.5, abs=0.1)
    text = "\n".join(describe(report))
    assert all(f"{feature.name} " in text and feature.known in text for feature in FEATURES)
    assert text.endswith("no feature from after departure")


@pytest.mark.parametrize("column", AFTER_DEPARTURE)
def test_a_column_from_after_departure_is_found_by_name(column: str) -> None:
    assert list(column_findings([column], COLUMNS)) == [f"{column}, known only after departure, is in the schedule"]
    found = list(column_findings([], [*COLUMNS, column]))
    assert bool(found) == (column != LABEL)


def test_a_column_that_nobody_declared_is_found() -> None:
    (found,) = column_findings([], [*COLUMNS, "mood"])
    assert "nothing says when it is known" in found


def test_an_outcome_under_another_name_is_found_by_what_it_knows(copy: Path) -> None:
    for part in ("train", "validation"):
        path = copy / "features" / f"{part}.parquet"
        table = pd.read_parquet(path)
        table.assign(temp=table[LABEL] / 10 + 40).to_parquet(path)
    assert "temp alone reaches" in _findings(copy)


def test_a_flight_in_two_parts_is_found(copy: Path) -> None:
    features = copy / "features"
    test = pd.read_parquet(features / "test.parquet")
    train = pd.read_parquet(features / "train.parquet")
    pd.concat([train, test.head(3)]).to_parquet(features / "train.parquet")
    assert "3 flights are in more than one" in _findings(copy)
