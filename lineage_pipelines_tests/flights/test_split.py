"""The stage split: by time."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines import DatasetError
from lineage_pipelines.flights.delivery.source import MONTHS
from lineage_pipelines.flights.preparation.split import SplitSettings, assign, split
from lineage_pipelines_tests.flights.conftest import SPLIT, Tables


@given(st.integers(0, 12), st.integers(-1, 4), st.integers(-1, 4))
def test_every_month_is_in_one_part_and_later_parts_are_later(months: int, validation: int, test: int) -> None:
    chosen = SplitSettings(validation_months=validation, test_months=test)
    given_months = MONTHS[:months]
    if min(validation, test) < 1 or months <= validation + test:
        with pytest.raises(DatasetError):
            assign(given_months, chosen)
        return
    parts = assign(given_months, chosen)
    assert [month for part in parts for month in part] == list(given_months)
    assert [len(part) for part in parts] == [months - validation - test, validation, test]


def test_the_parts_are_the_whole_in_order(prepared: Path, tables: Tables) -> None:
    assert [set(part["month"]) for part in tables] == [{"2013-01"}, {"2013-02"}, {"2013-03"}]
    whole = pd.read_parquet(prepared / "features" / "flights.parquet")
    pd.testing.assert_frame_equal(pd.concat(tables, ignore_index=True), whole)


def test_too_few_months_say_what_to_do(prepared: Path, tmp_path: Path) -> None:
    whole = pd.read_parquet(prepared / "features" / "flights.parquet")
    whole[whole["month"] < "2013-03"].to_parquet(tmp_path / "flights.parquet")
    with pytest.raises(DatasetError, match="none left to train") as caught:
        split(tmp_path, SPLIT)
    assert "3 or more" in caught.value.fix
