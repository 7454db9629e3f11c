"""Delivery launcher: starts a delivery in a process of its own and does not wait for it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lineage_pipelines.bridges.mlflow.server import is_installed
from lineage_pipelines.settings import MLFLOW, Settings

LOG = "mlflow.log"
"""The log of deliveries, in the folder `.lineage` of the project."""
_LONGEST_LOG = 1_000_000
_started: list[subprocess.Popen[bytes]] = []
"""Processes that may still run: they have to be polled by the process that started them."""


def start_mirroring(settings: Settings, warn: Callable[[str], None]) -> None:
    """Send MLflow what was committed, where the project mirrors its catalog there. Never fails, never waits.

    Args:
        settings: the project's.
        warn: called with what prevents it; pending entries are sent at the next opportunity.
    """
    if MLFLOW not in settings.mirrors:
        return
    if not is_installed():
        warn("MLflow is to mirror the catalog, and is not installed: pip install 'lineage-pipelines[mlflow]'")
        return
    try:
        start_delivery(settings)
    except OSError as error:
        warn(f"MLflow is updated later: {error}")


def start_delivery(settings: Settings) -> None:
    """Start the process that sends pending entries; it outlives this one, and two never work at once.

    Args:
        settings: the project's, with `mlflow`.

    Raises:
        OSError: it cannot be started, or its log cannot be written.
    """
    # In the environment: an address may hold a password, and every user can read the arguments of a process.
    environment = {
        **os.environ,
        "LINEAGE_CATALOG": settings.catalog,
        "LINEAGE_ARTIFACTS": settings.artifacts,
        "LINEAGE_KEYS": str(settings.keys),
        "MLFLOW_TRACKING_URI": settings.mlflow or "",
        **({"LINEAGE_DAGSTER_URL": settings.dagster_url} if settings.dagster_url else {}),
    }
    _started[:] = [process for process in _started if process.poll() is None]
    with _log_of(settings.project_dir).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lineage_pipelines.bridges.mlflow.delivery_worker"],
            cwd=settings.project_dir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _started.append(process)


def wait_for_deliveries(seconds: float) -> None:
    """Wait until the deliveries that this process started have ended.

    Raises:
        subprocess.TimeoutExpired: one has not.
    """
    for process in _started:
        process.wait(seconds)


def _log_of(project_dir: Path) -> Path:
    path = project_dir / ".lineage" / LOG
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.stat().st_size > _LONGEST_LOG:
        path.unlink()
    return path
