"""A PostgreSQL server of one's own: made, started and ended by the tests, on a loopback port and a folder that goes.

The programs are the distribution's (`make postgresql` installs them on Debian). The server refuses to run as root, so
that root starts it as `postgres`, or as `nobody`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines_tests import run_folder

USER = "lineage_owner"
"""The superuser of the test server; every role may connect without a password."""
MIGRATED = "migrated"
"""The database of the run's server that holds a catalog without entries: to be copied."""
_SECONDS = 60


def programs() -> Path:
    """Return the folder of the newest `initdb` and `postgres` of this machine."""
    found = [Path(path).parent for path in (shutil.which("initdb"),) if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for folder in found:
        if (folder / "initdb").exists():
            return folder
    raise RuntimeError("PostgreSQL is needed for these tests: make postgresql")


@dataclass
class Server:
    """One server, which can be killed and started again."""

    folder: Path
    port: int
    account: str | None
    process: subprocess.Popen[bytes] | None = field(default=None)
    options: tuple[str, ...] = ()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(programs() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"]
        command += ["-c", "max_connections=200", *self.options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, user=self.account, start_new_session=True)
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                psycopg.connect(self.address("postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End it in an orderly way."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(_SECONDS)

    def kill(self) -> None:
        """Kill the server and every process of it at once, as if its machine had died."""
        assert self.process is not None
        main = psutil.Process(self.process.pid)
        main.suspend()  # it makes no more of them
        children = main.children(recursive=True)  # each in a process group of its own
        for process in (main, *children):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(_SECONDS)
        psutil.wait_procs(children, timeout=_SECONDS)

    def address(self, database: str, user: str = USER) -> str:
        """Return what psycopg connects to."""
        return f"host=127.0.0.1 port={self.port} dbname={database} user={user}"

    def url(self, database: str, user: str = USER) -> str:
        """Return the URL of a catalog in a database."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run a statement outside any transaction."""
        with contextlib.closing(psycopg.connect(self.address(database), autocommit=True)) as connection:
            connection.execute(statement.encode())

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """Make a database, and drop it in the end; yield its name."""
        name = f"catalog_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Make a server, start it, and leave nothing of it."""
    made = _new_server()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder)


def shared_server() -> Server:
    """Return the server of this run, which has the database `MIGRATED`, and is not to be ended."""
    known = run_folder.server_once("postgresql", _start_shared)
    return Server(Path(known["folder"]), known["port"], known["account"])


def _start_shared() -> dict[str, Any]:
    made = _new_server("-c", "fsync=off")  # what a machine without power keeps is no matter of these tests
    _started.append(made)
    made.run(f"CREATE DATABASE {MIGRATED}")
    Catalog(made.url(MIGRATED)).close()
    assert made.process is not None
    known = {"pid": made.process.pid, "signal": signal.SIGINT, "folder": str(made.folder)}
    return {**known, "port": made.port, "account": made.account}


_started: list[Server] = []
"""Servers that outlive the tests of this process."""


def _new_server(*options: str) -> Server:
    """Make a server with the roles `lineage_writer` and `lineage_reader`, and start it."""
    account = None
    folder = Path(tempfile.mkdtemp(prefix="lineage-tests-postgresql-"))
    if os.getuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        account = "postgres" if "postgres" in names else "nobody"
        shutil.chown(folder, account)
    made = Server(folder, _free_port(), account, options=options)
    try:
        initdb = [str(programs() / "initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C"], check=True, stdout=subprocess.DEVNULL, user=account, timeout=_SECONDS)
        made.start()
        for role in ("lineage_writer", "lineage_reader"):
            made.run(f"CREATE ROLE {role} LOGIN")
    except BaseException:
        made.stop()
        shutil.rmtree(folder)
        raise
    return made


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
