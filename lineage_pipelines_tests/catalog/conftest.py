"""A catalog of one's own, in each database that a catalog can be kept in.

A test that asks for the catalog, or its URL, runs on SQLite and on PostgreSQL. One that asks for the `file` runs on
SQLite alone.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines_tests.postgres_server import MIGRATED


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs no file on every database."""
    if "url" in metafunc.fixturenames:
        databases = ["sqlite"] if "file" in metafunc.fixturenames else ["sqlite", "postgresql"]
        metafunc.parametrize("url", databases, indirect=True)


def _file(tmp_path: Path) -> Path:
    return tmp_path / ".lineage" / "catalog.db"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the catalog is, or will be."""
    return _file(tmp_path)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The catalog's URL."""
    if request.param == "sqlite":
        yield f"sqlite:///{_file(tmp_path)}"
        return
    server = request.getfixturevalue("postgresql")
    with server.database(template=MIGRATED) as name:
        yield server.url(name)


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    """A new catalog, opened."""
    with Catalog(url) as opened:
        yield opened
