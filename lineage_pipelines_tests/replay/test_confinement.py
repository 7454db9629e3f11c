"""Past code cannot reach keys, files, the project's data or the network, where there is bubblewrap."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.cli.replay_options import ask
from lineage_pipelines.replay.confinement import confine, find_bubblewrap
from lineage_pipelines.replay.reproduction_run import Options
from lineage_pipelines.replay.runner import Place, _command, _environment
from lineage_pipelines_tests.samples import make_record

_ATTEMPTS = """
import json, os, pathlib, socket, sys
def tried(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"
p = pathlib.Path
read = {name: tried(p(name).read_bytes) for name in json.loads(sys.argv[1])}
write = {name: tried(lambda name=name: p(name).write_text("changed")) for name in json.loads(sys.argv[2])}
def call():
    with socket.create_connection(("127.0.0.1", int(sys.argv[3])), timeout=2): pass
import sqlite3, lineage_pipelines
print(json.dumps({"read": read, "write": write, "call": tried(call), "others": len(list(p("/proc").glob("[0-9]*")))}))
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with keys, a project with its cache, keys and remote, and a sandbox."""
    for name in ("home/.ssh/id_ed25519", "project/.lineage/keys/log.pem", "project/.dvc/cache/x", "remote/x"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("original")
    (tmp_path / "sandbox" / "cache").mkdir(parents=True)
    (tmp_path / "sandbox" / "cache" / "x").write_text("original")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_what_confined_code_reaches(machine: Path) -> None:
    sandbox = machine / "sandbox"
    secrets = [str(path) for path in machine.rglob("*") if path.is_file() and not path.is_relative_to(sandbox)]
    assert len(secrets) == 4
    data, result = str(sandbox / "cache" / "x"), str(sandbox / "result")
    with socket.create_server(("127.0.0.1", 0)) as server:
        read, write = (
            json.dumps([*secrets, data, "/etc/shadow"]),
            json.dumps([*secrets, data, result, "/usr/x", "/etc/x"]),
        )
        command = [sys.executable, "-P", "-c", _ATTEMPTS, read, write, str(server.getsockname()[1])]
        python = Path(sys.executable)
        confined = confine(command, python=python, writable=[sandbox], fixed=[sandbox / "cache"], cwd=sandbox)
        done = subprocess.run(confined, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["read"] == {
        **dict.fromkeys(secrets, "FileNotFoundError"),
        data: "done",
        "/etc/shadow": "FileNotFoundError",
    }
    assert {name for name, how in found["write"].items() if how == "done"} <= {result, "/etc/x"}  # its own /etc
    assert found["write"][result] == "done"
    assert found["call"] == "ConnectionRefusedError"
    assert found["others"] <= 2
    assert {path.read_text() for path in machine.rglob("x")} == {"original"}
    assert not Path("/etc/x").exists()


def test_trainings_are_confined_with_a_home_of_their_own(machine: Path) -> None:
    sandbox = machine / "sandbox"
    place = Place(folder=sandbox, tree=sandbox, project=sandbox, python=Path(sys.executable), imports=())
    assert _command(place, sandbox / "plan.json")[0] == find_bubblewrap()
    assert _environment(make_record(), place)["HOME"] == "/home/lineage"


@pytest.mark.parametrize("there", [True, False])
def test_it_is_said_before_the_question(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, there: bool
) -> None:
    if not there:
        monkeypatch.setenv("PATH", str(machine))
        assert confine(["program"], python=Path(sys.executable), writable=[], cwd=machine) == ["program"]
    with Catalog(f"sqlite:///{machine}/catalog.db") as catalog:
        entry = catalog.append(make_record())
    with pytest.raises(click.UsageError):
        ask([entry], Options(project_dir=machine, artifacts=ArtifactStore(str(machine / "artifacts"))))
    told = capsys.readouterr().err
    assert ("confined by bubblewrap: without network" in told) is there
    assert ("NOT CONFINED" in told and "apt-get install bubblewrap" in told) is not there
