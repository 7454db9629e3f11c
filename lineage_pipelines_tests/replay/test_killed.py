"""Killed at any moment, a reproduction leaves the project as it was, no process, and its folder to the next one."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from lineage_pipelines.replay.sandbox import PREFIX, clear_left_folders
from lineage_pipelines_tests.replay.conftest import Trained

REPRODUCE = """
import sys
from pathlib import Path
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines import Catalog, resolve_settings
from lineage_pipelines.replay.reproduction_run import Options, reproduce
root = Path(sys.argv[1])
settings = resolve_settings(start=root)
with Catalog(settings.catalog, create=False, read_only=True) as catalog:
    entry = catalog.get("churn", 1)
print("begun", flush=True)
tell = lambda what: print(what, flush=True)
said = reproduce(entry, Options(project_dir=root, artifacts=ArtifactStore(settings.artifacts), tell=tell))
print(said.level, flush=True)
"""


def _start(shop: Trained, temporary: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", REPRODUCE, str(shop.root)],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _wait_for(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return
    raise AssertionError(f"it ended before {word!r}")


@pytest.mark.parametrize(
    ("word", "later"),
    [
        pytest.param("begun", 0.0, marks=pytest.mark.soak),
        ("looking for the inputs", 0.05),
        ("training", 0.3),
        pytest.param("training", 2.5, marks=pytest.mark.soak),
    ],
)
def test_a_kill_changes_nothing_and_leaves_nothing_running(
    shop: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, later: float
) -> None:
    shop.train()
    before = shop.everything()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = _start(shop, temporary)
    _wait_for(process, word)
    time.sleep(later)
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive, "a training outlived who started it"
    assert shop.everything() == before
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    clear_left_folders()
    assert not list(temporary.glob(f"{PREFIX}*"))
    again = _start(shop, temporary)
    assert again.communicate()[0].split()[-1] == "R5"
    assert again.returncode == 0
    assert not list(temporary.glob(f"{PREFIX}*"))
    assert shop.everything() == before


def test_a_folder_that_is_used_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lineage_pipelines.replay.sandbox import private_folder

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with private_folder() as folder:
        (folder / "used").write_text("")
        assert clear_left_folders() == 0
        assert (folder / "used").exists()
    assert not folder.exists()


def test_a_folder_that_is_kept_stays_and_has_to_be_new(tmp_path: Path) -> None:
    from lineage_pipelines.errors import NotFoundError
    from lineage_pipelines.replay.sandbox import private_folder

    with private_folder(tmp_path / "kept") as folder:
        (folder / "log").write_text("")
    assert (tmp_path / "kept" / "log").exists()
    with pytest.raises(NotFoundError, match="not empty"), private_folder(tmp_path / "kept"):
        pass
