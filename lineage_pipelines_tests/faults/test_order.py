"""Whatever is acknowledged has reached the disk, in an order in which a power failure at any moment leaves no lie."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def calls() -> list[str]:
    """Every call that changed something while a version was stored, without repetitions in a row."""
    command = [sys.executable, "-m", "lineage_pipelines_tests.faults.order"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.partition(" x ")[0] for line in done.stdout.splitlines()]


def _first(calls: list[str], beginning: str, after: int = -1) -> int:
    """Return where the first call that begins so stands, behind another one."""
    return next(place for place, call in enumerate(calls) if place > after and call.startswith(beginning))


def _last(calls: list[str], beginning: str, before: int) -> int:
    return max(place for place, call in enumerate(calls[:before]) if call.startswith(beginning))


def test_a_model_file_has_its_name_only_when_its_bytes_are_on_the_disk(calls: list[str]) -> None:
    renamed = _first(calls, "rename artifacts/")
    target = calls[renamed].removeprefix("rename ")
    folder = str(Path(target).parent)
    written, synced = _last(calls, f"write {folder}/.new-", renamed), _last(calls, f"sync {folder}/.new-", renamed)
    assert written < synced < renamed < _first(calls, f"sync {folder}", renamed)
    for made in (Path(folder).parent, Path(folder).parents[1], "."):  # a folder is only there when its own folder is
        assert _first(calls, f"sync {made}", renamed) > renamed


def test_a_record_is_begun_when_its_model_file_is_stored_for_good(calls: list[str]) -> None:
    renamed = _first(calls, "rename artifacts/")
    stored = max(_first(calls, f"sync artifacts/sha256/{calls[renamed].split('/')[2]}", renamed), renamed)
    begun = _first(calls, "open artifacts/")
    assert _last(calls, "sync catalog.db-wal", begun), "the attempt was announced before"
    assert not any("catalog.db" in call for call in calls[begun:stored])
    assert stored < _last(calls, "write catalog.db-wal", calls.index("acknowledged"))


def test_a_key_has_its_name_only_when_its_bytes_are_on_the_disk(calls: list[str]) -> None:
    linked = _first(calls, "link keys/log.pem")
    assert _last(calls, "write keys/", linked) < _last(calls, "sync keys/", linked) < linked


def test_a_version_is_acknowledged_when_the_log_of_the_database_is_on_the_disk(calls: list[str]) -> None:
    acknowledged = calls.index("acknowledged")
    written = _last(calls, "write catalog.db", acknowledged)
    assert calls[written] == "write catalog.db-wal"
    assert written < _last(calls, "sync catalog.db-wal", acknowledged)
    assert _first(calls, "sync .") < acknowledged  # the folder that the file is in
