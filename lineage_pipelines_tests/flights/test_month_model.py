"""The flights as of each month: a version a month, each of its own file, through Dagster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from lineage_pipelines import CaptureError, Catalog, resolve_settings
from lineage_pipelines.flights.models.month_model import MonthParams, train_month_delay
from lineage_pipelines.queries.registry.baseline import previous_version
from lineage_pipelines_tests.flights.checkout import check_out
from lineage_pipelines_tests.flights.test_pipeline import deliver_what_is_pinned


def _train(root: Path, month: str) -> None:
    """Run the partition of a month as a backfill does."""
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "lineage_pipelines.definitions"]
    tags = json.dumps({"dagster/partition": month, "dagster/backfill": "abcdefgh"})
    env = os.environ | {"DAGSTER_HOME": str(root), "DAGSTER_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [*command, "-j", "train_months", "--tags", tags], cwd=root, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_each_month_is_a_version_of_its_own_file(tmp_path: Path) -> None:
    root = check_out(tmp_path)
    deliver_what_is_pinned(root)
    for month in ("2013-03", "2013-01", "2013-02"):
        _train(root, month)
    with Catalog(resolve_settings(start=root).catalog) as catalog:
        entries = catalog.entries("month_delay")[::-1]
        previous = [before.version if (before := previous_version(catalog, each)) else None for each in entries]
    read = [each.record.data[0].path for each in entries]
    assert read == [f"data/raw/flights-2013-{month}.csv" for month in ("03", "01", "02")]
    assert previous == [3, None, 2]
    for each in entries:
        assert each.record.evaluation is not None
        assert each.record.evaluation.metrics["roc_auc"] > 0.55
        assert all(check.passed for check in each.record.evaluation.checks)


def test_a_month_without_late_flights_is_refused() -> None:
    flights = pd.DataFrame({"day": [1, 25], "arr_delay": [0.0, 0.0]})
    with pytest.raises(CaptureError, match="too few flights"):
        train_month_delay(flights, MonthParams())
