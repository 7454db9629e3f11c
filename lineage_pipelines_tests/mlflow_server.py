"""MLflow servers, one for the run and others: started and ended by the tests, on loopback ports, in folders that go."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from lineage_pipelines_tests import run_folder

_SECONDS = 90


@dataclass
class MlflowServer:
    """One server, which can be stopped, killed and started again."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def address(self) -> str:
        """Its tracking URI."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=environment, start_new_session=True
            )
        deadline = time.monotonic() + _SECONDS
        while not self.answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.1)

    def answers(self) -> bool:
        """Say whether it is there."""
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it and its workers, by their process ids."""
        if self.process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(how)
            psutil.wait_procs(family, timeout=20)
        self.process.wait(20)
        self.process = None

    def freeze(self) -> None:
        """Let it be there, accept connections and answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        for process in (parent, *parent.children(recursive=True)):
            process.send_signal(which)


def free_port() -> int:
    """Return a loopback port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shared_server() -> MlflowServer:
    """Return the server of this run, which is not to be ended; every test uses names of its own in it."""
    known = run_folder.server_once("mlflow", _start_shared)
    return MlflowServer(Path(known["folder"]), known["port"])


def _start_shared() -> dict[str, Any]:
    made = MlflowServer(Path(tempfile.mkdtemp(prefix="lineage-tests-mlflow-")), free_port())
    _started.append(made)
    made.start()
    assert made.process is not None
    return {"pid": made.process.pid, "signal": signal.SIGKILL, "folder": str(made.folder), "port": made.port}


_started: list[MlflowServer] = []
"""Servers that outlive the tests of this process."""


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[MlflowServer]:
    """Run a server whose database and artifacts are in a folder."""
    server = MlflowServer(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.end()
