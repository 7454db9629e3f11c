"""A catalog of one's own, and one that has seen something."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.catalog import Catalog


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the catalog is, or will be."""
    return tmp_path / ".lineage" / "catalog.db"


@pytest.fixture
def url(file: Path) -> str:
    """The catalog's URL."""
    return f"sqlite:///{file}"


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    """A new catalog, opened."""
    with Catalog(url) as opened:
        yield opened
