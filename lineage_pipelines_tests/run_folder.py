"""What is made once for a run of the tests and shared by its workers: template projects, servers.

The folder is the controller's; its workers know it from the environment.
"""

import atexit
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

_VARIABLE = "RUN_OF_THE_TESTS"
_SECONDS = 30


def begin() -> None:
    """Make the folder; for the process that the run began with."""
    os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="lineage-tests-run-")


def end() -> None:
    """End the servers, by their process ids, and remove the folder."""
    folder = Path(os.environ.pop(_VARIABLE))
    for file in folder.glob("*.server"):
        server = json.loads(file.read_text())
        with contextlib.suppress(psutil.NoSuchProcess):
            _end_server(psutil.Process(server["pid"]), signal.Signals(server["signal"]))
        shutil.rmtree(server["folder"])
    shutil.rmtree(folder)


def _end_server(process: psutil.Process, how: signal.Signals) -> None:
    family = [process, *process.children(recursive=True)]
    for each in family if how is signal.SIGKILL else [process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.send_signal(how)
    psutil.wait_procs(family, timeout=_SECONDS)


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that the first process to ask for it fills, while others wait. Read only from then on."""
    if _VARIABLE not in os.environ:  # a program of the tests, started by hand
        begin()
        atexit.register(end)
    run = Path(os.environ[_VARIABLE])
    folder, ready = run / name, run / f"{name}.ready"
    with FileLock(run / f"{name}.lock"):
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a test left that was interrupted
            folder.mkdir()
            make(folder)
            ready.touch()
    return folder


def server_once(name: str, start: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what is known of a server that the first who asks for it starts; it ends with the run.

    Args:
        name: of the server.
        start: returns what the others need to know, with `pid`, the `signal` that ends it, and its `folder`.
    """

    def make(_: Path) -> None:
        file.write_text(json.dumps(start()))

    file = Path(os.environ[_VARIABLE]) / f"{name}.server"
    made_once(name, make)
    known: dict[str, Any] = json.loads(file.read_text())
    return known
