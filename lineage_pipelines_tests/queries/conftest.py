"""A catalog of six versions, and what its auditor has kept."""

from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines_tests.queries.asking import fill
from lineage_pipelines_tests.samples import make_record

RECORDS = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalog of six versions, with its key; entry 1 introduces the key."""
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", keys=tmp_path / "keys") as catalog:
        for number in range(RECORDS):
            catalog.append(make_record(run=str(number)))
    return tmp_path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two versions on one delivery, one on another, and a model of its own on the first."""
    fill(
        tmp_path,
        make_record("1"),
        make_record("2"),
        make_record("3", raw="through July"),
        make_record("4", model="minutes"),
    )
    return tmp_path
