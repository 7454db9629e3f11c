"""Fixtures of this room."""

from pathlib import Path

import pytest

from lineage_pipelines_tests.capture.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A Git project with one commit."""
    return Repository(tmp_path / "project")
