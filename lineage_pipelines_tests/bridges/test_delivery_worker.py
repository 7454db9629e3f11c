"""MLflow down, slow, refusing, killed in the middle, and told by two at once: it catches up, exactly once."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.bridges.mlflow.delivery_launcher import start_delivery, wait_for_deliveries
from lineage_pipelines_tests.bridges.team import Team, a_team
from lineage_pipelines_tests.mlflow_server import MlflowServer, free_port

DELIVER = (
    "import sys\nfrom pathlib import Path\nfrom lineage_pipelines_tests.bridges.team import a_team\n"
    "with a_team(Path(sys.argv[1]), sys.argv[2], sys.argv[3]) as team:\n    print(team.deliver(), flush=True)\n"
)


@pytest.fixture
def team(shared_mlflow: MlflowServer, tmp_path: Path) -> Iterator[Team]:
    """A team with a server that nobody ends."""
    with a_team(tmp_path / "team", shared_mlflow.address, f"delay-{uuid.uuid4().hex[:8]}") as opened:
        yield opened


def _deliverer(team: Team) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", DELIVER, str(team.folder), team.settings.mlflow or "", team.model]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _check_each_once(team: Team, versions: int) -> None:
    assert sorted(team.registered()) == sorted(str(number) for number in range(1, versions + 1))
    records = [run.data.tags["lineage.record"] for run in team.runs() if "lineage.version" in run.data.tags]
    assert len(records) == len(set(records)) == versions
    nested = [run for run in team.runs() if "lineage.candidate" in run.data.tags]
    assert len(nested) == 2 * versions
    experiment = team.client.get_experiment_by_name(team.model)
    assert experiment is not None
    assert len(team.client.search_logged_models([experiment.experiment_id])) == versions


def test_a_server_that_is_down_is_told_when_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "mlflow"
    folder.mkdir()
    server = MlflowServer(folder, free_port())
    with a_team(tmp_path / "team", server.address, "delay") as team:
        team.train("1")
        found = team.deliver()
        assert found.sent == 0
        assert "does not answer" in (found.lost or "")
        server.start()
        try:
            assert team.deliver().sent == 1
            _check_each_once(team, 1)
            server.freeze()
            team.train("2")
            os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "1"
            assert team.deliver().lost is not None
            server.thaw()
            os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "30"
            assert team.deliver().lost is None
            _check_each_once(team, 2)
        finally:
            server.end()


def test_a_server_killed_again_and_again_has_each_version_once(
    own_mlflow: MlflowServer, tmp_path: Path, soak: bool
) -> None:
    draw = random.Random(6)
    with a_team(tmp_path / "team", own_mlflow.address, "delay") as team:
        for number in range(1, 13):
            team.train(str(number))
        for _ in range(4 if soak else 2):
            killer = threading.Timer(draw.uniform(0.15, 0.9), own_mlflow.end)
            killer.start()
            with contextlib.suppress(Exception):
                team.deliver()
            killer.join()
            own_mlflow.start()
        assert team.deliver().lost is None
        assert team.catalog.outbox.pending("mlflow") == []
        _check_each_once(team, 12)


def test_a_killed_deliverer_leaves_nothing_double(team: Team, soak: bool) -> None:
    for number in range(1, 9):
        team.train(str(number))
    draw = random.Random(7)
    for _ in range(4 if soak else 2):
        child = _deliverer(team)
        time.sleep(draw.uniform(1.8, 3.2))
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert team.deliver().refused == []
    _check_each_once(team, 8)


def test_two_at_once_tell_each_version_once(team: Team, soak: bool) -> None:
    for number in range(1, 7):
        team.train(str(number))
    children = [_deliverer(team) for _ in range(3 if soak else 2)]
    for child in children:
        child.communicate(timeout=60)
    assert team.deliver().sent == 0
    _check_each_once(team, 6)


def test_what_a_lost_answer_made_twice_becomes_one(team: Team) -> None:
    entry = team.train()
    mirror = team.mirror()
    first = mirror.write(entry)
    source = first.source or ""
    again = team.client.create_model_version(
        team.model, source, first.run_id, tags=first.tags, model_id=source.removeprefix("models:/")
    )
    assert len(team.client.search_model_versions(f"name = '{team.model}'")) == 2
    assert mirror.write(entry).version == first.version != again.version
    _check_each_once(team, 1)


def test_what_mlflow_refuses_keeps_nobody_waiting(team: Team) -> None:
    team.train("1")
    team.deliver()
    gone = team.train("2")
    (Path(team.settings.artifacts) / "sha256" / gone.record.artifact.digest.hex[:2]).rename(team.folder / "away")
    last = team.train("3")
    found = team.deliver()
    assert [seq for seq, _ in found.refused] == [gone.seq]
    assert found.sent == 1
    assert sorted(team.registered()) == ["1", str(last.version)]
    assert [owed.seq for owed in team.catalog.outbox.pending("mlflow")] == [gone.seq]
    (team.folder / "away").rename(Path(team.settings.artifacts) / "sha256" / gone.record.artifact.digest.hex[:2])
    assert team.deliver().refused == []
    _check_each_once(team, 3)


def test_a_deleted_experiment_is_said(team: Team) -> None:
    team.train("1")
    team.deliver()
    experiment = team.client.get_experiment_by_name(team.model)
    assert experiment is not None
    team.client.delete_experiment(experiment.experiment_id)
    team.train("2")
    assert "was deleted" in dict(team.deliver().refused).popitem()[1]
    team.client.restore_experiment(experiment.experiment_id)
    assert team.deliver().refused == []
    _check_each_once(team, 2)


def test_a_process_beside_this_one_delivers(team: Team) -> None:
    entry = team.train()
    start_delivery(team.settings)
    wait_for_deliveries(60)
    said = (team.folder / ".lineage" / "mlflow.log").read_text()
    assert "1 entry sent" in said, said
    assert team.run(entry).info.run_name == entry.ref
