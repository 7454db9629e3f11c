"""A dvc.lock that a kill has cut is put back; one that is whole is left alone."""

import fcntl
import json
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.running import lock_backup
from lineage_pipelines.datasets.running.lock_backup import LockBackup
from lineage_pipelines.errors import DatasetError

ENTRY = """\
  {name}:
    cmd: make {name}
    deps:
    - path: data/raw
      hash: md5
      md5: {digest}.dir
      size: 8
      nfiles: 2
    params:
      params.yaml:
        seed: 7
    outs:
    - path: {name}.csv
      hash: md5
      md5: {digest}
      size: 1234
    - path: {name}
      hash: md5
      md5: {digest}.dir
      size: 12
      nfiles: 3
"""


def lock(**digests: str) -> bytes:
    entries = (ENTRY.format(name=name, digest=digit * 32) for name, digit in digests.items())
    return ("schema: '2.0'\nstages:\n" + "".join(entries)).encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    return tmp_path


def take(root: Path, stage: str = "b") -> LockBackup:
    return LockBackup.take(root, "dvc.lock", stage=stage, outs=2)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lock(a="1", b="2", c="3"), lock(a="1", b="9", c="3")),
        (lock(a="1", b="2"), lock(a="1", b="9")),
        (lock(a="1"), lock(a="1", b="9")),
        (None, lock(b="9")),
    ],
    ids=["in the middle", "at the end", "added", "the first"],
)
def test_every_cut_is_put_back_and_the_whole_is_kept(root: Path, before: bytes | None, after: bytes) -> None:
    path = root / "dvc.lock"
    for cut in range(len(after) + 1):
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
        backup = take(root)
        path.write_bytes(after[:cut])
        torn = backup.settle()
        now = path.read_bytes() if path.exists() else None
        whole = after[:cut] in {before, after}
        assert torn is not whole, after[:cut].decode()
        assert now == (after[:cut] if whole else before)
    assert not list(own_folder(root).iterdir())


def test_what_another_process_recorded_meanwhile_is_kept(root: Path) -> None:
    path = root / "dvc.lock"
    path.write_bytes(lock(a="1", b="2"))
    backup = take(root)
    path.write_bytes(lock(a="1", b="2", other="5"))
    assert not backup.settle()
    assert path.read_bytes() == lock(a="1", b="2", other="5")


def test_a_file_that_was_no_valid_lock_before_is_left_alone(root: Path) -> None:
    path = root / "dvc.lock"
    path.write_bytes(b"<<<<<<< HEAD\n")
    backup = take(root)
    path.write_bytes(b"<<<<<<<")
    assert not backup.settle()
    assert path.read_bytes() == b"<<<<<<<"


def test_the_next_process_finds_what_a_killed_one_left(root: Path) -> None:
    path = root / "dvc.lock"
    path.write_bytes(lock(a="1", b="2"))
    path.chmod(0o640)
    take(root)
    path.write_bytes(lock(a="1"))
    left = LockBackup.left(root)
    assert left is not None
    assert left.settle()
    assert path.read_bytes() == lock(a="1", b="2")
    assert path.stat().st_mode & 0o777 == 0o640
    assert LockBackup.left(root) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"file": "dvc.lock"}', '{"file": "a", "stage": "b", "outs": 1, "before": "?"}']
)
def test_a_damaged_backup_is_no_backup(root: Path, text: str) -> None:
    own_folder(root).mkdir()
    (own_folder(root) / "dvc.lock.before").write_text(text)
    assert LockBackup.left(root) is None


@pytest.mark.parametrize(("text", "kept"), [('{"read": {}, "write": {}}', True), ('{"read": {', False), ("", False)])
def test_a_torn_list_of_running_commands_is_removed(root: Path, text: str, kept: bool) -> None:
    rwlock = root / ".dvc/tmp/rwlock"
    rwlock.write_text(text)
    take(root).settle()
    assert rwlock.exists() == kept


def test_while_dvc_holds_its_lock_nothing_is_touched(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_backup, "_PATIENCE_SECONDS", 0.2)
    path = root / "dvc.lock"
    path.write_bytes(lock(a="1", b="2"))
    backup = take(root)
    path.write_bytes(b"")
    with (root / ".dvc/tmp/lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DatasetError, match="another DVC process has kept the project locked"):
            backup.settle()
    assert path.read_bytes() == b""
    assert LockBackup.left(root) == backup


def test_a_project_that_cannot_be_written_is_told(root: Path) -> None:
    own_folder(root).write_text("not a folder")
    with pytest.raises(DatasetError, match=r"cannot copy dvc\.lock"):
        take(root)


def test_the_backup_says_what_it_is_about(root: Path) -> None:
    (root / "dvc.lock").write_bytes(lock(a="1"))
    take(root, "a")
    kept = json.loads((own_folder(root) / "dvc.lock.before").read_text())
    assert (kept["file"], kept["stage"], kept["outs"]) == ("dvc.lock", "a", 2)
