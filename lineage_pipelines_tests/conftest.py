"""Fixtures that every room may use."""

import compileall
import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lineage_pipelines_tests import postgres_server, run_folder, surroundings
from lineage_pipelines_tests.world import World

surroundings.replace()

_HOW_FAST = [HealthCheck.too_slow, HealthCheck.data_too_large]
"""What depends on the machine, and on how large records are."""
settings.register_profile(
    "gate", max_examples=30, derandomize=True, deadline=None, database=None, suppress_health_check=_HOW_FAST
)
settings.register_profile("fuzz", max_examples=500, deadline=None, print_blob=True, suppress_health_check=_HOW_FAST)
settings.load_profile("gate")  # `make fuzz` asks for the other one, with --hypothesis-profile


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make soak`."""
    parser.addoption("--soak", action="store_true", help="run the long suites whole, and what is marked soak")


def pytest_sessionstart() -> None:
    """Import DVC while its log's stream is that of the whole session: its handlers keep the one that they find.

    A test that captures its own output would leave them a closed one, and every later message of DVC would fail.
    """
    importlib.import_module("dvc")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `make soak` runs, and begin with what must not be taken apart."""
    if not config.getoption("--soak"):
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]
    # What costs much and is made once for a module begins first: workers steal from the end of each other's lists.
    items.sort(key=lambda item: item.path.name not in ("test_story.py", "test_diff_faults.py"))


@pytest.fixture(scope="session")
def soak(pytestconfig: pytest.Config) -> bool:
    """Whether a long suite runs whole; otherwise a smaller part of it, the same each time."""
    return bool(pytestconfig.getoption("--soak"))


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run, in the process that its workers are children of."""
    if not hasattr(config, "workerinput"):
        # Once, not in each of the hundreds of processes that tests start, which may not be allowed to keep bytecode.
        compileall.compile_dir(Path(__file__).parents[1] / "lineage_pipelines", quiet=2)
        run_folder.begin()
        config.add_cleanup(run_folder.end)


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    """The environment as it was, whatever a test and its fixtures did to it: projects are made for a whole session."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A fresh Git and DVC project."""
    return World(tmp_path / "project")


@pytest.fixture(scope="session")
def postgresql() -> postgres_server.Server:
    """The run's PostgreSQL server; every test has databases of its own in it, and ends it not."""
    return postgres_server.shared_server()
